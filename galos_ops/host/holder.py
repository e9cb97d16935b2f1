"""Who holds a host: what a holder writes down of itself, and what others read there."""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

SESSION = secrets.token_hex(8)  # this run, for one that meets itself
RUN_URLS = {
    "GITHUB_RUN_ID": "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
    "CI_JOB_URL": "{CI_JOB_URL}",
}  # what GitHub Actions and GitLab CI set


def run_url(environment: Mapping[str, str]) -> str | None:
    """The page of the CI run that we are part of, None outside of CI."""
    for variable, template in RUN_URLS.items():
        if environment.get(variable):
            return _text(template.format_map({name: environment.get(name, "") for name in environment}))
    return None


def holder(task: str, host: str = "") -> dict[str, str | None]:
    """Who we are, as the others read it, and under which name and in which run we hold a host."""
    return {
        "host": host,
        "session": SESSION,
        "user": _text(getpass.getuser()),
        "machine": socket.gethostname(),
        "task": task,
        "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "run": run_url(os.environ),
    }


def _text(value: str) -> str:
    """Return what a variable of the environment holds as text, which may be any bytes."""
    return value.encode(errors="replace").decode()


@dataclass(frozen=True)
class LockState:
    """Who holds the host, all None but `held` where that is not known; `since` is UTC in ISO 8601."""

    held: bool
    user: str | None = None
    machine: str | None = None
    task: str | None = None
    since: str | None = None
    run: str | None = None

    @staticmethod
    def of(text: str) -> LockState:
        """Read what a holder wrote; anybody may have written anything."""
        known = _row(text)
        words = {name: known.get(name) for name in ("user", "machine", "task", "since", "run")}
        return LockState(True, **{name: word if isinstance(word, str) else None for name, word in words.items()})

    def __str__(self) -> str:
        if not (self.user and self.machine and self.task and self.since):
            return "another galos-ops task holds the host"
        run = f", {self.run}" if self.run else ""
        return f"{self.user} on {self.machine} has held the host for {self.task} since {self.since}{run}"


def ours(text: str) -> str:
    """Under which name this run itself holds the host, by what its holder wrote; empty where another one does."""
    known = _row(text)
    return str(known.get("host")) if known.get("session") == SESSION else ""


def _row(text: str) -> dict[str, object]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        row = None
    return row if isinstance(row, dict) else {}


def describe(line: str) -> str:
    """One sentence part about who holds the lock, out of what the holder wrote."""
    return "a step that an earlier run began still goes on" if line == "step" else str(LockState.of(line))
