"""Holding deploys back for a time, and ending that."""

from __future__ import annotations

from galos_ops.diagnostics.ready import HOME, require
from galos_ops.host.hold import END, Hold, hold_error, put
from galos_ops.host.holder import holder
from galos_ops.host.release_log import append, entry
from galos_ops.host.shell import in_directory
from galos_ops.progress import Change, spoken
from galos_ops.provisioning.files import done_or_would
from galos_ops.workflows.ops import Ops


def begin(ops: Ops, seconds: int, because: str) -> None:
    """Hold deploys back for so many seconds from now on; raises `LockedError` where somebody else does already.

    Raises `NotReadyError` on a node of a Swarm that is not the stack's home.
    """
    with ops.holding("hold"):
        found, who = _found(ops), holder("hold")
        if found and (found.user, found.machine) != (who["user"], who["machine"]):
            raise hold_error(ops.host.typed, found)
        ops.change("hold", lambda: _change(ops, put(seconds, because), "begun", f"for {spoken(seconds)}: {because}"))


def end(ops: Ops) -> None:
    """End a hold, whoever began it; raises `NotReadyError` on a node of a Swarm that is not the stack's home."""
    with ops.holding("hold"):
        found = _found(ops)
        same = Change(False, "nobody holds deploys back")
        ops.change("hold", lambda: _change(ops, END, "ended", found.because) if found else same)


def _found(ops: Ops) -> Hold | None:
    """Return the hold in force; raises `NotReadyError` on a node of a Swarm that is not the stack's home."""
    snapshot = ops.snapshot()
    require(ops.host.typed, ops.settings, snapshot, HOME)
    return snapshot.hold


def _change(ops: Ops, script: str, done: str, words: str) -> Change:
    if not ops.host.dry:
        line = append(entry("hold", f"{done}: {words}"))
        ops.host.change(in_directory(ops.settings.directory, f"{script}\n{line}"), doing="hold deploys back")
    return Change(True, f"{done_or_would(ops.host, done)}: {words}")
