"""Keeping deploys away from a host for a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galos_ops.errors import UsageError
from galos_ops.tasks.host_task import DRY, host_task, parse_duration

if TYPE_CHECKING:
    from galos_ops.workflows.ops import Ops

LONGEST = 30 * 86400
WORDS = {
    "for": "how long, such as 90s, 10m, 2h or 1d; at most 30d",
    "because": "why, for whoever is refused",
    "end": "end it now",
}


@host_task(DRY | WORDS)
def hold(
    ops: Ops, for_: str | None = None, because: str | None = None, end: bool = False, *, dry_run: bool = False
) -> None:
    """Holding: keep deploys away for a time; --end lets them through again.

    deploy, up, start, rollback and migrate are refused meanwhile (4), with who holds them back, why and until when by
    the host's clock. It ends by itself. Exit 4 while another task holds the host, or somebody else holds deploys back.
    """
    from galos_ops.workflows import holding

    if end and not for_ and not because:
        holding.end(ops)
        return
    if end or not for_ or not (because or "").strip():
        raise UsageError("hold takes --for and --because, or --end.", hint="hold --for 2h --because 'restoring it'")
    seconds = parse_duration("--for", for_)
    if not 0 < seconds <= LONGEST:
        raise UsageError(f"--for is {for_!r}; it must be at least 1s and at most 30d.")
    holding.begin(ops, seconds, for_, " ".join((because or "").split()))
