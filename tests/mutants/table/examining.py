"""What the doctor finds on a host, what it leaves alone, and what it mends."""

from __future__ import annotations

from tests.mutants.changes import Always, Gives, Never, Returns, Text
from tests.mutants.mutant import Mutant, group

DOCTOR = "tests/integration/test_doctor.py"

MUTANTS = (
    *group(
        "galos_ops.diagnostics.conditions.containers",
        (
            Mutant(
                "down",
                Never("works(subject)"),
                {
                    f"{DOCTOR}::test_a_host_in_order_has_no_finding_and_is_left_alone": (
                        'done("doctor").rstrip().endswith(" checks: nothing found")'
                    ),
                    f"{DOCTOR}::test_every_docker_compose_is_understood[v5-found1]": "== (found, set())",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.diagnostics.conditions.machine",
        (
            Mutant(
                "old_compose",
                Returns("None"),
                {f"{DOCTOR}::test_every_docker_compose_is_understood[v1-found0]": "== (found, set())"},
            ),
            Mutant(
                "docker_group",
                Returns("None"),
                {f"{DOCTOR}::test_a_user_without_the_docker_group_is_told_so_and_all_the_rest": "told.bad == faults("},
            ),
        ),
    ),
    *group(
        "galos_ops.diagnostics.condition.Table",
        (
            Mutant(
                "blocked",
                Gives("next", "''"),
                {
                    f"{DOCTOR}::test_beside_a_deploy_nothing_is_asked_in_a_container_and_nothing_is_fixed": (
                        '== ("unknown", "another task holds the host")'
                    ),
                    f"{DOCTOR}::test_an_engine_that_is_down_hides_nothing_else": "told.bad == faults(",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.doctor",
        (
            Mutant(
                "visit",
                Always("fix"),
                {
                    f"{DOCTOR}::test_without_fix_nothing_is_changed_and_the_second_fix_finds_nothing_to_do": (
                        "patient.host.shell(look) == before"
                    )
                },
            ),
            Mutant(
                "repair",
                Gives("ops.change", "None"),
                {
                    f"{DOCTOR}::test_each_breakage_is_found_and_what_is_safe_is_mended[gone]": (
                        "told.bad == left | faults(*group.new)"
                    ),
                    f"{DOCTOR}::test_keys_that_were_revoked_are_replaced_once_there_are_new_ones": (
                        '"This machine has no AWS keys" in told.stderr'
                    ),
                },
            ),
        ),
    ),
    *group(
        "galos_ops.engines.snapshot.probe",
        (
            Mutant(
                "project",
                Text("[ -w . ] || say read_only yes", ":"),
                {f"{DOCTOR}::test_a_full_read_only_directory": 'told.bad == faults("directory-read-only"'},
            ),
        ),
    ),
)
