"""What a host keeps of its releases, and how a release is named."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Gives, Instead, Never, Returns, Text
from tests.mutants.mutant import Mutant, group

RELEASES, PROBE, RUN, VERIFY, CONTAINERS, LOCK, CHANNEL, GUARD = (
    f"tests/unit/test_{name}.py"
    for name in ("releases", "probe", "run", "verify", "containers", "lock", "host_channel", "guard")
)
HOSTS = "tests/faults/test_bad_hosts.py"
ROLLBACK = "tests/integration/test_rollback.py"
UP = f"{ROLLBACK}::test_an_up_of_another_image_is_a_release_to_go_back_from_and_to"
EXPORTED = (
    "tests/unit/test_quoting.py::test_a_name_that_no_shell_can_export_stops_no_command_on_the_host_and_runs_as_none"
)
WARNED = "tests/unit/test_dotenv_file.py::test_a_name_that_no_shell_can_export_is_sent_with_a_warning"
MIGRATION = "tests/unit/test_migration.py"
ONE = f"{RELEASES}::test_a_name_that_does_not_mean_one_release_is_usage_with_those_there_are"
NOT_BUSY = f"{LOCK}::test_a_lock_that_cannot_be_had_for_another_reason_than_a_holder_is_not_busy"
NO_WAIT = f"{HOSTS}::test_a_flock_that_cannot_wait_is_named_and_nobody_is_said_to_hold_the_host"
STOPPING = f"{CONTAINERS}::test_an_engine_that_goes_away_while_it_stops_a_container_has_not_failed_to_stop_it"
AWAY = f"{CONTAINERS}::test_an_engine_that_goes_away_between_two_questions_is_no_host_without_containers"
SETTLED = f"{CONTAINERS}::test_a_container_that_runs_already_and_is_ill_is_no_failed_start"
TAKEN = (
    *(".exited == ExitCode.OF_A_COMMAND", "the lock expired", "cannot take the lock", "another manager"),
    *("the login shell is csh", "the cluster does not tell"),
)
UNDERSTOOD = "test_a_tool_is_understood_in_all_it_says"

MUTANTS = (
    *group(
        "galos_ops.host",
        (
            Mutant(
                "release_log._release",
                Instead("(ValueError, KeyError, TypeError, OverflowError, RecursionError)", "(ValueError, KeyError)"),
                {f"{RELEASES}::test_a_line_that_nobody_can_read_is_passed_over_and_counted[deep]": "RecursionError"},
            ),
            Mutant(
                "holder._text",
                Returns("value"),
                {"tests/unit/test_lock.py::test_our_name_is_text_whatever_its_bytes": '== "jos?"'},
            ),
            Mutant(
                "holder._row",
                Instead("(ValueError, RecursionError)", "ValueError"),
                {
                    "tests/unit/test_lock.py::test_a_holder_that_nobody_can_read_is_still_a_holder[deep]": (
                        "RecursionError"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.host.shell",
        (
            Mutant(
                "EXIT",
                Text("|| code=", "|| other="),
                {
                    f"{LOCK}::test_an_exit_code_of_a_command_on_the_host_is_never_taken_for_one_of_ours": TAKEN,
                    f"{GUARD}::test_an_exit_code_of_the_tool_is_never_taken_for_one_of_ours": TAKEN,
                },
            ),
        ),
    ),
    *group(
        "galos_ops.host.release_log",
        (
            Mutant(
                "append",
                Text(" || echo >>", " || : >>"),
                {f"{RELEASES}::test_what_follows_a_line_that_was_cut_short_is_whole": "== Log((V1, V2, V3), 1)"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.snapshot.probe",
        (
            Mutant(
                "RELEASED",
                Text("}$/", "/"),
                {f"{PROBE}::test_all_facts_are_told_in_one_round_trip": "facts == Snapshot("},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.images.retention",
        (
            Mutant(
                "_unneeded",
                Text("'/}$/p'", "p"),
                {
                    f"{RELEASES}::test_a_line_that_was_cut_short_is_no_release_that_takes_the_place_of_another": (
                        "beyond_keep(with_keep(host, 2)"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.host.lock",
        (
            Mutant(
                "TRY",
                Text('[ $? = 1 ] && [ -z "$said" ] && return 1', "return 1"),
                {
                    NOT_BUSY: "assert out ==",
                    f"{LOCK}::test_a_step_on_a_host_that_cannot_lock_is_not_done_and_says_why": "DID NOT RAISE",
                    NO_WAIT: "refused(8,",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.tools",
        (
            *(
                Mutant(
                    f"read_{tool}",
                    Returns("unknown(result)"),
                    {f"tests/integration/test_tools.py::{UNDERSTOOD}[{tool}]": "pending() == [first, second]"},
                )
                for tool in ("alembic", "dbmate", "django")
            ),
            Mutant(
                "names_of_alembic",
                Always("name not in applied"),
                {f"{MIGRATION}::test_alembic_names_what_is_neither_current_nor_below_it[6f2c0df3dc47-pending3]": "=="},
            ),
            Mutant(
                "read_django",
                Always("names"),
                {f"{MIGRATION}::test_anything_else_is_unknown_and_keeps_its_evidence[django-1-]": "answer.state =="},
            ),
        ),
    ),
    *group(
        "galos_ops.host.result",
        (
            Mutant(
                "Output.__init__",
                Instead("KEPT_BYTES if on_line else None", "None"),
                {f"{CHANNEL}::test_what_was_handed_on_is_kept_to_its_end_alone": "< 200000"},
            ),
            Mutant(
                "Output._take",
                Never("len(self._rest) > KEPT_BYTES"),
                {f"{CHANNEL}::test_a_line_that_never_ends_is_handed_on_in_parts": "max(lengths) <"},
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.on_host",
        (
            Mutant(
                "run",
                Text(" 8>&-", ""),
                {f"{LOCK}::test_what_a_command_on_the_host_leaves_in_the_background_keeps_no_lock": "BlockingIOError"},
            ),
        ),
    ),
    *group(
        "galos_ops.host.shell",
        (
            Mutant("exports", Gives("filter", "values"), {EXPORTED: "'ran'"}),
            Mutant("exports", Text("command export ", "export "), {f"{EXPORTED}[bash]": "done.ok"}),
        ),
    ),
    *group(
        "galos_ops.provisioning.dotenv_rules",
        (Mutant("_line_problems", Never("EXPORTABLE.fullmatch"), {f"{WARNED}": "is a name that no shell can export"}),),
    ),
    *group(
        "galos_ops.tasks.run.Run",
        (
            Mutant(
                "over",
                Instead("self.errors", "()"),
                {f"{RUN}::test_json_of_an_interrupt_while_a_failure_is_handled_has_both": "'b: pending.'"},
            ),
            Mutant(
                "_each",
                Gives("self._interrupted", "None"),
                {f"{RUN}::test_json_of_a_host_whose_end_nobody_saw_says_that_it_was_interrupted": "is in one only"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.watching",
        (
            Mutant(
                "script",
                Text("else silent=yes; break; fi", 'else bad gone "$id"; fi'),
                {
                    f"{VERIFY}::test_an_engine_that_comes_back_is_asked_again": "its container is gone",
                    f"{VERIFY}::test_an_engine_that_stays_away_says_nothing_about_the_container": "is gone",
                    f"{HOSTS}::test_the_engine_restarts_while_the_new_container_is_watched": (
                        "running.end() == 0",
                        "the host: cat /proc",
                    ),
                },
            ),
            Mutant(
                "script",
                Instead("2 * SETTLED_SECONDS if seconds is None else 0", "0"),
                {f"{VERIFY}::test_a_container_that_ran_before_may_be_unhealthy_for_the_time_of_one_check": "unhealthy"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.compose",
        (
            Mutant(
                "Compose.watch",
                Gives("before.get", "0"),
                {f"{VERIFY}::test_a_container_that_ran_before_keeps_its_restarts_beside_a_new_one": "again and again"},
            ),
            Mutant(
                "Compose.up",
                Never("result.exited == ExitCode.SILENT"),
                {f"{CONTAINERS}::test_an_engine_that_does_not_answer_has_not_failed_to_start_an_image": "VerifyError"},
            ),
            Mutant("Compose.remove", Never("result.exited == ExitCode.SILENT"), {STOPPING: "could not stop"}),
            Mutant(
                "_look",
                Text("done\nexit ", "done\nexit 0; exit "),
                {
                    AWAY: "DID NOT RAISE",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.switching",
        (Mutant("switch", Instead("started and started.same", "False"), {SETTLED: "again and again."}),),
    ),
    *group(
        "galos_ops.workflows.rollback",
        (
            Mutant("chosen_release", Never("len(images) != 1"), {ONE: ("IndexError", "DID NOT RAISE")}),
            Mutant("IMAGE", Text("{4,64}", "*"), {f"{ONE}[aaa-no release of galos-sync has-shown4]": "DID NOT RAISE"}),
            Mutant(
                "rollback",
                DropCall("guard.require_clean"),
                {
                    f"{ROLLBACK}::test_a_rollback_that_its_check_refuses_leaves_the_tag_alone": "refused(5,",
                    "tests/faults/test_one_database.py::"
                    "test_a_rollback_after_another_service_migrated_is_decided_by_its_own_check": "refused(5,",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.lifecycle",
        (Mutant("up", Instead("'up'", "'deploy'"), {UP: '"started {third[:15]}" in'}),),
    ),
    *group(
        "galos_ops.workflows.switching",
        (Mutant("record", Never("event == 'up'"), {UP: "released(deployed) =="}),),
    ),
)
