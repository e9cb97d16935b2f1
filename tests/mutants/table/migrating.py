"""What makes of a migration one that ran while the service was down, and is known to have ended well."""

from __future__ import annotations

from tests.mutants.changes import DropCall, Gives, Instead, Never, Text, Uncaught, Unwrap
from tests.mutants.mutant import Mutant, group

DEPLOY, DEATHS = "tests/integration/test_deploy.py", "tests/faults/test_deaths.py"
HOSTS, OTHERS = "tests/faults/test_bad_hosts.py", "tests/faults/test_other_projects.py"
DATABASES, MIGRATING = "tests/faults/test_bad_databases.py", "tests/unit/test_migrating.py"
MANY = "tests/integration/test_hosts.py"
GUARD, ROLLBACK = "tests/integration/test_guard.py", "tests/integration/test_rollback.py"

FLEET = "tests/faults/test_fleet.py"
SHELLLESS = f"{MIGRATING}::test_an_image_without_a_shell_migrates_and_is_asked_in_another_container"
UNLOGGED = f"{HOSTS}::test_a_migration_that_cannot_be_logged_starts_what_ran_before"

MUTANTS = (
    *group(
        "galos_ops.workflows.deploy",
        (
            Mutant(
                "run_migrations",
                DropCall("steps.down"),
                {
                    f"{DEPLOY}::test_the_runbook_from_a_bare_host_to_a_failed_migration[v2]": "runs beside it",
                    f"{HOSTS}::test_the_engine_restarts_during_the_migration": "docker exec failed (exit code 3)",
                    f"{OTHERS}::test_a_container_of_one_docker_compose_is_replaced_by_another": "runs beside it",
                },
            ),
            Mutant(
                "prepare",
                DropCall("resume_orphaned_migrations"),
                {
                    f"{DEATHS}::test_kill_9_inside_the_migration": (
                        'done("deploy", "--wait", "100")',
                        "the container galos-sync-migration is left",
                    ),
                    f"{DEPLOY}::test_a_killed_deploy_leaves_no_lock_and_the_next_one_adopts_its_migration": (
                        "the output of the migration that goes on was never shown",
                        '"✓ adopt" in told',
                    ),
                    f"{FLEET}::test_a_migration_whose_client_died_is_resumed_with_every_host_down": (
                        "again.end() == 0",
                        '"✓ adopt" in again.told',
                    ),
                },
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.runner",
        (
            Mutant(
                "_announcement",
                Instead("FORGET", "''"),
                {
                    f"{DEPLOY}::test_a_migration_makes_every_earlier_answer_void": (
                        'refused(5, "deploy", "--tag", "v1")'
                    ),
                },
            ),
            Mutant(
                "migrate",
                DropCall("judge"),
                {
                    f"{DATABASES}::test_a_full_database_fails_the_migration_in_its_own_words": (
                        '"No space left on device" in told'
                    )
                },
            ),
            Mutant(
                "migrate",
                Never("clean"),
                {f"{GUARD}::test_a_migration_after_which_something_is_pending_has_failed": "refused(6,"},
            ),
            Mutant(
                "_announcement",
                Gives("append", "':'"),
                {f"{ROLLBACK}::test_a_rollback_over_a_failed_migration_is_refused": "a migration ran since"},
            ),
            Mutant(
                "going_on",
                Uncaught("KeyboardInterrupt"),
                {
                    f"{DEPLOY}::test_ctrl_c_during_a_migration_says_what_goes_on": "the migration goes on in",
                    f"{MANY}::test_the_json_of_an_interrupted_deploy_says_so": "the migration goes on in",
                },
            ),
            Mutant(
                "_timely",
                Gives("migrator.end", "':'"),
                {f"{DEPLOY}::test_a_migration_past_its_time_is_stopped_on_the_host_too": "docker ps -aq"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.one_offs.migrator",
        (
            Mutant(
                "_attempt",
                Text('[ "$image" = ', "true || [ x = "),
                {f"{MIGRATING}::test_a_migration_that_runs_in_another_image_is_ended_at_once[dash]": "exit 97"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.one_offs.migrator",
        (
            Mutant(
                "in_shell",
                Instead("shlex.join(check)", "'true'"),
                {
                    f"{DEPLOY}::test_the_runbook_from_a_bare_host_to_a_failed_migration[v2]": (
                        "no check of its image was clean since the last migration"
                    )
                },
            ),
            Mutant(
                "run",
                Never("shown.begun"),
                {f"{SHELLLESS}[dash-begins0]": "it never started"},
            ),
            Mutant(
                "_attempt",
                Instead("LET_GO", "':'"),
                {f"{MIGRATING}::test_whoever_comes_next_need_not_wait_while_a_migration_is_followed[dash]": "~/free"},
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.runner",
        (
            Mutant(
                "_answer_after",
                Instead("answer == CLEAN", "True"),
                {f"{GUARD}::test_a_migration_after_which_something_is_pending_has_failed": "refused(6,"},
            ),
            Mutant(
                "_require_begun",
                Never("NOT_BEGUN"),
                {f"{UNLOGGED}": "the migration failed"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.deploy",
        (
            Mutant(
                "run_migrations",
                Instead("(GuardError, NotBegun)", "GuardError"),
                {UNLOGGED: "the previous image"},
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.runner",
        (
            Mutant(
                "resume",
                Unwrap("judge"),
                {f"{DEPLOY}::test_an_adopted_migration_that_failed_is_a_failed_migration": "deployed.judge.actions("},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.compose.Compose",
        (
            Mutant(
                "remove",
                Never("others"),
                {f"{GUARD}::test_a_container_that_is_left_after_the_stop_keeps_the_migration_away": "refused(8,"},
            ),
        ),
    ),
)
