"""What makes of several services on one database one that is stopped while one of them migrates."""

from __future__ import annotations

from tests.mutants.changes import Always, Gives, Instead, Never, Returns, Text
from tests.mutants.mutant import Mutant, group

ONE, DATABASES, MIGRATING = (
    "tests/faults/test_one_database.py",
    "tests/unit/test_databases.py",
    "tests/unit/test_migrating.py",
)
SHELLLESS = f"{MIGRATING}::test_an_image_without_a_shell_migrates_and_is_asked_in_another_container"
SERVICES = "tests/integration/test_services.py"
RUNS_BESIDE = f"{MIGRATING}::test_nothing_is_begun_beside_a_container_that_runs"
LEFT = f"{ONE}::test_what_a_dead_client_left_stopped_starts_again_unless_somebody_stopped_it_for_good"

FLEET = "tests/faults/test_fleet.py"

MUTANTS = (
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
                "database",
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
                "deploy",
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
                        "migrations(fleet) =="
                    ),
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.stopping",
        (
            Mutant(
                "Stop.reported",
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
