"""What `setup` and its parts merge into a host's files, refuse, and say of them."""

from __future__ import annotations

from tests.mutants.changes import Always, Gives, Instead, Never, Returns, Text, Uncaught
from tests.mutants.mutant import Mutant, group

SETUP, DEPLOY = "tests/integration/test_setup.py", "tests/integration/test_deploy.py"
UNPARSED = f"{SETUP}::test_a_file_that_does_not_parse_is_left_byte_for_byte_and_named"
STOPPED = f"{SETUP}::test_setup_stops_at_a_file_that_does_not_parse"
REFUSED_ENV = f"{SETUP}::test_a_local_env_with_errors_is_refused_before_anything_is_sent"
RELEASED_AS_WRITTEN = f"{SETUP}::test_values_that_yaml_takes_for_dates_and_numbers_are_released_as_they_are"
STARTED_AS_PRINTED = "tests/unit/test_yaml_text.py::test_a_variable_starts_with_the_text_that_docker_compose_prints"
LEFT = "== (8, False, False)"  # exit code, whether there is a traceback, whether the secret is told
NOT_SENT = "== (2, False, False)"

MUTANTS = (
    Mutant(
        "galos_ops.workflows.ops.Ops.noted",
        Uncaught("BaseException"),
        {
            "tests/integration/test_night.py::test_a_setup_that_fails_has_what_it_did_in_the_log": (
                "not enough values to unpack"
            ),
            "tests/unit/test_ops.py::"
            "test_an_interrupt_loses_nothing_of_what_was_done_and_is_told_though_the_log_cannot_be_written": (
                "called once"
            ),
        },
    ),
    Mutant(
        "galos_ops.workflows.ops.Ops.change_alone",
        Never("change"),
        {"tests/integration/test_night.py::test_what_was_done_to_a_host_is_in_its_log": "*parts"},
    ),
    Mutant(
        "galos_ops.tasks.running.halfway",
        Never("gone"),
        {
            "tests/integration/test_night.py::test_a_down_that_fails_has_what_it_stopped_in_the_log": "down by then",
            "tests/unit/test_ops.py::test_a_stop_that_fails_logs_what_runs_no_more_by_then[now0-logged0]": (
                "down by then"
            ),
        },
    ),
    *group(
        "galos_ops.provisioning.files",
        (
            Mutant(
                "place",
                Always("new != old"),
                {
                    f"{SETUP}::test_setup_makes_a_bare_host_ready_and_the_second_run_changes_nothing[v2]": (
                        '"nothing to do: the host was ready already" in fab.done("setup")'
                    ),
                    f"{SETUP}::test_env_is_compared_and_pushed_by_name_alone": '"~/.env unchanged" in',
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.setup",
        (
            Mutant(
                "push_environment",
                Never("snapshot.environment"),
                {
                    f"{SETUP}::test_setup_needs_the_service_s_variables_from_here_or_from_the_host": (
                        "There is no absent.env in this folder."
                    )
                },
            ),
            Mutant(
                "setup",
                Always("snapshot.directories"),
                {
                    f"{SETUP}::test_setup_makes_the_directory_of_the_service": (
                        "the directory /srv/galos new is not there"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.engines.docker_compose",
        (
            Mutant(
                "render",
                Text("env_file", "x-env"),
                {f"{SETUP}::test_what_env_push_placed_reaches_the_container": "<= set(container)"},
            ),
        ),
    ),
    *group(
        "galos_ops.config.yaml_text",
        (
            Mutant(
                "load_resolved",
                Gives("_resolved_loader", "_loader()"),
                {
                    f"{RELEASED_AS_WRITTEN}[v2]": "month must be in 1..12",
                    f"{RELEASED_AS_WRITTEN}[v5]": "month must be in 1..12",
                    f"{STARTED_AS_PRINTED}[version1-1234-56-78]": "month must be in 1..12",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.docker_config",
        (
            Mutant(
                "with_helpers",
                Instead("{**tree, 'credHelpers': {**present, **helpers}}", "{'credHelpers': {**present, **helpers}}"),
                {f"{SETUP}::test_setup_keeps_what_the_host_holds_already": "found == text"},
            ),
            Mutant(
                "with_helpers",
                Gives("_parsed", "{}"),
                {
                    f"{UNPARSED}[ecr.docker-config]": LEFT,
                    f"{STOPPED}[ecr.docker-config]": 'refused(8, "setup")',
                },
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.ini",
        (
            Mutant(
                "_parsed",
                Uncaught("(configparser.Error, InconsistentStateError)"),
                {f"{UNPARSED}[ecr.credentials]": "assert (1, True, ", f"{UNPARSED}[ecr.region]": "assert (1, True, "},
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.dotenv",
        (
            Mutant(
                "merge",
                Never("entry.malformed"),
                {f"{UNPARSED}[env.push]": LEFT, f"{STOPPED}[env.push]": 'refused(8, "setup")'},
            ),
            Mutant(
                "_sound",
                Never("problem.refused"),
                {f"{REFUSED_ENV}[{case}]": NOT_SENT for case in ("placeholder", "no URL", "twice", "dollar")},
            ),
            Mutant("checked", Uncaught("FileNotFoundError"), {f"{REFUSED_ENV}[no file]": "words in result.stderr"}),
            Mutant(
                "diff",
                Always("entry.says("),
                {f"{SETUP}::test_env_is_compared_and_pushed_by_name_alone": "== names"},
            ),
        ),
    ),
    *group(
        "galos_ops.host.files",
        (
            Mutant(
                "read",
                Text("echo '!'", "echo"),
                {f"{SETUP}::test_what_cannot_be_opened_as_a_file_is_left_and_named[env.push]": LEFT},
            ),
        ),
    ),
    *group(
        "galos_ops",
        (
            Mutant(
                "workflows.ops.Ops.change_alone",
                Gives("self.holding", "ExitStack()"),
                {f"{DEPLOY}::test_a_second_deploy_is_told_who_holds_the_host": "refused(4, task)"},
            ),
            Mutant(
                "host.files._unchanged",
                Returns("'true'"),
                {"tests/unit/test_host.py::test_a_file_that_somebody_changed_since_it_was_read_stays": "DID NOT RAISE"},
            ),
        ),
    ),
)
