"""What makes of several services on one database one that is stopped while one of them migrates."""

from __future__ import annotations

from tests.mutants.changes import Always, Gives, Instead, Never, Returns, Text, Uncaught
from tests.mutants.mutant import Mutant, group

ONE, DATABASES, MIGRATING = (
    "tests/faults/test_one_database.py",
    "tests/unit/test_databases.py",
    "tests/unit/test_migrating.py",
)
SHELLLESS = f"{MIGRATING}::test_an_image_without_a_shell_migrates_and_is_asked_in_another_container"
STOPPING, DEATHS = "tests/unit/test_stopping.py", "tests/faults/test_deaths.py"
SERVICES = "tests/integration/test_services.py"
RUNS_BESIDE = f"{MIGRATING}::test_nothing_is_begun_beside_a_container_that_runs"
LEFT = f"{ONE}::test_what_a_dead_client_left_stopped_starts_again_unless_somebody_stopped_it_for_good"

FLEET = "tests/faults/test_fleet.py"

RUN = "tests/unit/test_run.py"
ADDRESS = f"{DATABASES}::test_a_name_that_the_compose_file_gives_to_an_address_is_that_address"

MUTANTS = (
    *group(
        "galos_ops.errors.OpsError",
        (
            Mutant(
                "add",
                Instead("self.together", "()"),
                {f"{RUN}::test_what_is_said_more_of_the_gravest_hides_none_of_the_others": "outer.message =="},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.databases",
        (
            Mutant(
                "stops",
                Never("mine &"),
                {f"{ONE}::test_a_deploy_of_both_is_one_stop_each_migration_once_and_one_start": "(False, True, 0)"},
            ),
            Mutant(
                "stops",
                Always("migration.stops is None"),
                {f"{ONE}::test_a_service_that_is_named_stops_whatever_its_database": "of_service(since=mark"},
            ),
            Mutant(
                "_names",
                Instead("row.get('container_name') or name", "name"),
                {
                    f"{DATABASES}::test_a_database_of_the_compose_file_is_one_by_whatever_name[galos-db-more0]": (
                        "('a', 'b')"
                    )
                },
            ),
            Mutant(
                "_server",
                Never("OURS.fullmatch(known)"),
                {f"{ADDRESS}[hosts1-localhost]": ('local(seen, "a") == found')},
            ),
            Mutant(
                "_read",
                Never("behind"),
                {
                    f"{DATABASES}::test_what_does_not_tell_two_databases_apart_does_not_count"
                    f"[postgresql+psycopg://other:12{letter}x@db/elite?sslmode=require]": "=="
                    for letter in "/?#"
                },
            ),
            Mutant(
                "_read",
                Instead("(*named, name)", "(*named,)"),
                {f"{DATABASES}::test_another_server_port_or_name_is_another_database[postgresql://db/Elite]": "!="},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.proofs",
        (
            Mutant(
                "no_containers",
                Text("|| exit", "; : ||"),
                {f"{DATABASES}::test_an_engine_that_does_not_answer_proves_nothing[dash]": "begun"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.compose.Compose",
        (
            Mutant(
                "prove_stopped",
                Returns("':'"),
                {
                    f"{ONE}::test_what_somebody_starts_between_the_stop_and_the_migration_keeps_that_away": (
                        "runs beside it"
                    )
                },
            ),
            Mutant(
                "remove",
                Gives("found.of", "found.of(name)[:1]"),
                {f"{ONE}::test_all_containers_of_a_service_stop_and_start": 'done("deploy")'},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.stopped",
        (
            Mutant("remember", Returns("':'"), {f"{LEFT}[False]": "images(newer) =="}),
            Mutant("forget", Returns("':'"), {f"{LEFT}[True]": "images(newer) =="}),
        ),
    ),
    *group(
        "galos_ops.engines.one_offs.migrator",
        (
            Mutant(
                "run",
                Gives("prove_stopped", "':'"),
                {f"{SHELLLESS}[dash-begins0]": "== 2"},
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.runner",
        (
            Mutant(
                "_announcement", Gives("prove_stopped", "':'"), {f"{RUNS_BESIDE}[dash]": "len(host.stubs.calls) == 1"}
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.guard",
        (
            Mutant(
                "orphaned",
                Instead("target.settings.services", "[target.name]"),
                {f"{ONE}::test_an_orphaned_migration_of_another_service_is_resumed_before_anything_else": "refused(5,"},
            ),
            Mutant(
                "require_stopped",
                Instead("target.stops", "[target.name]"),
                {f"{ONE}::test_migrate_names_what_runs_and_removes_what_is_stopped": "runs on its database"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.deploy",
        (
            Mutant(
                "stopped_beside",
                Instead("group.others", "()"),
                {
                    f"{ONE}::test_a_deploy_of_one_stops_the_other_only_for_a_migration": (
                        'told.rindex("sandbox  galos-map")'
                    )
                },
            ),
            Mutant(
                "run_migrations",
                Never("found.state == 'clean'"),
                {
                    f"{ONE}::test_a_deploy_of_both_is_one_stop_each_migration_once_and_one_start": "migrations() ==",
                    f"{FLEET}::test_one_migration_while_every_host_is_down_and_the_second_deploy_changes_nothing": (
                        "assert rows == ["
                    ),
                },
            ),
        ),
    ),
    *group(
        "galos_ops.engines.compose",
        (
            Mutant(
                "_delete",
                Text("; docker rm -f ", "; : "),
                {
                    "tests/faults/test_bad_hosts.py::"
                    "test_an_engine_that_restarts_after_a_step_revives_nothing_that_was_stopped[down]": "end() == 0",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.engines.engine",
        (
            Mutant(
                "Target.previous_image",
                Instead("self.running_image if migrated else self.stopped_image", "self.stopped_image"),
                {
                    f"{DEATHS}::test_after_a_dead_client_s_migration_the_image_before_does_not_start_again": (
                        "must not start on the new schema"
                    ),
                    f"{STOPPING}::test_after_a_migration_of_an_earlier_run_the_image_before_does_not_start_again": (
                        "previous_image) =="
                    ),
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.doing",
        (
            Mutant(
                "Doing.restart_previous",
                Uncaught("OpsError"),
                {f"{STOPPING}::test_a_restart_that_fails_does_not_hide_the_failure_before_it": "is gone"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.switching",
        (
            Mutant(
                "switch",
                Uncaught("KeyboardInterrupt"),
                {
                    f"{STOPPING}::test_an_interrupt_while_a_new_image_gives_way_tells_why_it_does[bash]": (
                        "caught.value.args =="
                    )
                },
            ),
            Mutant(
                "record",
                Uncaught("OpsError"),
                {f"{STOPPING}::test_a_release_that_cannot_be_recorded_runs": "runs all the same"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.stopping",
        (
            Mutant(
                "Stop.interrupts",
                Uncaught("KeyboardInterrupt"),
                {f"{DEATHS}::test_an_interrupt_after_a_step_is_a_sentence[backup]": "DOWN.get("},
            ),
            Mutant(
                "Stop._restarted",
                Uncaught("KeyboardInterrupt"),
                {
                    f"{STOPPING}::test_an_interrupt_while_what_ran_before_starts_again_tells_the_failure_too[bash]": (
                        "caught.value.args =="
                    )
                },
            ),
            Mutant(
                "Stop.left",
                Returns("Stop([], 0.0, '')"),
                {
                    f"{STOPPING}::test_what_an_earlier_run_left_down_is_told_since_then[bash]": "sentence == sentence",
                    f"{DEATHS}::test_what_a_dead_client_left_down_starts_again_when_the_next_deploy_cannot_pull": (
                        '"galos-sync: the previous image" in told'
                    ),
                },
            ),
            Mutant(
                "Stop.interrupted",
                Never("host.dry"),
                {f"{STOPPING}::test_an_interrupt_says_so_too_unless_nothing_was_stopped[bash-True]": "args =="},
            ),
            Mutant(
                "Stop.failures",
                Never("isinstance(error, restart)"),
                {f"{ONE}::test_what_fails_before_the_first_migration_starts_both_again": "runs again"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.starting",
        (
            Mutant(
                "start",
                Never("one.question not in clean.questions"),
                {
                    f"{ONE}::test_one_that_does_not_know_the_new_schema_stays_down_and_is_told": "refused(",
                    f"{SERVICES}::test_a_migration_of_one_service_voids_what_is_remembered_of_the_next": (
                        'refused(5, "-f", config, "deploy")'
                    ),
                },
            ),
        ),
    ),
)
