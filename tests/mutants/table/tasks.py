"""What each task does besides, and what it says when it cannot."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Gives, Never, Returns, Text, Uncaught
from tests.mutants.mutant import Mutant, group

CONNECT, DEPLOY, MIGRATIONS, ROLLBACK, SERVICES, SETUP, VERBS = (
    f"tests/integration/test_{name}.py"
    for name in ("connect", "deploy", "migrations", "rollback", "services", "setup", "verbs")
)

MUTANTS = (
    *group(
        "galos_ops.tasks.releasing",
        (
            Mutant(
                "pending",
                Never("refusals"),
                {f"{MIGRATIONS}::test_pending_lists_names_and_touches_nothing": 'refused(5, "pending")'},
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.runner",
        (
            Mutant(
                "judge",
                Never("result.ok"),
                {
                    f"{DEPLOY}::test_a_migration_that_is_killed_on_the_host_is_a_failed_one": (
                        "the migration failed (exit 137"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.tools",
        (
            Mutant(
                "unknown",
                Returns("CLEAN"),
                {
                    f"{MIGRATIONS}::test_a_check_that_crashes_is_unknown": "refused(5,",
                    f"{MIGRATIONS}::test_a_tool_that_is_not_in_the_image_is_unknown": "refused(5,",
                    f"{MIGRATIONS}::test_a_database_that_refuses_the_password_is_unknown_and_shows_no_password": (
                        'refused(5, "pending")'
                    ),
                },
            ),
            Mutant(
                "read_exit",
                Never("result.ok"),
                {f"{MIGRATIONS}::test_commands_of_ones_own_in_a_container": 'done("-f", file, "pending")'},
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.guard",
        (
            Mutant("ask", Never("'none'"), {f"{MIGRATIONS}::test_no_migrations_at_all": "KeyError"}),
            Mutant(
                "ask",
                Never("'host'"),
                {f"{MIGRATIONS}::test_commands_of_ones_own_on_the_host": 'done("-f", file, "migrate")'},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.images.references",
        (
            Mutant(
                "references",
                Never("name not in listed"),
                {f"{DEPLOY}::test_a_service_that_compose_does_not_know_is_refused": "KeyError: 'galos-sync'"},
            ),
            Mutant(
                "references",
                Never("listed[target.name] != wanted"),
                {
                    f"{DEPLOY}::test_a_compose_file_that_starts_another_image_is_refused": 'refused(8, "deploy")',
                    "tests/faults/test_one_database.py::"
                    "test_a_neighbour_that_could_not_start_again_is_refused_before_anything_stops": '"galos-map: d',
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.rollback",
        (
            Mutant(
                "chosen_release",
                Never("to is not None"),
                {
                    f"{ROLLBACK}::test_back_and_forth_between_releases_without_a_migration": (
                        'refused(2, "rollback", "--to", "nope")'
                    )
                },
            ),
            Mutant(
                "chosen_release",
                Never("not earlier"),
                {f"{ROLLBACK}::test_the_first_release_has_nothing_before_it": "IndexError: list index out of range"},
            ),
            Mutant(
                "choose",
                Never("retention.kept"),
                {f"{ROLLBACK}::test_an_image_that_is_gone_is_named": 'refused(8, "rollback")'},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.images.retention",
        (
            Mutant(
                "_unneeded",
                Text('*) echo "$old" ;;', "*) ;;"),
                {f"{DEPLOY}::test_only_the_last_releases_are_kept": "kept == [image_id(deployed.host)]"},
            ),
            Mutant(
                "_unneeded",
                Text('grep -F -e "$one"', "cat"),
                {f"{SERVICES}::test_services_of_one_repository_keep_each_other_s_releases": "set(kept) =="},
            ),
        ),
    ),
    *group(
        "galos_ops.config.settings.Settings",
        (
            Mutant(
                "chosen",
                Never("name not in self.services"),
                {
                    f"{SERVICES}::test_a_service_that_is_not_configured_is_named": "KeyError: 'galos-maps'",
                    f"{VERBS}::test_pull_of_one_service_leaves_the_others_alone": "KeyError: 'galos-snyc'",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.files",
        (
            Mutant(
                "_closed",
                Returns("False"),
                {f"{SETUP}::test_a_file_of_secrets_that_others_may_read_is_made_private": "made private (0600)"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.deploy",
        (
            Mutant(
                "migrate",
                DropCall("require_stopped"),
                {f"{MIGRATIONS}::test_migrate_alone_as_the_runbook_has_it": 'refused(5, "migrate")'},
            ),
            Mutant(
                "pending_somewhere",
                Always("state != 'clean'"),
                {f"{DEPLOY}::test_a_release_without_a_migration_is_not_stopped_for_one": "✓ down"},
            ),
            Mutant(
                "run_migrations",
                Never("migration.backup"),
                {
                    f"{MIGRATIONS}::test_a_backup_runs_before_the_migration_and_with_the_services_environment": (
                        'shell("cat ~/backup", check=False) =='
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.switching",
        (
            Mutant(
                "record",
                Never("last == outcome.image"),
                {f"{DEPLOY}::test_the_second_deploy_changes_nothing_and_says_so": '"nothing to do: sha256:" in told'},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.running",
        (
            Mutant(
                "down",
                Gives("target.engine.remove", "target.unlocked(target.engine.down(), doing='stop')"),
                {f"{VERBS}::test_down_of_one_service_keeps_what_else_the_project_runs": 'names == "other"'},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.compose.Compose",
        (
            Mutant(
                "start",
                Text("docker start ", "docker-compose up -d; : "),
                {f"{VERBS}::test_start_after_a_pull_starts_the_old_image": "container(deployed.host) =="},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.images.pulling",
        (
            Mutant(
                "pull",
                Never("tag != target.service.tag"),
                {f"{DEPLOY}::test_another_tag_can_be_deployed": '"deployed sha256:" in deployed.done('},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.doing.Doing",
        (
            Mutant(
                "backup",
                Uncaught("CommandFailed"),
                {
                    f"{MIGRATIONS}::test_a_failed_backup_stops_everything_and_the_service_runs_again": (
                        "the backup failed and nothing was migrated"
                    )
                },
            ),
        ),
    ),
)
