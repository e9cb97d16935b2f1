"""What holds several hosts together: one database, one migration, nothing beside it, and what each is told."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Instead, Never, Returns, Uncaught
from tests.mutants.mutant import Mutant, group

FLEET, MEMBERS = "tests/faults/test_fleet.py", "tests/unit/test_members.py"
FLEET_RUN = "tests/unit/test_fleet_run.py"
FAILED = f"{FLEET}::test_a_failed_migration_leaves_all_down_and_marked_until_it_is_mended"
LANES = "tests/unit/test_lanes.py"
ELSEWHERE, FLOW = "tests/unit/test_elsewhere.py", "tests/unit/test_fleet_deploy.py"
BESIDE = f"{ELSEWHERE}::test_one_that_runs_a_service_beside_the_migration_is_refused"
NOTING, PROBE, PULLING = "tests/unit/test_migrating.py", "tests/unit/test_probe.py", "tests/unit/test_unchanged.py"

MUTANTS = (
    *group(
        "galos_ops.tasks.comparing_run.ComparingRun",
        (
            Mutant(
                "_each",
                DropCall("self._compare"),
                {
                    f"{FLEET}::test_without_a_migration_host_after_host_is_changed_and_the_first_failure_ends_it": (
                        "not enough values to unpack"
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
        "galos_ops.workflows.elsewhere.Elsewhere",
        (
            Mutant(
                "_find",
                Returns("None"),
                {f"{FLEET}::test_a_migration_whose_client_died_is_resumed_with_every_host_down": "refused(5, *words)"},
            ),
            Mutant(
                "_idle",
                Never("running"),
                {
                    f"{FLEET}::test_one_member_alone_deploys_unless_others_run_beside_its_migration": "refused(5,",
                    f"{FLEET}::test_a_member_that_does_not_tell_what_runs_there_keeps_another_one_from_migrating": (
                        "refused(5,"
                    ),
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.elsewhere",
        (
            Mutant(
                "_runs",
                Instead("target.may_run", "target.running"),
                {f"{BESIDE}[to end, and not known to have ended]": "DID NOT RAISE"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.elsewhere.Elsewhere",
        (
            Mutant(
                "_enter",
                DropCall("require_two_machines"),
                {f"{ELSEWHERE}::test_a_member_under_another_name_is_usage": "held"},
            ),
            Mutant(
                "_enter",
                DropCall("self.stack.push"),
                {
                    f"{ELSEWHERE}::test_the_rest_is_held_once_to_the_end_and_what_is_noted_names_who_noted_it": (
                        "(b.done, c.done)"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.fleet",
        (
            Mutant(
                "_hold",
                DropCall("require_two_machines"),
                {f"{FLEET}::test_one_machine_under_two_names_is_usage": "running.end() == 2"},
            ),
            Mutant(
                "Fleet._merged",
                DropCall("_require_one_database"),
                {f"{FLEET}::test_hosts_with_databases_of_their_own_are_no_fleet": "refused(8,"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.deploy",
        (
            Mutant(
                "announce",
                Instead("elsewhere", "()"),
                {
                    f"{FLEET}::test_while_one_member_migrates_alone_nothing_begins_on_the_others": (
                        "a migration of its fleet began"
                    )
                },
            ),
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
        "galos_ops.workflows.deploy",
        (
            Mutant(
                "prepare",
                Never("marked"),
                {
                    f"{FLOW}::test_a_marker_has_the_rest_of_the_fleet_held_and_told_when_nothing_is_pending_any_more": (
                        "asked =="
                    )
                },
            ),
            Mutant(
                "announce",
                DropCall("withdraw"),
                {f"{FLOW}::test_a_host_that_cannot_be_told_has_it_taken_back_on_the_others": "hosts.on("},
            ),
            Mutant(
                "run",
                DropCall("withdraw"),
                {f"{FLOW}::test_a_migration_that_does_not_begin_is_taken_back_where_it_was_told": "hosts.on("},
            ),
            Mutant(
                "pull",
                Never("one.images.same"),
                {f"{FLOW}::test_hosts_whose_engines_keep_images_in_different_ways_are_a_fleet": "different images"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines",
        (
            Mutant(
                "release_images.Image.same",
                Never("isdisjoint"),
                {
                    f"{FLOW}::test_hosts_whose_engines_keep_images_in_different_ways_are_a_fleet": "different images",
                    f"{FLEET}::test_hosts_that_keep_images_in_different_ways_are_a_fleet": 'done("setup", "deploy")',
                    f"{MEMBERS}::test_one_image_that_engines_keep_in_different_ways_is_the_same_by_its_digest": "== []",
                },
            ),
            Mutant(
                "release_images.Image.same",
                Always("isdisjoint"),
                {f"{FLOW}::test_hosts_that_pulled_different_images_change_nothing": "DID NOT RAISE"},
            ),
            Mutant(
                "images.pulling._unchanged",
                Instead("one.digests", "()"),
                {f"{PULLING}::test_what_need_not_be_pulled_is_known_by_the_digests_of_host_and_registry": "DIGESTS"},
            ),
            Mutant(
                "snapshot.snapshot.Snapshot.under_migration",
                Instead("self.migrating is not None", "bool(self.migrating)"),
                {f"{PROBE}::test_a_marker_counts_by_being_there": "look(host).under_migration"},
            ),
            Mutant(
                "snapshot.probe_output.logged",
                Always("WITHDRAWN"),
                {f"{PROBE}::test_a_migration_that_did_not_begin_is_not_the_last_event": "logged =="},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.starting",
        (
            Mutant(
                "lift_elsewhere",
                DropCall("error.add"),
                {
                    f"{FLEET}::test_a_member_that_is_lost_does_not_keep_one_down_that_migrates_alone": (
                        "Nothing starts on"
                    )
                },
            ),
            Mutant(
                "lift_elsewhere",
                DropCall("lift_marker"),
                {
                    f"{FLOW}::test_a_member_that_migrates_alone_has_the_others_down_and_told_before_and_after": (
                        "hosts.on(name)"
                    )
                },
            ),
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
                "Stop.failures",
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
        (
            Mutant("_mark", Returns("':'"), {FAILED: "check=False) == ALL"}),
            Mutant(
                "_mark",
                Instead("f'{MARKER}.new'", "MARKER"),
                {f"{NOTING}::test_a_note_that_cannot_be_made_leaves_the_one_before": "more item"},
            ),
            Mutant(
                "_unmark",
                Returns("':'"),
                {
                    f"{NOTING}::test_a_migration_that_did_not_begin_after_all_leaves_no_note_and_a_line_that_says_so": (
                        "MARKER not in host.files()"
                    ),
                    f"{NOTING}::test_a_migration_that_cannot_be_logged_leaves_no_note_of_it": (
                        "MARKER not in host.files()"
                    ),
                },
            ),
            Mutant(
                "_unmark",
                Never("under_migration"),
                {
                    f"{NOTING}::test_what_an_earlier_migration_noted_stays_where_a_later_one_does_not_begin": (
                        "KeyError"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.guard",
        (
            Mutant(
                "require_no_running_migration", Never("snapshot.under_migration"), {FAILED: "began and is not known"}
            ),
            Mutant(
                "require_no_running_migration",
                Always("marked <="),
                {f"{ELSEWHERE}::test_a_marker_of_another_task_is_refused": "DID NOT RAISE"},
            ),
            Mutant(
                "require_no_running_migration",
                Never("marked <="),
                {f"{ELSEWHERE}::test_a_marker_of_the_same_task_is_what_it_left_there": "of its fleet began"},
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
                Never("missing(row, chosen)"),
                {f"{FLEET_RUN}::test_a_host_where_the_first_services_were_done_is_not_told_as_done": "At index 0 diff"},
            ),
            Mutant(
                "_close",
                Always("own or not error"),
                {f"{FLEET}::test_a_host_that_cannot_be_reached_changes_nothing_anywhere": "services is in one only"},
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
