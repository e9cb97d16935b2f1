"""The database's own record of who was connected to it, and of the migrations that are applied."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

AUTHORIZED = re.compile(r"connection authorized: user=(\S+) database=(\S+)(?: application_name=(\S+))?")
MILLISECOND = 1_000_000


@dataclass(frozen=True)
class Session:
    """A connection to a database; times are nanoseconds since 1970, to the millisecond, `end` None while it lasts."""

    database: str
    user: str
    application: str
    host: str
    start: int
    end: int | None

    def overlaps(self, start: int, end: int | None) -> bool:
        """Whether it lasted into this time; what is within one millisecond of it does not count."""
        before = end is None or self.start + MILLISECOND <= end
        return before and (self.end is None or start <= self.end - MILLISECOND)


def sessions(lines: Iterable[str]) -> tuple[Session, ...]:
    """Read PostgreSQL's jsonlog; a session ends at the latest where the server starts again."""
    opened: dict[str, Session] = {}
    closed: list[Session] = []

    def close(id: str, time: int) -> None:
        if id in opened:
            session = opened.pop(id)
            closed.append(Session(**{**vars(session), "end": time}))

    for line in lines:
        row = json.loads(line)
        message, time = row.get("message", ""), moment(row["timestamp"])
        authorized = AUTHORIZED.match(message)
        if authorized:
            user, database, application = authorized.groups("")
            opened[row["session_id"]] = Session(database, user, application, row.get("remote_host", ""), time, None)
        elif message.startswith("disconnection: ") or row.get("error_severity") in ("FATAL", "PANIC"):
            # A session that is refused after it was authorized logs no disconnection.
            close(row["session_id"], time)
        elif message.startswith("starting PostgreSQL"):
            for id in list(opened):
                close(id, time)
    return tuple(sorted([*closed, *opened.values()], key=lambda session: session.start))


def moment(timestamp: str) -> int:
    """`2026-11-24 23:15:20.541 UTC` as nanoseconds since 1970."""
    when = datetime.fromisoformat(timestamp.replace(" UTC", "+00:00"))
    return round(when.timestamp() * 1000) * MILLISECOND
