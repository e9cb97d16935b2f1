"""The release log of a host, a line of JSON for each release and each migration."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from typing import Any, Literal, get_args

from galos_ops.host import files
from galos_ops.host.holder import holder
from galos_ops.host.host import Host
from galos_ops.host.lock import STATE
from galos_ops.host.shell import lines
from galos_ops.redaction import without_values

LOG = f"{STATE}/releases.jsonl"
EVENT_MIGRATE = '"event": "migrate"'
OUTCOME_NOT_BEGUN = '"outcome": "not begun"'

Start = Literal["deploy", "rollback", "up"]
Alone = Literal["ecr.credentials", "ecr.region", "ecr.helper", "ecr.docker-config", "env.push"]
Event = Literal[Start, Alone, "migrate", "hold", "exec", "run", "stop", "down", "setup", "doctor"]
Outcome = Literal["succeeded", "failed", "not begun"]
NOT_BEGUN: Outcome = "not begun"
NAMES = 20_000  # characters of the names of migrations in a line


@dataclass(frozen=True)
class Release:
    """One line of the log; `time` is UTC in ISO 8601, `seconds` and `downtime` are seconds.

    A `migrate` line is written before a migration begins, so that it is there however the migration ends; another one
    has its `outcome` then, with the `reason` and the last lines of a failure, and the file of the whole output. It is
    `not begun` on a host of a fleet where the line was written, and the migration on another host did not begin.
    `detail` says more of what starts no image; such a line has no tag and no image, and no service where it is of the
    host. Of a release in a cluster it says where that runs.
    """

    event: Event
    time: str
    service: str
    tag: str
    image: str
    previous: str | None
    migrations: tuple[str, ...]
    user: str | None
    machine: str | None
    run: str | None
    seconds: float
    downtime: float
    outcome: Outcome | None = None
    reason: str | None = None
    evidence: tuple[str, ...] = ()
    output: str | None = None
    detail: str = ""

    @property
    def migrates(self) -> bool:
        """Whether it tells of a migration that began, as far as is known."""
        return self.event == "migrate" and self.outcome != NOT_BEGUN


def entry(event: Event, detail: str, service: str = "") -> Release:
    """A line for the log, of now and of us, about something that starts no image."""
    return release(event, service, "", "", detail=detail)


def release(event: Event, service: str, tag: str, image: str, **more: Any) -> Release:
    """A line for the log, of now and of us."""
    who = holder(event)
    line: dict[str, Any] = {
        "event": event,
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "service": service,
        "tag": tag,
        "image": image,
        "previous": None,
        "migrations": (),
        **{name: who[name] for name in ("user", "machine", "run")},
        "seconds": 0.0,
        "downtime": 0.0,
    }
    return Release(**{**line, **more})


def append(line: Release) -> str:
    """A script that appends a line to the log, whole, and has it on the disk before it goes on.

    What a full disk or a crash cut short before it, a NUL at its end or not, stays a line of its own.
    """
    names, detail = _logged([without_values(name) for name in line.migrations]), without_values(line.detail)
    text = shlex.quote(json.dumps({**asdict(line), "migrations": names, "detail": detail}, ensure_ascii=False))
    ended = f"[ \"$(tail -c 1 {LOG} 2>/dev/null | tr -d '\\n' | wc -c)\" -eq 0 ]"
    return f"umask 077; {{ {ended} || echo >>{LOG}; }} && printf '%s\\n' {text} >>{LOG} && sync {LOG} || exit 1"


def _logged(names: list[str]) -> list[str]:
    """The first of many names, and how many more there are: a script is an argument, which the kernel bounds."""
    sizes = itertools.accumulate(map(len, names))
    kept = sum(size <= NAMES for size in sizes)
    return names if kept == len(names) else [*names[:kept], f"and {len(names) - kept} more"]


def note(line: Release) -> str:
    """A script that appends a line to the log, and fails no task where that cannot be."""
    return f"( mkdir -p {STATE} && {append(line)} ) 2>/dev/null || true"


@dataclass(frozen=True)
class Log:
    """The log, oldest first, and how many of its lines nobody can read."""

    releases: tuple[Release, ...]
    unreadable: int


def parse(text: str | None) -> Log:
    """Read the log; a line that a full disk cut short, or somebody spoiled, is passed over and counted."""
    found = [_release(line) for line in lines(text or "")]
    return Log(tuple(one for one in found if one), found.count(None))


STARTS, EVENTS = get_args(Start), get_args(Event)
TEXT, MAYBE, NUMBER = (str,), (str, type(None)), (int, float)
KINDS: dict[str, tuple[type, ...]] = {
    "event": TEXT, "time": TEXT, "service": TEXT, "tag": TEXT, "image": TEXT, "previous": MAYBE, "migrations": (list,),
    "user": MAYBE, "machine": MAYBE, "run": MAYBE, "seconds": NUMBER, "downtime": NUMBER,
}  # fmt: skip
LATER: dict[str, tuple[tuple[type, ...], object]] = {
    "outcome": (MAYBE, None), "reason": (MAYBE, None), "evidence": ((list,), []), "output": (MAYBE, None),
    "detail": (TEXT, ""),
}  # fmt: skip
"""What a line of an earlier version does not have, and the value that it has then."""


def _release(line: str) -> Release | None:
    try:
        row = json.loads(line)
        values: dict[str, Any] = {name: row[name] for name in KINDS}
        values |= {name: row.get(name, value) for name, (_, value) in LATER.items()}
        kinds = KINDS | {name: kinds for name, (kinds, _) in LATER.items()}
        sound = all(isinstance(values[name], kinds[name]) for name in values)
        whole = sound and all(isinstance(one, str) for one in (*values["migrations"], *values["evidence"]))
        known = values["event"] in EVENTS and values["outcome"] in (None, *get_args(Outcome))
        moment = datetime.fromisoformat(values["time"])
        if not (whole and known and moment.tzinfo and moment.astimezone(timezone.utc)):
            return None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    found: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Release(**found)


def read(host: Host, directory: str) -> Log:
    """The log of the host, whose project is in a directory."""
    [text] = files.read(host, f"{directory}/{LOG}")
    return parse(text)


def joined(log: Iterable[Release]) -> list[Release]:
    """The log with a line for each migration: that of its beginning, with what the ones of its end say.

    Of several failures the first is why.
    """
    found: list[Release] = []
    begun: dict[str, int] = {}
    for one in log:
        at = begun.get(one.service) if one.outcome else None
        if at is None:
            begun |= {one.service: len(found)} if one.event == "migrate" else {}
            found.append(one)
        elif found[at].outcome != "failed":
            found[at] = replace(found[at], **{name: getattr(one, name) for name in LATER})
    return found


def started(log: Iterable[Release]) -> list[Release]:
    """The lines that tell of a started image."""
    return [one for one in log if one.event in STARTS]


def current(log: Iterable[Release], running: Mapping[str, str]) -> list[Release]:
    """Of a log, newest first, the line that tells of the image which each service runs now."""
    found: dict[str, Release] = {}
    for one in started(log):
        if running.get(one.service) == one.image:
            found.setdefault(one.service, one)
    return list(found.values())
