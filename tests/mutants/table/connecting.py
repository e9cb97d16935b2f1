"""The right host, a link that dies, one task at a time, and an end in a sentence."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Gives, Instead, Never, Returns, Text, Uncaught
from tests.mutants.mutant import Mutant, group

DEPLOY, CONNECT = "tests/integration/test_deploy.py", "tests/integration/test_connect.py"
KNOWN_HOSTS = "tests/integration/test_known_hosts.py"
DEATHS, RACES, HOSTS = (f"tests/faults/test_{name}.py" for name in ("deaths", "races", "bad_hosts"))
GATEWAYS = "tests/integration/test_gateways.py"
NOT_A_LINE = "not a line of the probe"  # it ends in a traceback, whose last line this is

MUTANTS = (
    *group(
        "galos_ops.lock",
        (
            Mutant(
                "script",
                Text("flock -n 9 ||", "true ||"),
                {
                    f"{RACES}::test_two_that_wait_run_one_after_the_other": "codes == [0, 0]",
                    f"{RACES}::test_of_twenty_deploys_one_runs_and_the_others_say_who_holds_the_host": (
                        "codes == [4] * 19"
                    ),
                    f"{DEPLOY}::test_a_second_deploy_is_told_who_holds_the_host": "refused(4, task)",
                },
            ),
            Mutant(
                "script",
                Text("|| { : >token; echo 'busy step'; exit 4; }", "|| :"),
                {f"{RACES}::test_what_a_dead_client_left_running_is_waited_for": "a step that an earlier run began"},
            ),
            Mutant(
                "script",
                Text("do :; done", "do :; done; cat >/dev/null"),
                {f"{DEATHS}::test_the_link_freezes_after_a_step[down]": 'done("deploy", "--wait", "100")'},
            ),
            Mutant(
                "fence",
                Text('/token)" = ', '/token)" != -'),
                {f"{DEPLOY}::test_a_deploy_whose_lock_was_lost_changes_nothing_more": "deploy.returncode == code"},
            ),
            Mutant(
                "_take",
                Never("link_is_dead"),
                {f"{DEATHS}::test_a_fault_inside_each_step_in_turn[reset]": "running.end() == 3"},
            ),
            Mutant(
                "fence",
                Text("flock -w ", "true "),
                {f"{RACES}::test_what_a_dead_client_left_running_is_waited_for": 'refused(4, "deploy")'},
            ),
            Mutant("_take", Never("held"), {f"{HOSTS}::test_a_read_only_home_is_named": "cannot take the lock"}),
        ),
    ),
    *group(
        "galos_ops.ssh",
        (
            Mutant(
                "_prepare",
                DropCall("set_missing_host_key_policy"),
                {
                    f"{CONNECT}::test_an_unknown_host_key_stops_everything": "result.returncode == 3",
                    f"{GATEWAYS}::test_a_host_behind_a_gateway_whose_key_is_unknown_stops_everything": "code == 3",
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
                {f"{DEATHS}::test_a_slow_link_is_no_dead_one": "running.process.poll() is None"},
            ),
        ),
    ),
    *group(
        "galos_ops.known_hosts",
        (
            Mutant(
                "_entry",
                Never("len(words)"),
                {f"{KNOWN_HOSTS}::test_spoiled_lines_and_markers_hide_no_good_line": "assert result.returncode == 0"},
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
        "galos_ops.known_hosts.KnownHosts",
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
        "galos_ops.host.Host",
        (
            Mutant(
                "__enter__",
                DropCall("recognise"),
                {f"{GATEWAYS}::test_a_connection_that_somebody_else_opened_is_looked_at": "was used"},
            ),
            Mutant(
                "lost",
                Instead("ConnectError", "CommandFailed"),
                {
                    f"{DEATHS}::test_the_link_is_reset_after_a_step[pull]": "running.end() == 3",
                    f"{DEATHS}::test_the_link_is_reset_after_a_step[down]": "running.end() == 3",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.host_task.HostTask",
        (
            Mutant(
                "_on",
                Uncaught("KeyboardInterrupt"),
                {f"{DEATHS}::test_an_interrupt_after_a_step_is_a_sentence[pull]": '"interrupted" in running.told'},
            ),
        ),
    ),
    *group(
        "galos_ops.facts",
        (
            Mutant(
                "ENGINE",
                Never("permission denied"),
                {f"{HOSTS}::test_a_user_without_the_docker_group_is_told_so": "the user may not use the Docker engine"},
            ),
            Mutant(
                "PROJECT",
                Never("f.compose_file"),
                {f"{HOSTS}::test_no_compose_file_at_all": "there is no compose file in ~"},
            ),
            Mutant(
                "PROJECT",
                Never("not f.config"),
                {f"{HOSTS}::test_a_compose_file_that_does_not_parse_is_named": "cannot read its files in ~"},
            ),
        ),
    ),
    *group(
        "galos_ops.ssh",
        (
            Mutant(
                "connect",
                Uncaught("(SSHException, OSError, EOFError)"),
                {f"{CONNECT}::test_a_host_that_is_not_there": "Unable to connect to port 1"},
            ),
            Mutant(
                "connect",
                Uncaught("AuthenticationException"),
                {f"{CONNECT}::test_a_key_that_the_host_does_not_know": "refused our key or password"},
            ),
        ),
    ),
    *group(
        "galos_ops.host_task.HostTask",
        (
            Mutant(
                "_connections",
                Never("not names"),
                {f"{CONNECT}::test_a_task_without_a_host_never_runs_here": "result.returncode == 2"},
            ),
            Mutant(
                "_connections",
                Gives("settings.hosts.split", "[]"),
                {
                    f"{CONNECT}::test_the_fleet_of_the_configuration_is_used_without_a_host_on_the_command_line": (
                        "result.returncode == 0"
                    )
                },
            ),
            Mutant(
                "__call__",
                Never("kwargs.get('json'"),
                {
                    f"{DEPLOY}::test_json_is_one_document_and_the_steps_go_to_standard_error": "JSONDecodeError",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.host.Host",
        (
            Mutant(
                "__enter__",
                Never("run.dry"),
                {
                    f"{CONNECT}::test_dry_of_fabric_is_refused_since_it_would_not_be_dry": 'refused(2, "--dry"',
                },
            ),
        ),
    ),
    *group(
        "galos_ops.facts",
        (
            Mutant(
                "gather",
                Uncaught("ValueError"),
                {f"{CONNECT}::test_a_noisy_login_shell_is_named": NOT_A_LINE},
            ),
            Mutant(
                "ENGINE",
                Never("not f.engine"),
                {f"{CONNECT}::test_a_stopped_engine_is_named": 'refused(8, "deploy")'},
            ),
        ),
    ),
)
