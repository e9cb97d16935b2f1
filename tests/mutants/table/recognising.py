"""The right host, whose key is known, and a link that is noticed when it is dead."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Gives, Instead, Never, Returns, Uncaught, WithoutArgument
from tests.mutants.mutant import Mutant, group

CONNECT, KNOWN_HOSTS, GATEWAYS, LIKE_SSH = (
    f"tests/integration/test_{name}.py" for name in ("connect", "known_hosts", "gateways", "like_ssh")
)
GETS_IN = f"{LIKE_SSH}::test_who_gets_in_with_ssh_gets_in"
FAB = "done.returncode == 0"
DEATHS = "tests/faults/test_deaths.py"
AUTHENTICATION = "tests/unit/test_authentication.py"
CHANNELS = "tests/unit/test_host_channel.py"

MUTANTS = (
    *group(
        "galos_ops.tasks.executor",
        (
            Mutant(
                "_configured",
                Never("all("),
                {
                    f"{GETS_IN}[final]": FAB,
                    "tests/integration/test_mistakes.py::"
                    "test_what_fabric_does_not_know_in_ssh_config_is_asked_of_ssh": "done.returncode == 3",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.host",
        (
            Mutant(
                "ssh_config.in_full",
                Instead("('proxycommand', 'proxyjump')", "('proxycommand',)"),
                {
                    f"{GETS_IN}[a hop with tokens]": FAB,
                    "tests/unit/test_ssh_config.py::test_a_gateway_may_be_named_by_tokens": "proxyjump",
                },
            ),
            Mutant(
                "authentication.Agent._connect",
                Instead("(answer.get_binary(), answer.get_binary())[0]", "(answer.get_binary(), answer.get_text())[0]"),
                {f"{AUTHENTICATION}::test_a_key_whose_comment_is_no_utf_8_is_a_key": "codec can't decode"},
            ),
            Mutant(
                "key_files.load",
                Uncaught("Exception"),
                {
                    f"{AUTHENTICATION}::test_a_damaged_key_is_passed_over_and_told": "AssertionError",
                    "tests/unit/test_key_files.py::test_a_damaged_key_is_told_as_one": "Error",
                },
            ),
        ),
    ),
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
                "hops",
                Returns("[connection]"),
                {
                    f"{LIKE_SSH}::test_a_changed_key_of_a_gateway_is_told_as_the_gateways": "== code",
                    f"{LIKE_SSH}::test_a_gateway_that_refuses_our_key_is_named": "told.startswith",
                    f"{GATEWAYS}::test_a_gateway_whose_key_is_unknown_stops_everything": "code == 3",
                    f"{KNOWN_HOSTS}::test_the_key_of_a_gateway_is_judged_as_well": "assert result.returncode == 3",
                },
            ),
            Mutant(
                "_recognise",
                Never("error"),
                {f"{GATEWAYS}::test_a_connection_that_somebody_else_opened_is_looked_at": "was used"},
            ),
            Mutant(
                "recognise",
                Gives("hops", "[connection]"),
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
                "_bound",
                Instead("socket.TCP_NODELAY", "socket.TCP_QUICKACK"),
                {
                    f"{CHANNELS}::test_what_is_sent_does_not_wait_for_the_word_that_what_was_sent_before_arrived": (
                        "TCP_NODELAY"
                    )
                },
            ),
            Mutant(
                "_bound",
                Instead("transport.sock.family in (socket.AF_INET, socket.AF_INET6)", "True"),
                {f"{CHANNELS}::test_a_connection_may_lead_through_a_socket_that_is_not_of_a_network": "OSError"},
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
    *group(
        "galos_ops.host.connection",
        (
            Mutant(
                "close",
                Returns("opened[-1].close()"),
                {f"{GATEWAYS}::test_a_gateway_that_was_opened_on_the_way_is_closed_with_the_host": "not gateway.is"},
            ),
        ),
    ),
    *group(
        "galos_ops.host.connection",
        (
            Mutant(
                "_prepare",
                Instead("(None, hop.connect_timeout or CONNECT_SECONDS)", "(9, 9)"),
                {f"{LIKE_SSH}::test_the_time_that_was_typed_bounds_the_connection": "Refusing to be ambiguous"},
            ),
            Mutant(
                "_open",
                Never("hop.gateway"),
                {f"{LIKE_SSH}::test_a_host_that_its_gateway_does_not_reach_is_named_with_it": "through sandbox-2"},
            ),
        ),
    ),
    *group(
        "galos_ops.host.resolving",
        (
            Mutant(
                "unresolved",
                Never("usable"),
                {f"{LIKE_SSH}::test_ssh_is_asked_once_for_each_hop": "looked"},
            ),
            Mutant(
                "login_of",
                Returns("Login(connection.original_host)"),
                {f"{LIKE_SSH}::test_what_was_typed_wins_over_ssh_config": FAB},
            ),
            Mutant(
                "resolve",
                Always("getattr(gateway"),
                {f"{GATEWAYS}::test_a_gateway_that_a_program_opened_stays_open": "connection.gateway is gateway"},
            ),
            Mutant(
                "resolve",
                Always("settled"),
                {
                    f"{GETS_IN}[include]": FAB,
                    f"{GETS_IN}[two hops]": FAB,
                    f"{GETS_IN}[no jump]": FAB,
                    f"{LIKE_SSH}::test_a_file_that_ssh_cannot_make_sense_of_is_told_in_its_words": "== code",
                },
            ),
            Mutant(
                "_gateway",
                Never("proxyjump"),
                {f"{GETS_IN}[jump]": FAB},
            ),
            Mutant(
                "_gateway",
                Never("proxycommand"),
                {f"{GETS_IN}[command]": FAB},
            ),
            Mutant(
                "_gateway",
                WithoutArgument("Login", "jump"),
                {f"{GETS_IN}[two hops]": FAB},
            ),
            Mutant(
                "resolve",
                Never("login in before"),
                {f"{LIKE_SSH}::test_hops_that_lead_back_are_a_mistake_in_the_file": "RecursionError"},
            ),
        ),
    ),
    *group(
        "galos_ops.host.ssh_config",
        (
            Mutant(
                "usable",
                Returns("True"),
                {f"{LIKE_SSH}::test_without_an_ssh_on_this_machine_fabric_reads_ssh_config": "FileNotFoundError"},
            ),
            Mutant(
                "_filled",
                Returns("text"),
                {f"{GETS_IN}[tokens]": FAB, f"{GETS_IN}[command]": FAB},
            ),
            Mutant(
                "_files",
                Returns('line.split(" ")'),
                {f"{GETS_IN}[files with a space]": FAB},
            ),
        ),
    ),
    *group(
        "galos_ops.host.authentication.SshAuthentication",
        (
            Mutant(
                "_socket",
                Returns("os.environ.get('SSH_AUTH_SOCK', '')"),
                {f"{GETS_IN}[agent]": FAB},
            ),
            Mutant(
                "_keys",
                Instead("self._config['identitiesonly'] == 'no'", "True"),
                {
                    "tests/unit/test_authentication.py::test_only_what_is_named_is_tried_where_ssh_config_says_so": (
                        'tried(keys.door(), keys.config("three", "two.pub", only="yes"))'
                    )
                },
            ),
            Mutant(
                "_keys",
                Gives("certificate", "None"),
                {f"{GETS_IN}[certificate]": FAB, f"{GETS_IN}[certificate of an agent's key]": FAB},
            ),
        ),
    ),
)
