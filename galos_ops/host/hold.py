"""A hold: somebody keeps deploys away from a host for a time, in a file that its clock lets lapse."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import LockedError
from galos_ops.host.holder import holder
from galos_ops.host.lock import STATE
from galos_ops.redaction import without_values

FILE = f"{STATE}/hold"
IN_FORCE = f'[ -e {FILE} ] && [ "$(head -n 1 {FILE} 2>/dev/null)" -gt "$(date +%s)" ] 2>/dev/null'
"""Whether the file's first line, in seconds since 1970, is yet to come on the host's clock."""


@dataclass(frozen=True)
class Hold:
    """Who keeps deploys away, why and until when; times are UTC in ISO 8601, `until` by the host's clock."""

    user: str
    machine: str
    since: str
    until: str
    because: str
    run: str | None = None

    @staticmethod
    def of(text: str) -> Hold | None:
        """Read the file of a hold; None for what no task of ours has written."""
        until, _, rest = text.partition("\n")
        try:
            row = json.loads(rest)
            ends = datetime.fromtimestamp(int(until), timezone.utc).isoformat()
            words = {name: str(row[name]) for name in ("user", "machine", "since", "because")}
            return Hold(**words, until=ends, run=None if row["run"] is None else str(row["run"]))
        except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
            return None

    def __str__(self) -> str:
        run = f", {self.run}" if self.run else ""
        return f"{self.user} on {self.machine} holds deploys back until {self.until}: {self.because}{run}"


def put(seconds: int, because: str) -> str:
    """Return a script that holds deploys back for some seconds from now, in the project's directory."""
    who = holder("hold") | {"because": without_values(because)}
    text = shlex.quote(json.dumps(who, ensure_ascii=False))
    return (
        f"umask 077; mkdir -p {STATE} && printf '%s\\n' $(($(date +%s) + {seconds})) {text} >{FILE}.new && "
        f"mv -f {FILE}.new {FILE} || exit 1"
    )


END = f"rm -f {FILE}"
"""A script that ends a hold, in the project's directory."""


def hold_error(typed: CommandLine, hold: Hold) -> LockedError:
    """The error for a host on which somebody holds deploys back."""
    typed = replace(typed, options={})  # --end goes with no other option of a hold
    return LockedError(
        f"{typed.name}: {hold}; nothing was changed.",
        hint=f"when that is over, or to end it now: {typed.fab('hold', end=True)}",
    )
