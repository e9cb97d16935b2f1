"""What several tasks share: their options, and a step that is safe to repeat."""

from __future__ import annotations

from collections.abc import Callable

from galos_ops.host import Change
from galos_ops.host_task import Ops
from galos_ops.report import SAME

SERVICE = {"service": "one service of galos.services; without it, all of them"}
JSON = {"json": "one JSON document on standard output, everything else on standard error"}


def change(ops: Ops, name: str, make: Callable[[], Change]) -> bool:
    """Run a step that is safe to repeat and report it; true when it changed the host."""
    with ops.report.step(name) as step:
        done = make()
        step.detail, step.mark = done.detail, step.mark if done.changed else SAME
    return done.changed
