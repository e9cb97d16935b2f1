"""Keeping deploys away from a host for a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galos_ops.errors import UsageError
from galos_ops.tasks.host_task import DRY, holding_task, parse_duration

if TYPE_CHECKING:
    from galos_ops.workflows.ops import Ops

LONGEST = 30 * 86400
WORDS = {
    "for": "how long, such as 90s, 10m, 2h or 1d; at most 30d",
    "because": "why, for whoever is refused",
    "end": "end it now",
}


def parse_hold(option: str, text: str) -> int:
    """Return the seconds of a hold that was typed for an option; raises `UsageError`."""
    seconds = parse_duration(option, text)
    if not 0 < seconds <= LONGEST:
        raise UsageError(f"{option} is {text!r}; it must be at least 1s and at most 30d.")
    return seconds


@holding_task(DRY | WORDS, parse={"for_": parse_hold})
def hold(
    ops: Ops, for_: int | None = None, because: str | None = None, end: bool = False, *, dry_run: bool = False
) -> None:
    """Holding: keep deploys away for a time; --end lets them through again.

    deploy, up, start, rollback, migrate, prune and run are refused meanwhile (4), with who holds them back, why and
    until when by the host's clock. It ends by itself. Exit 4 while another task holds the host, or somebody else holds
    deploys back.
    """
    from galos_ops.workflows import holding

    if end:
        holding.end(ops)
    else:
        holding.begin(ops, for_ or 0, " ".join((because or "").split()))
