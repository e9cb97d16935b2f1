"""Keeping deploys away from a host for a time."""

from __future__ import annotations

from dataclasses import replace
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


def parse_hold(option: str, text: str) -> int:
    """Return the seconds of a hold that was typed for an option; raises `UsageError`."""
    seconds = parse_duration(option, text)
    if not 0 < seconds <= LONGEST:
        raise UsageError(f"{option} is {text!r}; it must be at least 1s and at most 30d.")
    return seconds


@host_task(DRY | WORDS, parse={"for_": parse_hold})
def hold(
    ops: Ops, for_: int | None = None, because: str | None = None, end: bool = False, *, dry_run: bool = False
) -> None:
    """Holding: keep deploys away for a time; --end lets them through again.

    deploy, up, start, rollback, migrate, prune and run are refused meanwhile (4), with who holds them back, why and
    until when by the host's clock. It ends by itself. Exit 4 while another task holds the host, or somebody else holds
    deploys back.
    """
    from galos_ops.workflows import holding

    if end and not for_ and not because:
        holding.end(ops)
        return
    if end or not for_ or not (because or "").strip():
        typed = replace(ops.host.typed, options={})
        raise UsageError(
            "hold takes --for and --because, or --end.", hint=typed.fab("hold", for_="2h", because="restoring it")
        )
    holding.begin(ops, for_, " ".join((because or "").split()))
