"""The doctor: every known misconfiguration of a host, and the safe fixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galos_ops.tasks.host_task import host_task
from galos_ops.tasks.lazy import Later
from galos_ops.tasks.options import JSON, SERVICE

if TYPE_CHECKING:
    from galos_ops.workflows import doctor as visit
    from galos_ops.workflows.ops import Ops
else:
    visit = Later("workflows.doctor")


@host_task(SERVICE | JSON | {"fix": "make the changes that are safe, then look again"}, looking=True)
def doctor(ops: Ops, service: str | None = None, fix: bool = False, json: bool = False) -> None:
    """Looking: every known misconfiguration of the host, each with its fix.

    Exit 8 when there is a fault; warnings alone are exit 0. --fix makes the safe changes, then looks again.
    """
    visit.visit(ops, service, fix=fix)
