"""What the doctor finds on a host, what it leaves alone, and what it mends."""

from __future__ import annotations

from tests.mutants.changes import Never
from tests.mutants.mutant import Mutant, group

DOCTOR = "tests/integration/test_doctor.py"

MUTANTS = (
    *group(
        "galos_ops.doctor.containers",
        (
            Mutant(
                "down",
                Never("one.alive"),
                {
                    f"{DOCTOR}::test_a_host_in_order_has_no_finding_and_is_left_alone": (
                        'done("doctor").rstrip().endswith(" checks: nothing found")'
                    ),
                    f"{DOCTOR}::test_every_docker_compose_is_understood[v5-found1]": "== (found, set())",
                },
            ),
        ),
    ),
)
