"""What holds a cluster together: one home, every node known, no task left, a claim, nothing that starts by itself."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Gives, Instead, Never, Returns, Text, Uncaught
from tests.mutants.mutant import Mutant, group

SWARM = "tests/faults/test_swarm.py"
STACK, TASKS, CLUSTER, ENGINE = (
    f"tests/unit/test_{name}.py" for name in ("stack", "swarm_tasks", "cluster", "swarm_engine")
)
WHOSE_IMAGE = "test_a_task_is_a_container_of_the_service_with_the_image_that_its_digest_means_here"
ONE = "test_one_migration_while_no_node_runs_anything_and_the_second_deploy_changes_nothing"
RICH = "test_the_service_starts_in_a_stack_as_the_compose_file_has_it"
ALL = "test_all_that_a_stack_may_have_is_taken_by_the_real_client"
NO_NODE = "test_a_cluster_that_does_not_tell_is_no_node_that_could_not_fetch"
BETWEEN = "test_what_a_change_of_the_cluster_came_between_is_given_to_it_again"
HANDING = "tests/unit/test_handing_out.py"
LOST = "tests/unit/test_lost_node.py"
AT_HOME = "the stack is at home on"
QUORUM = "tests/unit/test_quorum.py"
SILENT = f"{SWARM}::test_a_home_without_a_quorum_does_not_tell_what_runs_and_changes_nothing"

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
            Mutant(
                "untold",
                Returns("False"),
                {
                    f"{QUORUM}::test_what_a_silent_cluster_runs_is_not_known_and_nothing_is_done": "DID NOT RAISE",
                    SILENT: "the cluster does not tell what it runs.",
                },
            ),
        ),
    ),
    Mutant(
        "galos_ops.diagnostics.status.container",
        Never("not snapshot.cluster.tells"),
        {f"{QUORUM}::test_what_a_silent_cluster_runs_is_not_known_and_nothing_is_done": "unknown"},
    ),
    Mutant(
        "galos_ops.engines.cluster_notes.home",
        Instead("ExitCode.HOME_UNKNOWN", "ExitCode.NOT_HOME"),
        {
            f"{QUORUM}::test_a_home_that_is_not_told_is_no_other_home[dash]": "does not tell which",
            SILENT: "does not tell which of its managers changes it",
        },
    ),
    Mutant(
        "galos_ops.engines.snapshot.cluster._inspected",
        Text(" || exit; ", "; "),
        {f"{QUORUM}::test_one_that_leaves_a_question_open_does_not_tell[dash-service ls -q]": "assert not"},
    ),
    Mutant(
        "galos_ops.engines.swarm.look.seen",
        Never("not found.cluster.tells"),
        {f"{QUORUM}::test_a_look_that_is_not_answered_is_no_look": "DID NOT RAISE"},
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
                "placed",
                Uncaught("NotReadyError"),
                {
                    "tests/unit/test_swarm_engine.py::"
                    "test_a_release_is_said_to_run_on_its_nodes_and_a_cluster_that_is_silent_keeps_it_from_no_log": (
                        "the cluster does not tell"
                    ),
                },
            ),
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
                Gives("tasks.await_gone", "':'"),
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
                        "end() == 8"
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
            Mutant(
                "_file",
                Returns("one"),
                {
                    f"{STACK}::test_the_mode_of_a_secret_or_config_is_a_number[secrets-0440]": "==",
                    f"tests/integration/test_stack.py::{RICH}[v5]": "docker stack deploy could not start",
                },
            ),
        ),
    ),
    Mutant(
        "galos_ops.engines.engine.Target.running",
        Always("not one.stopping"),
        {
            f"{LOST}::test_a_deploy_of_nothing_new_is_the_same[of-the-release-before]": "started.same",
            f"{SWARM}::test_what_a_lost_node_may_still_run_is_not_taken_for_what_runs": "nothing to do",
        },
    ),
    Mutant(
        "galos_ops.engines.swarm.tasks.insistent",
        Text("1*'", "no*'"),
        {
            f"{TASKS}::{BETWEEN}[{shell}-{case}]": "== (ok, calls)"
            for shell in ("dash", "bash")
            for case in ("twice", "for ever")
        },
    ),
    Mutant(
        "galos_ops.engines.snapshot.snapshot.Snapshot.current",
        Always("not one.stopping"),
        {f"{LOST}::test_the_image_that_runs_is_not_that_of_a_lost_node_whatever_comes_first[0]": "(found.state, "},
    ),
    Mutant(
        "galos_ops.engines.snapshot.probe_output.cluster_containers",
        Gives("sorted", "list(alive)"),
        {f"{LOST}::test_an_update_that_has_not_come_to_its_end_runs_what_it_has_started": "=="},
    ),
    Mutant(
        "galos_ops.migrations.guard.require_stopped",
        Instead("target.of(name).may_run", "target.of(name).running"),
        {
            f"{LOST}::test_a_service_that_is_to_run_nothing_is_stopped_though_a_lost_node_may_run_it": "DID NOT RAISE",
        },
    ),
    *group(
        "galos_ops.engines.swarm.shape",
        (
            Mutant(
                "VERSION",
                Text("3.9", "3.8"),
                {
                    f"tests/integration/test_stack.py::{ALL}[{flavour}]": "docker failed on"
                    for flavour in ("v1", "v2", "v5")
                },
            ),
            Mutant(
                "lost",
                DropCall("lost"),
                {f"{STACK}::test_what_would_be_lost_on_the_way_is_named[row16-volumes.volume: subpath]": "=="},
            ),
        ),
    ),
    Mutant(
        "galos_ops.engines.swarm.mounts.mounts",
        Gives("map(_tmpfs, _listed(row))", "()"),
        {
            f"{STACK}::test_a_tmpfs_is_a_volume_as_a_stack_loses_it_otherwise": "==",
            f"tests/integration/test_stack.py::{RICH}[v1]": "assert mounted == ",
        },
    ),
    Mutant(
        "galos_ops.engines.swarm.handing_out.hand_out",
        Never("ExitCode.SILENT"),
        {f"{HANDING}::{NO_NODE}[dash-service ps]": "a node could"},
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
