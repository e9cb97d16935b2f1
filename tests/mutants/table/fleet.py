"""What holds several hosts together: one database, one migration, nothing beside it, and what each is told."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Instead, Never, Returns, Uncaught
from tests.mutants.mutant import Mutant, group

FLEET, MEMBERS = "tests/faults/test_fleet.py", "tests/unit/test_members.py"
FAILED = f"{FLEET}::test_a_failed_migration_leaves_all_down_and_marked_until_it_is_mended"
LANES = "tests/unit/test_lanes.py"

MUTANTS = (
    *group(
        "galos_ops.tasks.comparing_run.ComparingRun",
        (
            Mutant(
                "_each",
                DropCall("self._compare"),
                {
                    f"{FLEET}::test_without_a_migration_host_after_host_is_changed_and_the_first_failure_ends_it": (
                        "[row] = document"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.diagnostics.members",
        (
            Mutant(
                "_images",
                Returns("()"),
                {f"{MEMBERS}::test_each_image_is_named_with_its_hosts": "runs on a, c"},
            ),
            Mutant(
                "_variables",
                Returns("()"),
                {f"{MEMBERS}::test_variables_are_named_and_no_value_is_shown": "MORE, SECRET"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.fleet",
        (
            Mutant(
                "_hold",
                DropCall("_require_two_machines"),
                {f"{FLEET}::test_one_machine_under_two_names_is_usage": "running.end() == 2"},
            ),
            Mutant(
                "Fleet._merged",
                DropCall("_require_one_database"),
                {f"{FLEET}::test_hosts_with_databases_of_their_own_are_no_fleet": "refused(8,"},
            ),
            Mutant(
                "_require_stopped",
                Never("running"),
                {f"{FLEET}::test_one_member_alone_deploys_unless_others_run_beside_its_migration": "refused(5,"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.deploy",
        (
            Mutant(
                "run_migrations",
                Uncaught("(ConnectError, LockedError)"),
                {
                    f"{FLEET}::test_a_host_lost_during_the_migration_keeps_no_other_down_and_comes_back": (
                        "assert container(each.host) == f"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.starting",
        (
            Mutant("lift_marker", DropCall("steps.lift_marker"), {FAILED: 'shell(f"ls {MARKER}", check=False) == ""'}),
            Mutant(
                "roll",
                Instead("settings.parallel", "len(parts)"),
                {
                    f"{FLEET}::test_without_a_migration_host_after_host_is_changed_and_the_first_failure_ends_it": (
                        "Not tried"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.stopping",
        (
            Mutant(
                "Stop.reported",
                Never("unknown"),
                {
                    f"{FLEET}::test_a_host_that_is_lost_while_it_stops_starts_the_others_again": (
                        '"Perhaps down since" in'
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.runner",
        (Mutant("_mark", Returns("':'"), {FAILED: 'shell(f"cat {MARKER}") == ALL'}),),
    ),
    *group(
        "galos_ops.migrations.guard",
        (
            Mutant(
                "require_no_running_migration", Never("snapshot.under_migration"), {FAILED: "began and is not known"}
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.fleet_run.FleetRun",
        (
            Mutant(
                "_all",
                Uncaught("KeyboardInterrupt"),
                {f"{FLEET}::test_an_interrupt_reaches_every_host_and_names_them": ": interrupted"},
            ),
            Mutant(
                "_close",
                Always("own or not error"),
                {f"{FLEET}::test_a_host_that_cannot_be_reached_changes_nothing_anywhere": '["absent.invalid"]'},
            ),
        ),
    ),
    *group(
        "galos_ops.ui.plain.Plain",
        (
            Mutant(
                "_put",
                Always("held is None"),
                {f"{LANES}::test_what_a_thread_reports_stays_together": "words(screen) =="},
            ),
        ),
    ),
)
