"""What keeps deploys away, and commands of one's own in a container."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Gives, Instead, Never, Returns, Text, Uncaught, Unwrap
from tests.mutants.mutant import Mutant, group

HOLD, SESSIONS = (f"tests/integration/test_{name}.py" for name in ("hold", "sessions"))
NIGHT = "tests/integration/test_night.py"
SOURCE = "tests/integration/test_env_source.py"
HOOKS, HOLDING, RUN = (f"tests/unit/test_{name}.py" for name in ("hooks", "holding", "run"))
CHANNEL = "tests/unit/test_host_channel.py"
SENSELESS = f"{RUN}::test_what_makes_no_sense_is_told_before_a_hook_is_asked_or_a_host_connected_to"
KILLED = f"{SESSIONS}::test_nothing_goes_on_when_the_client_is_killed"
AWAY = (
    "tests/faults/test_swarm.py::"
    "test_exec_goes_to_a_node_that_runs_the_service_and_says_where_it_is_when_that_cannot_be_reached"
)

MUTANTS = (
    *group(
        "galos_ops.workflows.ops",
        (
            Mutant(
                "Ops._unheld",
                Never("target.snapshot.hold"),
                {
                    f"{HOLD}::test_what_starts_or_migrates_is_refused_with_who_and_why": "refused(4, *words)",
                    f"{SESSIONS}::test_a_hold_refuses_run_and_not_what_starts_nothing": 'refused(4, "run"',
                },
            ),
        ),
    ),
    Mutant(
        "galos_ops.engines.swarm.swarm.Swarm.session",
        Instead("one.node == found.node", "False"),
        {"tests/unit/test_swarm_engine.py::test_exec_takes_the_container_that_runs_at_home": "=="},
    ),
    Mutant(
        "galos_ops.host.host.Host.another",
        Instead("f'{user}@{name}' if user else name", "name"),
        {"tests/unit/test_host.py::test_another_host_is_logged_in_to_as_whom_this_one_was_typed_with": "address"},
    ),
    *group(
        "galos_ops.engines.compose.Compose",
        (
            Mutant(
                "session",
                Never("container is None"),
                {f"{SESSIONS}::test_exec_needs_a_container_and_run_does_not": 'refused(8, "exec"'},
            ),
        ),
    ),
    *group(
        "galos_ops.host.hold",
        (
            Mutant(
                "IN_FORCE",
                Text("-gt", "-ne"),
                {f"{HOLD}::test_a_hold_ends_by_itself": ("assert 4 == 0", '["hold"] is None')},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.holding",
        (
            Mutant(
                "begin",
                Gives("ops.holding", "ops.report.step('hold')"),
                {f"{HOLD}::test_a_hold_begins_beside_no_task_that_changes_the_host": 'refused(4, "hold"'},
            ),
            Mutant(
                "begin",
                Never("found.user"),
                {f"{HOLD}::test_a_hold_of_somebody_else_is_not_replaced_but_may_be_ended": 'refused(4, "hold"'},
            ),
            Mutant(
                "_found",
                DropCall("require"),
                {f"{HOLDING}::test_a_hold_on_another_manager_than_the_home_would_keep_nothing_away": "nobody expected"},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks",
        (
            Mutant(
                "holding_run.HoldingRun._require_words",
                Returns("None"),
                {f"{SENSELESS}[hold]": "== 2"},
            ),
            Mutant(
                "holding_run.HoldingRun._each",
                DropCall("report.say"),
                {
                    "tests/faults/test_fleet.py::"
                    "test_one_member_alone_deploys_unless_others_run_beside_its_migration": "galos.hosts names as well"
                },
            ),
            Mutant(
                "holding.parse_hold",
                Never("0 < seconds"),
                {f"{HOLD}::test_a_hold_needs_a_time_and_a_reason[words5]": 'refused(2, "hold"'},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.sessions",
        (
            Mutant(
                "execute",
                Always("not entrance.node"),
                {f"{AWAY}": 'done("exec"'},
            ),
            Mutant(
                "_node",
                DropCall("error.add"),
                {f"{AWAY}": "runs on that node of the cluster"},
            ),
            Mutant(
                "_attach",
                Uncaught("ReaderGone"),
                {f"{SESSIONS}::test_nothing_goes_on_when_nobody_reads_its_output": "== (141"},
            ),
            Mutant(
                "_attach",
                Never("code"),
                {f"{SESSIONS}::test_output_and_exit_code_are_the_command_s_own": "== (42"},
            ),
            Mutant(
                "_attach",
                Always("raw"),
                {f"{SESSIONS}::test_no_value_of_env_is_shown_or_logged_unless_asked_for": "password not in done"},
            ),
            Mutant(
                "checked",
                DropCall("guard.require_clean"),
                {f"{SESSIONS}::test_run_is_refused_as_a_start_is": 'refused(5, "run"'},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.one_offs.sessions",
        (
            Mutant("kill", Returns("'true'"), {f"{KILLED}[exec]": "bash failed on sandbox"}),
            Mutant("remove", Returns("'true'"), {f"{KILLED}[run]": "bash failed on sandbox"}),
            Mutant(
                "one_off",
                Text("exec 3<", "exec 4<"),
                {f"{SESSIONS}::test_run_works_with_any_docker_compose": 'done("run"'},
            ),
        ),
    ),
    *group(
        "galos_ops.redaction",
        (
            Mutant(
                "masked_output",
                Returns("masked(data.decode(errors='replace')).encode()"),
                {f"{SESSIONS}::test_other_bytes_pass_as_they_are": '== ["00"'},
            ),
        ),
    ),
    *group(
        "galos_ops.host.attached",
        (
            Mutant(
                "Outlet._write",
                Uncaught("OSError"),
                {f"{CHANNEL}::test_a_disk_that_is_full_here_is_no_lost_link": "the connection was lost"},
            ),
            Mutant(
                "Outlet._write",
                Uncaught("BlockingIOError"),
                {f"{CHANNEL}::test_a_reader_that_is_slower_than_the_host_gets_all_of_it": "cannot be written here"},
            ),
            Mutant(
                "attach",
                Never("terminal"),
                {
                    f"{SESSIONS}::test_at_a_terminal_it_has_one_of_the_same_size_and_ctrl_c_goes_to_the_command": (
                        "begun was never shown",
                        "nothing more came",
                    )
                },
            ),
            Mutant(
                "_pump",
                DropCall("channel.resize_pty"),
                {
                    f"{SESSIONS}::test_at_a_terminal_it_has_one_of_the_same_size_and_ctrl_c_goes_to_the_command": (
                        "narrower was never shown",
                        "nothing more came",
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.looking",
        (
            Mutant(
                "logs",
                Never("grep.search"),
                {f"{NIGHT}::test_logs_of_a_time_and_of_a_pattern_with_any_docker_compose": "assert lines"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.ops",
        (
            Mutant(
                "Ops.note",
                Never("changes"),
                {f"{NIGHT}::test_what_was_done_to_a_host_is_in_its_log": "['stop', 'down', 'down'] =="},
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.ecr",
        (
            Mutant(
                "HINTS",
                Text("can only be used with", "nothing says"),
                {f"{NIGHT}::test_a_helper_that_does_not_know_a_name_of_ecr_is_told_so": "update docker-credential"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.images.labels",
        (
            Mutant(
                "made",
                Never("said in SILENT"),
                {f"{NIGHT}::test_history_has_what_an_image_says_of_its_making": "('v1', '<no value>')"},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.hooks",
        (
            Mutant(
                "Hooks.before",
                Never("ended.code != 0"),
                {f"{HOOKS}::test_before_may_refuse_and_then_nothing_is_done_or_told": "DID NOT RAISE"},
            ),
            Mutant(
                "Hooks.told",
                Never("ended.code != 0"),
                {f"{HOOKS}::test_after_and_failed_change_nothing_whatever_becomes_of_them": '"hooks.after: exit 9" in'},
            ),
            Mutant(
                "Hooks._call",
                Unwrap("masked_tree"),
                {f"{HOOKS}::test_a_failure_is_told_to_failed_alone_and_keeps_its_code": '"hunter22" not in'},
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.env_source",
        (
            Mutant(
                "printed",
                Never("ended.code != 0"),
                {
                    f"{SOURCE}::test_a_command_is_pushed_and_one_that_fails_changes_nothing": "refused(1",
                    "tests/unit/test_env_source.py::test_a_command_that_fails_sends_nothing": "cannot be sent as it is",
                },
            ),
            Mutant(
                "stored",
                Never("path in found"),
                {f"{SOURCE}::test_a_parameter_may_be_a_whole_env": 'bare.done("-f"'},
            ),
            Mutant(
                "stored",
                Never("len(same) > 1"),
                {
                    "tests/unit/test_env_source.py::"
                    "test_of_two_parameters_with_the_name_of_one_variable_none_is_taken": "too many values to unpack"
                },
            ),
            Mutant(
                "stored",
                Returns("''"),
                {f"{SOURCE}::test_the_parameter_store_is_compared_and_merged_as_a_file_is": '"env.diff"'},
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.aws",
        (
            Mutant(
                "parameters",
                Returns("{}"),
                {f"{SOURCE}::test_a_profile_that_may_not_read_it_is_told_so": "(ssm:GetParametersByPath)"},
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.local_command",
        (
            Mutant(
                "_kill",
                Returns("process.kill()"),
                {f"{HOOKS}::test_a_hook_is_bounded_in_time_with_all_that_it_started": "< deadline"},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.typed",
        (
            Mutant(
                "remainder_error",
                Returns("None"),
                {f"{SESSIONS}::test_a_remainder_is_refused_before_anything_runs": ("as one word", "Was told to run")},
            ),
        ),
    ),
)
