"""What a host keeps of its releases, and how a release is named."""

from __future__ import annotations

from tests.mutants.changes import DropCall, Gives, Instead, Never, Text, WithoutArgument
from tests.mutants.mutant import Mutant, group

RELEASES, PROBE, RUN = (f"tests/unit/test_{name}.py" for name in ("releases", "probe", "run"))
ROLLBACK = "tests/integration/test_rollback.py"
UP = f"{ROLLBACK}::test_an_up_of_another_image_is_a_release_to_go_back_from_and_to"
EXPORTED = (
    "tests/unit/test_quoting.py::test_a_name_that_no_shell_can_export_stops_no_command_on_the_host_and_runs_as_none"
)
WARNED = "tests/unit/test_dotenv_file.py::test_a_name_that_no_shell_can_export_is_sent_with_a_warning"
ONE = f"{RELEASES}::test_a_name_that_does_not_mean_one_release_is_usage_with_those_there_are"

MUTANTS = (
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
        "galos_ops.engines.probe",
        (
            Mutant(
                "RELEASED",
                Text("}$/", "/"),
                {f"{PROBE}::test_all_facts_are_told_in_one_round_trip": "facts == Snapshot("},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.retention",
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
        "galos_ops.host.shell",
        (
            Mutant("exports", Gives("filter", "values"), {EXPORTED: "done.ok"}),
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
        "galos_ops.workflows.rollback",
        (
            Mutant("chosen_release", Never("len(images) != 1"), {ONE: ("IndexError", "DID NOT RAISE")}),
            Mutant("IMAGE", Text("{4,64}", "*"), {ONE: "DID NOT RAISE"}),
            Mutant(
                "rollback",
                DropCall("guard.require_clean"),
                {f"{ROLLBACK}::test_a_rollback_that_its_check_refuses_leaves_the_tag_alone": "refused(5,"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.lifecycle",
        (Mutant("up", WithoutArgument("switch", "event"), {UP: '"started {third[:15]}" in'}),),
    ),
    *group(
        "galos_ops.workflows.deploy",
        (Mutant("record", Never("event == 'up'"), {UP: "released(deployed) =="}),),
    ),
)
