"""One task at a time, a link that is lost, and an end in a sentence."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Gives, Instead, Never, Text, Uncaught, WithoutArgument
from tests.mutants.mutant import Mutant, group

DEPLOY, CONNECT = "tests/integration/test_deploy.py", "tests/integration/test_connect.py"
DEATHS, RACES, HOSTS = (f"tests/faults/test_{name}.py" for name in ("deaths", "races", "bad_hosts"))
MANY, GATEWAYS = "tests/integration/test_hosts.py", "tests/integration/test_gateways.py"
CHANNEL, CHANNELS = "tests/unit/test_lock_channel.py", "tests/unit/test_host_channel.py"
GREETED = "tests/unit/test_host.py::test_a_login_shell_that_prints_is_told_and_nothing_of_a_file"
NOT_A_LINE = "not a line of the probe"  # it ends in a traceback, whose last line this is

MUTANTS = (
    *group(
        "galos_ops.host.lock",
        (
            Mutant(
                "script",
                Text("try -n 9 ||", "true ||"),
                {
                    f"{RACES}::test_two_that_wait_run_one_after_the_other": "codes == [0, 0]",
                    f"{RACES}::test_of_twenty_deploys_one_runs_and_the_others_say_who_holds_the_host": (
                        "codes == [4] * 19",
                        "timed out after",  # they wait for the migration of the one that was first
                    ),
                    f"{DEPLOY}::test_a_second_deploy_is_told_who_holds_the_host": (
                        "refused(4, task)",
                        "timed out after",
                    ),
                },
            ),
            Mutant(
                "script",
                Text("|| { : >token; echo 'busy step'; exit 4; }", "|| :"),
                {f"{RACES}::test_what_a_dead_client_left_running_is_waited_for": "a step that an earlier run began"},
            ),
            Mutant(
                "_asking",
                Text(" 9>&- &", " &"),
                {f"{CHANNEL}::test_a_question_keeps_no_lock_when_its_asker_is_gone": "LockedError"},
            ),
            Mutant(
                "script",
                Text("$(named)", "$(cat holder)"),
                {
                    "tests/unit/test_lock.py::"
                    "test_who_meets_a_holder_that_has_not_yet_written_its_name_learns_it[dash-0]": "busy {",
                },
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
                Text("try -w ", "true "),
                {f"{RACES}::test_what_a_dead_client_left_running_is_waited_for": 'refused(4, "deploy")'},
            ),
            Mutant("_take", Never("held"), {f"{HOSTS}::test_a_read_only_home_is_named": "assert 3 == 8"}),
        ),
    ),
    *group(
        "galos_ops.host.host.Host",
        (
            Mutant(
                "lost",
                WithoutArgument("ConnectError", "evidence"),
                {f"{CHANNELS}::test_a_link_that_breaks_is_told_with_what_the_system_says_of_it": "reset by peer"},
            ),
            Mutant(
                "__exit__",
                DropCall("self._channels.close"),
                {f"{CHANNELS}::test_a_connection_of_somebody_else_keeps_no_channel_of_ours": "== [True, True]"},
            ),
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
        "galos_ops.tasks.run.Run",
        (
            Mutant(
                "_on",
                Uncaught("KeyboardInterrupt"),
                {
                    f"{DEATHS}::test_an_interrupt_after_a_step_is_a_sentence[pull]": '"interrupted" in running.told',
                    f"{MANY}::test_an_interrupt_before_the_first_step_is_in_the_document": (
                        "Interrupted between two hosts"
                    ),
                },
            ),
        ),
    ),
    *group(
        "galos_ops.diagnostics.conditions.machine",
        (
            Mutant(
                "docker_group",
                Always("permission denied"),
                {f"{HOSTS}::test_a_user_without_the_docker_group_is_told_so": "the user may not use the Docker engine"},
            ),
        ),
    ),
    *group(
        "galos_ops.diagnostics.conditions.project",
        (
            Mutant(
                "CONDITIONS",
                Always("snapshot.compose_file"),
                {f"{HOSTS}::test_no_compose_file_at_all": "there is no compose file in ~"},
            ),
            Mutant(
                "malformed",
                Always("snapshot.config"),
                {f"{HOSTS}::test_a_compose_file_that_does_not_parse_is_named": "cannot read its files in ~"},
            ),
        ),
    ),
    *group(
        "galos_ops.host.connection",
        (
            Mutant(
                "_open",
                Uncaught("(SSHException, OSError, EOFError)"),
                {f"{CONNECT}::test_a_host_that_is_not_there": "Unable to connect to port 1"},
            ),
            Mutant(
                "_open",
                Uncaught("AuthenticationException"),
                {f"{CONNECT}::test_a_key_that_the_host_does_not_know": "refused our key or password"},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.run.Run",
        (
            Mutant(
                "_begin",
                Never("not hosts"),
                {f"{CONNECT}::test_a_task_without_a_host_never_runs_here": ("result.returncode == 2", "IndexError")},
            ),
            Mutant(
                "_begin",
                WithoutArgument("replace", "program"),
                {f"{CONNECT}::test_inv_is_told_of_fab_which_can_name_a_host": "splitlines()[-1] =="},
            ),
            Mutant(
                "over",
                Never("self._json"),
                {
                    f"{DEPLOY}::test_json_is_one_document_and_the_steps_go_to_standard_error": "JSONDecodeError",
                },
            ),
            Mutant(
                "_each",
                Always("not self.goes_on"),
                {f"{MANY}::test_a_task_that_looks_tells_of_every_host": 'document["hosts"]] == ['},
            ),
            Mutant(
                "_each",
                Never("not self.goes_on"),
                {f"{MANY}::test_a_task_that_changes_hosts_stops_and_names_those_that_were_not_tried": "Not tried"},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.destinations",
        (
            Mutant(
                "destinations",
                Gives("addresses", "[]"),
                {
                    f"{CONNECT}::test_the_fleet_of_the_configuration_is_used_without_a_host_on_the_command_line": (
                        "result.returncode == 0"
                    )
                },
            ),
            Mutant(
                "destinations",
                Gives("list(context)", "[context[0]]"),
                {f"{MANY}::test_a_group_of_a_program_of_ones_own_is_worked_on_host_by_host": '"sandbox-3"]'},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.executor.Executor",
        (
            Mutant(
                "expand_calls",
                Gives("list", "expanded"),
                {f"{MANY}::test_of_tasks_that_are_typed_together_one_is_over_before_the_next": "set(heads[2:]) =="},
            ),
        ),
    ),
    *group(
        "galos_ops.config.command_line.CommandLine",
        (
            Mutant(
                "fab",
                Gives("dict", "{}"),
                {f"{MANY}::test_the_next_command_is_the_same_release_again": "splitlines()[-1] =="},
            ),
            Mutant(
                "ssh",
                Never("port"),
                {f"{CONNECT}::test_the_next_command_keeps_the_account_and_the_port": "splitlines()[-1] =="},
            ),
        ),
    ),
    *group(
        "galos_ops.host.connection",
        (
            Mutant(
                "_open",
                Uncaught("(socket.gaierror, UnicodeError)"),
                {"tests/unit/test_resolving.py::test_a_name_that_cannot_be_one_has_no_address[a..b]": "gateway or"},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.destinations",
        (
            Mutant(
                "connected",
                Never("65536"),
                {"tests/unit/test_resolving.py::test_a_port_that_no_host_can_have_is_refused": "DID NOT RAISE"},
            ),
        ),
    ),
    *group(
        "galos_ops.host.host.Host",
        (
            Mutant(
                "run",
                WithoutArgument("print", "file"),
                {
                    "tests/unit/test_host.py::"
                    "test_fabrics_echo_leaves_standard_output_to_what_is_asked_for": "readouterr() =="
                },
            ),
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
        "galos_ops.host.files",
        (
            Mutant(
                "read",
                Never("any("),
                {f"{GREETED}[{shell}-no end-no end]": "DID NOT RAISE" for shell in ("dash", "bash")},
            ),
            Mutant(
                "read",
                Never("len(lines)"),
                {rf"{GREETED}[{shell}-\\t\\n-]": "zip() argument" for shell in ("dash", "bash")},
            ),
        ),
    ),
    *group(
        "galos_ops.host.lock",
        (
            Mutant(
                "_answered",
                Never("word not in"),
                {
                    f"{CHANNEL}::"
                    r"test_a_login_shell_that_prints_is_not_taken_for_a_lock_that_cannot_be_had[Welcome\\n]": (
                        "a start-up file of the login shell prints"
                    ),
                    f"{CONNECT}::test_a_noisy_login_shell_is_named": "in told",
                },
            ),
            Mutant(
                "script",
                Text("printf '%s %s\\n' {}", "echo {}"),
                {
                    "tests/unit/test_lock.py::test_who_waits_in_vain_is_told_who_holds_the_host[dash]": (
                        '[f"waiting {WHO}", f"busy {WHO}"]'
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.engines.snapshot.probe",
        (
            Mutant(
                "read",
                Uncaught("ValueError"),
                {f"{CONNECT}::test_a_noisy_login_shell_is_named": NOT_A_LINE},
            ),
        ),
    ),
    *group(
        "galos_ops.diagnostics.conditions.machine",
        (
            Mutant(
                "CONDITIONS",
                Instead("it.snapshot.engine", "True"),
                {f"{CONNECT}::test_a_stopped_engine_is_named": 'refused(8, "deploy")'},
            ),
        ),
    ),
)
