"""Which lines of a log are asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LogLines:
    """Which lines of a log: the last `tail`, or all; those of the last `since` seconds; with times; and what comes."""

    tail: int | None
    since: int | None = None
    timestamps: bool = False
    follow: bool = False

    def options(self, follow: str) -> list[str]:
        """Return them as Docker has them, where `follow` is what that is called."""
        tail = f"--tail={'all' if self.tail is None else self.tail}"
        since = [] if self.since is None else [f"--since={self.since}s"]
        return [tail, *since, *(["-t"] if self.timestamps else []), *([follow] if self.follow else [])]
