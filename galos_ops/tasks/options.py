"""What several tasks share: their options, and the services that they work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from galos_ops.engines.target import Target
    from galos_ops.workflows.ops import Ops
    from galos_ops.workflows.plan import Plan

SERVICE = {"service": "one service of galos.services; without it, all of them"}
DRY = {"dry-run": "look at the host and show what would be done; change nothing"}
JSON = {"json": "one JSON document on standard output, everything else on standard error"}


def targets(ops: Ops, service: str | None, plan: Callable[[Plan], object]) -> Iterator[Target]:
    """The services to work on, one after the other; in a dry run each is planned instead, and none is left to do."""
    from galos_ops.workflows.plan import Plan

    for target in ops.targets(service):
        ops.report.title(ops.host.name, target.name)
        if not ops.host.dry:
            yield target
            continue
        ops.document["dry_run"] = True
        planned = Plan(target, ops.report)
        plan(planned)
        ops.document.setdefault("services", []).append(planned.document)
