"""What several tasks share: their options, and a step that is safe to repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from galos_ops.host import Change
from galos_ops.host_task import Ops
from galos_ops.plan import Plan
from galos_ops.report import SAME, WOULD
from galos_ops.unit import Unit

SERVICE = {"service": "one service of galos.services; without it, all of them"}
DRY = {"dry-run": "look at the host and show what would be done; change nothing"}
JSON = {"json": "one JSON document on standard output, everything else on standard error"}


def units(ops: Ops, service: str | None, plan: Callable[[Plan], object]) -> Iterator[Unit]:
    """The services to work on, one after the other; in a dry run each is planned instead, and none is left to do."""
    for unit in ops.units(service):
        ops.report.title(ops.host.name, unit.name)
        if not ops.host.dry:
            yield unit
            continue
        ops.document["dry_run"] = True
        planned = Plan(unit, ops.report)
        plan(planned)
        ops.document.setdefault("services", []).append(planned.document)


def change(ops: Ops, name: str, make: Callable[[], Change]) -> bool:
    """Run a step that is safe to repeat and report it; true when it changed the host, or in a dry run would."""
    with ops.report.step(name) as step:
        done = make()
        step.detail, step.mark = done.detail, (WOULD if ops.host.dry else step.mark) if done.changed else SAME
    for line in done.diff if ops.host.dry else ():
        ops.report.output(line)
    return done.changed
