"""What holds a cluster together: one home, every node known, no task left, a claim, nothing that starts by itself."""

from __future__ import annotations

from tests.mutants.changes import Gives, Never, Returns, Text
from tests.mutants.mutant import Mutant, group

SWARM = "tests/faults/test_swarm.py"
STACK, TASKS, CLUSTER, ENGINE = (
    f"tests/unit/test_{name}.py" for name in ("stack", "swarm_tasks", "cluster", "swarm_engine")
)
WHOSE_IMAGE = "test_a_task_is_a_container_of_the_service_with_the_image_that_its_digest_means_here"
ONE = "test_one_migration_while_no_node_runs_anything_and_the_second_deploy_changes_nothing"
RICH = "test_the_service_starts_in_a_stack_as_the_compose_file_has_it"
AT_HOME = "the stack is at home on"

MUTANTS = (
    *group(
        "galos_ops.diagnostics.conditions.swarm",
        (
            Mutant(
                "elsewhere",
                Returns("None"),
                {
                    f"{SWARM}::{ONE}": AT_HOME,
                    f"{SWARM}::test_when_the_home_is_gone_for_good_another_manager_takes_its_place": AT_HOME,
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.doing.Doing",
        (
            Mutant(
                "up",
                Gives("self.target.engine.order", "''"),
                {f"{SWARM}::test_without_a_migration_there_is_no_moment_without_the_service": "start-first"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.swarm.swarm.Swarm",
        (
            Mutant(
                "rolls",
                Returns("False"),
                {f"{SWARM}::test_without_a_migration_there_is_no_moment_without_the_service": "service down for 0.0 s"},
            ),
            Mutant(
                "watch",
                Never("verdict != UP"),
                {f"{SWARM}::test_without_a_migration_there_is_no_moment_without_the_service": "refused(7,"},
            ),
            Mutant(
                "claim",
                Returns("''"),
                {
                    f"{SWARM}::test_a_failed_migration_leaves_all_down_and_claimed_until_it_is_mended": (
                        "galos-ops-migrating-root"
                    )
                },
            ),
            Mutant(
                "release",
                Returns("''"),
                {
                    f"{SWARM}::test_a_migration_whose_client_was_killed_is_resumed_with_nothing_up_anywhere": (
                        "galos-ops-home-root"
                    )
                },
            ),
            Mutant(
                "look",
                Never("unknown"),
                {
                    f"{SWARM}::test_a_node_that_is_cut_off_keeps_a_migration_away_and_no_release_without_one": (
                        'of_service("kill", "die"'
                    )
                },
            ),
            Mutant(
                "prove_stopped",
                Returns("':'"),
                {
                    f"{SWARM}::test_what_somebody_starts_between_the_stop_and_the_migration_keeps_that_away": (
                        "running.end() == 5"
                    )
                },
            ),
            Mutant(
                "still_runs_error",
                Never("unknown"),
                {f"{ENGINE}::test_a_node_that_was_lost_while_it_stopped_is_named[away]": "CommandFailed"},
            ),
            Mutant(
                "_seconds",
                Returns("GRACE_SECONDS + STOP_SECONDS"),
                {f"{ENGINE}::test_a_stop_is_awaited_as_long_as_the_compose_file_gives_it": "in"},
            ),
            Mutant(
                "_stopping",
                Gives("swarm_tasks.await_gone", "':'"),
                {f"{SWARM}::test_a_container_that_ignores_sigterm_is_waited_for": 'done("deploy")'},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.swarm.tasks",
        (
            Mutant(
                "prove_gone",
                Text("grep -v '^Ready '", "grep -v ''"),
                {
                    f"{SWARM}::test_a_node_that_is_lost_while_the_service_stops_starts_it_again_and_nothing_migrates": (
                        "refused(8,"
                    ),
                    f"{TASKS}::test_a_node_that_does_not_answer_may_run_anything[dash-Down]": "==",
                },
            ),
            Mutant(
                "watch",
                Text("bad changed", ":"),
                {f"{TASKS}::test_an_update_that_stopped_or_is_not_ours_is_told[dash-other updating-changed]": "=="},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.swarm.stack",
        (
            Mutant(
                "unsupported",
                Returns("[]"),
                {f"{STACK}::test_what_would_be_lost_on_the_way_is_named[row0-privileged]": "=="},
            ),
            Mutant(
                "_port",
                Returns("port"),
                {
                    f"tests/integration/test_stack.py::{RICH}[{flavour}]": "docker stack deploy could not start"
                    for flavour in ("v2", "v5")
                },
            ),
            Mutant(
                "_deployed",
                Text("pause", "rollback"),
                {f"{STACK}::test_what_v2_resolves_becomes_one_service_of_a_stack": "=="},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.snapshot.cluster.Task",
        (
            Mutant(
                "alive",
                Returns("self.state == 'running'"),
                {f"{CLUSTER}::{WHOSE_IMAGE}": "=="},
            ),
        ),
    ),
)
