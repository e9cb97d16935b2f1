"""The right host, whose key is known, and a link that is noticed when it is dead."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Gives, Never, Returns
from tests.mutants.mutant import Mutant, group

CONNECT, KNOWN_HOSTS, GATEWAYS = (
    f"tests/integration/test_{name}.py" for name in ("connect", "known_hosts", "gateways")
)
DEATHS = "tests/faults/test_deaths.py"

MUTANTS = (
    *group(
        "galos_ops.host.connection",
        (
            Mutant(
                "_prepare",
                DropCall("set_missing_host_key_policy"),
                {
                    f"{CONNECT}::test_an_unknown_host_key_stops_everything": "is not in known_hosts as",
                    f"{GATEWAYS}::test_a_host_behind_a_gateway_whose_key_is_unknown_stops_everything": (
                        "is not in known_hosts as"
                    ),
                },
            ),
            Mutant(
                "_prepare",
                DropCall("_prepare"),
                {
                    f"{GATEWAYS}::test_a_gateway_whose_key_is_unknown_stops_everything": "code == 3",
                    f"{KNOWN_HOSTS}::test_the_key_of_a_gateway_is_judged_as_well": "assert result.returncode == 3",
                },
            ),
            Mutant(
                "recognise",
                Never("error"),
                {f"{GATEWAYS}::test_a_connection_that_somebody_else_opened_is_looked_at": "was used"},
            ),
            Mutant(
                "recognise",
                DropCall("recognise"),
                {
                    f"{KNOWN_HOSTS}::test_what_somebody_else_opened_is_judged_with_its_gateway[connection]": (
                        '"sandbox: its SSH host key " in told'
                    )
                },
            ),
            Mutant(
                "_bound",
                DropCall("threading.Thread"),
                {f"{DEATHS}::test_the_link_freezes_inside_the_migration": "TimeoutExpired"},
            ),
            Mutant(
                "_watch",
                DropCall("alarm.cancel"),
                {
                    f"{DEATHS}::test_a_slow_link_is_no_dead_one": (
                        "running.process.poll() is None",
                        "docker exec failed",  # no migration came to the gate: the link was taken for dead before
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.host.host_key",
        (
            Mutant(
                "host_key_error",
                Never("revoked"),
                {
                    f"{KNOWN_HOSTS}::test_a_revoked_key_is_refused_also_where_another_line_knows_it": (
                        "assert result.returncode == 3"
                    )
                },
            ),
            Mutant(
                "host_key_error",
                Gives("any", "lines[:1] and lines[0].blob == key.asbytes()"),
                {f"{KNOWN_HOSTS}::test_one_of_several_keys_of_a_type_is_enough": "returncode == 0"},
            ),
            Mutant(
                "_unknown",
                Never("authorities"),
                {
                    f"{KNOWN_HOSTS}::test_a_host_that_only_an_authority_vouches_for_is_one_sentence": (
                        "only the certificate authority"
                    )
                },
            ),
            Mutant(
                "known_as",
                Never("alias"),
                {f"{KNOWN_HOSTS}::test_an_alias_is_the_name_that_counts": "returncode == 0"},
            ),
            Mutant(
                "host_key_error",
                Always("one.blob"),
                {f"{CONNECT}::test_a_changed_host_key_stops_everything": "result.returncode == 3"},
            ),
        ),
    ),
    *group(
        "galos_ops.host.known_hosts",
        (
            Mutant(
                "_entry",
                Never("len(words)"),
                {f"{KNOWN_HOSTS}::test_spoiled_lines_and_markers_hide_no_good_line": "not enough values to unpack"},
            ),
            Mutant(
                "_like",
                Returns("name == pattern"),
                {
                    f"{KNOWN_HOSTS}::test_patterns_hashed_names_and_names_without_the_port_are_known": (
                        "assert doctor(line).returncode == 0"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.host.known_hosts.KnownHosts",
        (
            Mutant(
                "algorithms",
                Returns("list(offered)"),
                {
                    f"{KNOWN_HOSTS}::test_a_host_known_by_one_type_is_asked_for_that_type[ecdsa-sha2-nistp256]": (
                        "assert result.returncode == 0"
                    )
                },
            ),
        ),
    ),
)
