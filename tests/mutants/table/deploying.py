"""What starts, what is done about a start that fails, and what is kept of a release."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Gives, Never, Text
from tests.mutants.mutant import Mutant, group

DEPLOY, ROLLBACK = "tests/integration/test_deploy.py", "tests/integration/test_rollback.py"
RACES, HOSTS, CLOCKS = (f"tests/faults/test_{name}.py" for name in ("races", "bad_hosts", "bad_clocks"))
OTHERS = "tests/faults/test_other_projects.py"

MUTANTS = (
    *group(
        "galos_ops.deploy",
        (
            Mutant(
                "give_way",
                Gives("start_again", "'gone'"),
                {f"{DEPLOY}::test_an_image_that_does_not_stay_up_gives_way_to_the_previous_one": "runs again"},
            ),
            Mutant(
                "give_way",
                Never("migrated"),
                {f"{DEPLOY}::test_after_a_migration_nothing_is_rolled_back": "the previous image must not start on"},
            ),
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
                "pull",
                Never("no space left"),
                {f"{HOSTS}::test_a_full_disk_under_the_engine_costs_no_downtime": "next: look at the host's disk"},
            ),
        ),
    ),
    *group(
        "galos_ops.containers",
        (
            Mutant(
                "up",
                Gives("pin", "''"),
                {f"{RACES}::test_a_newer_latest_in_the_registry_is_not_what_starts": "assert running.end() == 0"},
            ),
            Mutant(
                "up",
                Always("unit.facts.ours"),
                {
                    f"{OTHERS}::test_a_newer_stopped_container_of_another_project_is_not_taken_for_ours": (
                        '"nothing to do: sha256:" in case.operator.done("deploy")'
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.unit",
        (
            Mutant(
                "local_images",
                Always("all(found"),
                {f"{HOSTS}::test_images_pruned_away_are_pulled_again": 'done("up")'},
            ),
        ),
    ),
    *group(
        "galos_ops.rollback",
        (
            Mutant(
                "choose",
                DropCall("refuse_over_a_migration"),
                {f"{ROLLBACK}::test_a_rollback_over_a_migration_is_refused": '"a migration ran since" in told'},
            ),
        ),
    ),
    *group(
        "galos_ops.releases",
        (
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
)
