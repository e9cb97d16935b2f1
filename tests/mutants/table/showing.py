"""What keeps a secret from being shown."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Gives, Instead, Returns, Text, Uncaught
from tests.mutants.mutant import Mutant, group

SECRETS, SETUP, DIFFS = "tests/faults/test_secrets.py", "tests/integration/test_setup.py", "tests/unit/test_diffs.py"
GUARD = "tests/unit/test_guard.py"
PARSE_ERRORS = "tests/faults/test_parse_errors.py"

MUTANTS = (
    *group(
        "galos_ops.redaction",
        (
            Mutant(
                "masked",
                Returns("text"),
                {
                    f"{SECRETS}::test_a_deploy_with_a_migration_and_a_backup_shows_no_password": (
                        '"postgresql://galos:***@db/" in result.stdout'
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.ui.stream",
        (
            Mutant(
                "Outlived._try",
                Uncaught("OSError"),
                {
                    "tests/integration/test_view.py::test_a_deploy_whose_reader_goes_away_ends_all_the_same": "== 0",
                    "tests/unit/test_report.py::test_what_is_not_taken_ends_no_step[True-Plain]": "No space left",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.on_host",
        (
            Mutant(
                "run",
                Instead(
                    "f'. /dev/stdin\\n{shlex.join(argv)} </dev/null 8>&-'",
                    "stdin.decode() + f'{shlex.join(argv)} </dev/null'",
                ),
                {f"{GUARD}::test_on_the_host_the_check_has_the_values_of_env_and_no_standard_input": '"p$w" not in'},
            ),
        ),
    ),
    *group(
        "galos_ops.redaction",
        (
            Mutant(
                "learn",
                DropCall("_KNOWN.learn"),
                {
                    f"{PARSE_ERRORS}::test_no_error_of_docker_compose_shows_a_value_of_env[v2]": (
                        "assert secret not in told"
                    ),
                    f"{PARSE_ERRORS}::test_no_other_task_shows_one[v2]": "assert not [secret for secret",
                },
            ),
            Mutant(
                "without_values",
                Gives("names.sub", "text"),
                {
                    f"{PARSE_ERRORS}::test_the_warnings_of_a_failing_step_do_not_show_the_rest_of_a_password[v2]": (
                        "assert not re.search("
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.escapes",
        (
            Mutant(
                "sub",
                Gives("_sub", "text"),
                {"tests/unit/test_redaction.py::test_a_long_value_is_shown_nowhere": "strip("},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.snapshot.probe",
        (
            Mutant(
                "compose",
                Text("for f in $words", "for f in"),
                {f"{PARSE_ERRORS}::test_a_file_of_another_name_is_no_other_thing[v2]": "assert not [secret for secret"},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.logs",
        (
            Mutant(
                "guard_logs",
                Instead("logging.INFO", "logging.DEBUG"),
                {f"{SETUP}::test_no_secret_is_seen_in_any_output_or_on_any_command_line": "secret in output"},
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.diffs",
        (
            Mutant(
                "docker_config",
                Always("SHOWN_JSON"),
                {f"{DIFFS}::test_no_stretch_of_a_value_is_seen_in_any_config_of_docker": "assert [part for part in"},
            ),
        ),
    ),
)
