"""Holding deploys back for a time, and ending that."""

from __future__ import annotations

from galos_ops.host.hold import END, hold_error, put
from galos_ops.host.host import Change
from galos_ops.host.lock import holder
from galos_ops.host.release_log import append, entry
from galos_ops.host.shell import in_directory
from galos_ops.provisioning.files import done_or_would
from galos_ops.workflows.ops import Ops


def begin(ops: Ops, seconds: int, words: str, because: str) -> None:
    """Hold deploys back from now on, `words` for so long; raises `LockedError` where somebody else does already."""
    with ops.holding("hold"):
        found, who = ops.snapshot().hold, holder("hold")
        if found and (found.user, found.machine) != (who["user"], who["machine"]):
            raise hold_error(ops.host.typed, found)
        ops.change("hold", lambda: _change(ops, put(seconds, because), "begun", f"for {words}: {because}"))


def end(ops: Ops) -> None:
    """End a hold, whoever began it."""
    with ops.holding("hold"):
        found = ops.snapshot().hold
        same = Change(False, "nobody holds deploys back")
        ops.change("hold", lambda: _change(ops, END, "ended", found.because) if found else same)


def _change(ops: Ops, script: str, done: str, words: str) -> Change:
    if not ops.host.dry:
        line = append(entry("hold", f"{done}: {words}"))
        ops.host.change(in_directory(ops.settings.directory, f"{script}\n{line}"), doing="hold deploys back")
    return Change(True, f"{done_or_would(ops.host, done)}: {words}")
