"""What starts, what is done about a start that fails, and what is kept of a release."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Gives, Instead, Never, Text
from tests.mutants.mutant import Mutant, group

DEPLOY, ROLLBACK = "tests/integration/test_deploy.py", "tests/integration/test_rollback.py"
RACES, HOSTS, CLOCKS = (f"tests/faults/test_{name}.py" for name in ("races", "bad_hosts", "bad_clocks"))
OTHERS = "tests/faults/test_other_projects.py"
GUARD, VERIFY = "tests/integration/test_guard.py", "tests/unit/test_verify.py"

FOUND = f"{VERIFY}::test_what_does_not_stay_up_is_found_at_any_look"
HEALTH = f"{VERIFY}::test_a_health_check_that"
UNNOTICED = (
    (Text('then bad gone "$id"', "then echo up; exit"), "0--its container is gone"),
    (Text('*) bad exited "$id"', "*)"), "0-exited 0 none-its container did not stay up"),
    (Text("[ $look -ge", "[ 1 ] || [ $look -ge"), "2-exited 0 none-its container did not stay up"),
    (Text('[ "$2" -le', 'true || [ "$2" -le'), "0-running 1 none-its container restarts again and again"),
    (Text("unhealthy) [", "ill) ["), "0-running 0 unhealthy-its health check says unhealthy"),
)
"""Conditions of the script that watches a container, each with the parameters of the test that needs it."""
PULLED = "tests/unit/test_unchanged.py::test_whatever_else_it_says_they_are_pulled"
COST = "tests/integration/test_cost.py"
COUNTED = "test_a_task_takes_so_many_executions_and_one_channel_is_open_ahead"
UNIT = "tests/unit/test_started.py"
STARTED, MADE = (
    f"{UNIT}::test_whatever_is_different_is_started_again",
    f"{UNIT}::test_another_image_another_file_and_another_version_are_made_of_another",
)
RELIED = f"{UNIT}::test_what_was_seen_before_this_run_changed_the_host_is_not_relied_on"
IDS = "set(ids) == {one.id for one in target.snapshot.containers if one.service in services}"
ONE_SUM, DEATHS = "tests/faults/test_one_sum.py", "tests/faults/test_deaths.py"

MUTANTS = (
    *group(
        "galos_ops.engines.watching",
        (
            *(
                Mutant("script", change, {f"{FOUND}[{shell}-{case}]": "DID NOT RAISE" for shell in ("dash", "bash")})
                for change, case in UNNOTICED
            ),
            Mutant(
                "script",
                Text('running) ;; restarting) bad restarting "$id" ;;', "running | restarting) ;;"),
                {f"{VERIFY}::test_a_container_that_ran_before_and_restarts_at_this_moment_is_found": "DID NOT RAISE"},
            ),
            Mutant(
                "script",
                Text("starting) [", "early) ["),
                {f"{HEALTH}_is_still_starting_is_waited_for_past_the_time": "looks(host) == 6"},
            ),
            Mutant(
                "script",
                Text(" ] || bad starting", " ] || : bad starting"),
                {f"{HEALTH}_never_passes_is_not_waited_for_for_ever": "not done after"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.started",
        (
            Mutant(
                "unchanged",
                Always("one.state"),
                {
                    f"{STARTED}[one is stopped]": "== []",
                    f"{DEPLOY}::test_what_somebody_changed_since_the_last_deploy_is_put_right_by_the_next": "stay up",
                },
            ),
            *(
                Mutant("unchanged", change, {f"{STARTED}[{case}]": "== []"})
                for change, case in (
                    (Instead("noted == made", "True"), "made of another"),
                    (Instead(IDS, "True"), "one was made anew"),
                    (Always("one.image"), "one runs another image"),
                    (Always("one.restarts"), "one was restarted"),
                    (Always("FILES"), "it has files"),
                    (Never("local_images"), "the tag means another"),
                    (Never("target.snapshot.stopped"), "it was stopped for a migration"),
                )
            ),
            Mutant("unchanged", Never("target.host.changed"), {f"{RELIED}[{sh}]": "not" for sh in ("dash", "bash")}),
            Mutant("key", Instead("file", "b''"), {MADE: "== []"}),
        ),
    ),
    *group(
        "galos_ops.engines.compose.Compose",
        (Mutant("up", Never("started.unchanged"), {f"{COST}::{COUNTED}[deploy, nothing new]": "=="}),),
    ),
    *group(
        "galos_ops.workflows.rollback",
        (
            Mutant(
                "choose",
                DropCall("require_no_migration_since"),
                {f"{ROLLBACK}::test_a_rollback_over_a_migration_is_refused": '"a migration ran since" in told'},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.images.retention",
        (
            Mutant(
                "record",
                Text("\ndocker tag", "\n: docker tag"),
                {f"{DEPLOY}::test_a_deploy_is_recorded_and_its_image_survives_pruning": "assert images[1] in"},
            ),
            Mutant(
                "_unneeded",
                Text("| tail -n", "| sort | tail -n"),
                {
                    f"{CLOCKS}::test_an_operator_whose_clock_is_behind_keeps_and_finds_the_right_releases": (
                        "set(host.shell(KEPT).split()) =="
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.doing.Doing",
        (
            Mutant(
                "recover_from_failed_start",
                Gives("self.restart_previous", "type('', (), {'state': 'gone'})"),
                {f"{DEPLOY}::test_an_image_that_does_not_stay_up_gives_way_to_the_previous_one": "runs again"},
            ),
            Mutant(
                "recover_from_failed_start",
                Never("migrated"),
                {f"{DEPLOY}::test_after_a_migration_nothing_is_rolled_back": "the previous image must not start on"},
            ),
            Mutant(
                "restart_previous",
                Never("clean"),
                {
                    f"{GUARD}::test_a_previous_image_that_is_not_clean_is_not_started_again": (
                        "was not started: its migrations are unknown"
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
                Always("last == outcome.image"),
                {f"{DEATHS}::test_kill_9_after_a_step[verify]": "started[-1] == image"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.compose.Compose",
        (
            Mutant(
                "watch",
                Never("watching.well"),
                {f"{COST}::test_a_task_takes_so_many_executions_and_one_channel_is_open_ahead[up, nothing new]": "=="},
            ),
            Mutant(
                "watch",
                Never("watching.UP"),
                {f"{DEPLOY}::test_an_image_that_does_not_stay_up_gives_way_to_the_previous_one": "refused(7,"},
            ),
            Mutant(
                "up",
                Gives("pin", "''"),
                {
                    f"{RACES}::test_a_newer_latest_in_the_registry_is_not_what_starts": "assert running.end() == 0",
                    f"{DEPLOY}::test_a_tag_that_moves_while_migrating_is_not_what_starts": "deploy.returncode == code",
                },
            ),
            Mutant(
                "up",
                Never("wrong"),
                {
                    f"{ONE_SUM}::test_an_image_whose_tag_moves_while_docker_compose_starts_it_is_stopped_again": (
                        "assert running.end() == 5"
                    ),
                },
            ),
        ),
    ),
    *group(
        "galos_ops.engines.images.pulling",
        (
            Mutant(
                "pull",
                Text(" >&2 && ", " >&2; "),
                {
                    f"{DEPLOY}::test_a_failing_pull_costs_no_downtime": 'refused(1, "deploy")',
                    f"{HOSTS}::test_revoked_keys_cost_no_downtime": 'refused(1, "deploy")',
                    f"{HOSTS}::test_an_ecr_api_that_is_away_costs_no_downtime": 'refused(1, "deploy")',
                },
            ),
            Mutant(
                "HINTS",
                Text("no space left", "never"),
                {f"{HOSTS}::test_a_full_disk_under_the_engine_costs_no_downtime": "next: look at the host's disk"},
            ),
            Mutant(
                "_unchanged",
                Instead("not all(newest)", "False"),
                {f"{PULLED}[newer]": "DID NOT RAISE", f"{PULLED}[unknown]": "DID NOT RAISE"},
            ),
            Mutant(
                "_unchanged",
                Never("waited"),
                {f"{PULLED}[after a migration that was waited for]": "DID NOT RAISE"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.snapshot.snapshot.Snapshot",
        (
            Mutant(
                "of",
                Always("self.ours"),
                {
                    f"{OTHERS}::test_a_newer_stopped_container_of_another_project_is_not_taken_for_ours": (
                        '"nothing to do: sha256:" in case.operator.done("deploy")'
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.engines.images.references",
        (
            Mutant(
                "local_images",
                Always("present"),
                {f"{HOSTS}::test_images_pruned_away_are_pulled_again": "KeyError"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.images.retention",
        (
            Mutant(
                "pull_by_tag",
                Text('[ "$had" ] ||', "true ||"),
                {f"{DEPLOY}::test_another_tag_can_be_deployed": '{"latest"} == tags(deployed)'},
            ),
            Mutant(
                "pull_by_tag",
                Text("docker pull -q", "true"),
                {f"{DEPLOY}::test_another_tag_can_be_deployed": "digests.startswith("},
            ),
        ),
    ),
)
