"""What `status`, `logs` and a dry run show, and how a terminal and the log of a CI job show it."""

from __future__ import annotations

from tests.mutants.changes import Never, WithoutArgument
from tests.mutants.mutant import Mutant, group

STATUS, DRY_RUN, VIEW, CI = (f"tests/integration/test_{name}.py" for name in ("status", "dry_run", "view", "ci"))

MUTANTS = (
    *group(
        "galos_ops.survey",
        (
            Mutant(
                "registry",
                Never("there in map"),
                {
                    f"{STATUS}::test_a_host_where_all_is_well_and_then_a_release_with_a_migration": (
                        'lines["registry"] == ["✓ newest"]'
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.verdict",
        (
            Mutant(
                "BAD",
                Never("one.state != 'running'"),
                {f"{STATUS}::test_a_container_that_is_not_up_is_said_with_the_next_command": 'refused(7, "status")'},
            ),
        ),
    ),
    *group(
        "galos_ops.live",
        (
            Mutant(
                "Terminal._alive",
                WithoutArgument("Live", "transient"),
                {
                    f"{VIEW}::test_a_terminal_shows_each_step_live_and_is_left_as_it_was_after_ctrl_c": (
                        'not set(FRAMES) & set("".join('
                    )
                },
            ),
        ),
    ),
)
