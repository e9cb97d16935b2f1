"""The record of a host's engine: its events, the marks of the recorder, and what is missing between them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, cast

KEPT = 256  # events that dockerd keeps for those who ask later
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"
TASK, STACK = "com.docker.swarm.service.name", "com.docker.stack.namespace"
OURS = re.compile(
    r"(?P<service>.+)-(?P<kind>check|migration)(-[0-9a-f]+)?"
)  # the names of the library's own containers
RELEASE = "org.opencontainers.image.version"

Kind = Literal["service", "migration", "check", "other"]


@dataclass(frozen=True)
class Event:
    """One event of the engine, or a mark of the recorder (`kind` "recorder"); `time` is nanoseconds since 1970."""

    kind: str
    action: str
    id: str
    attributes: Mapping[str, str]
    time: int
    replayed: bool = False  # it happened before the recorder attached

    @property
    def name(self) -> str:
        return self.attributes.get("name", "")


@dataclass(frozen=True)
class Container:
    """A container as its labels and its name tell what it is for; `release` is the version that its image carries.

    `service` is the one that it checks or migrates for, which need not be the one in whose place it was made. A `task`
    of Swarm is never started again once it has ended.
    """

    id: str
    name: str
    service: str
    one_off: bool
    release: str
    running: bool = False
    started: str = ""
    task: bool = False

    @staticmethod
    def of(id: str, name: str, labels: Mapping[str, str], *, running: bool = False, started: str = "") -> Container:
        """Read what a container is of its name and its labels."""
        service, one_off, ours = labels.get(SERVICE, ""), labels.get(ONE_OFF) == "True", OURS.fullmatch(name)
        told = ours["service"] if ours and one_off else service
        if task := TASK in labels:
            told = labels[TASK].removeprefix(f"{labels[STACK]}_") if STACK in labels else ""
        return Container(id, name, told, one_off, labels.get(RELEASE, ""), running, started, task)

    @property
    def kind(self) -> Kind:
        if self.service and not self.one_off:
            return "service"
        ours = OURS.fullmatch(self.name)
        return cast("Kind", ours["kind"]) if ours and ours["service"] == self.service else "other"


@dataclass(frozen=True)
class Run:
    """One life of a container from its start to its end; `None` is an end, or an exit code, that the record lacks."""

    container: Container
    start: int
    end: int | None
    code: int | None
    asked: bool  # somebody started it: not a restart policy, and not the engine when it started itself

    def overlaps(self, start: int, end: int | None) -> bool:
        return (end is None or self.start < end) and (self.end is None or start < self.end)


@dataclass(frozen=True)
class Record:
    """Events in the order of the record, and the containers that existed before the first of them."""

    events: tuple[Event, ...]
    before: tuple[Container, ...] = ()

    @cached_property
    def containers(self) -> dict[str, Container]:
        """Every container of the record by its ID."""
        found = {each.id: each for each in self.before}
        for event in self.of("container"):
            if event.id not in found:
                found[event.id] = Container.of(event.id, event.name, event.attributes)
        return found

    def of(self, kind: str, *actions: str) -> Iterator[Event]:
        return (each for each in self.events if each.kind == kind and (not actions or each.action in actions))

    def about(self, kind: Kind, *actions: str) -> list[Event]:
        """The events of the containers of a kind."""
        return [each for each in self.of("container", *actions) if self.containers[each.id].kind == kind]

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Each life of each container; one that ran before the record began has been running since 0."""
        started = {each.id: (0, False) for each in self.before if each.running}
        stopped: set[str] = {each.id for each in self.before if not each.running}
        runs = []
        for event in self.of("container", "create", "start", "stop", "kill", "die"):
            if event.action in ("create", "stop", "kill"):
                stopped.add(event.id)
            elif event.action == "start":
                started[event.id] = (event.time, event.id in stopped and not event.replayed)
                stopped.discard(event.id)
            elif event.id in started:
                start, asked = started.pop(event.id)
                code = event.attributes.get("exitCode")
                runs.append(Run(self.containers[event.id], start, event.time, int(code) if code else None, asked))
        runs += [Run(self.containers[id], start, None, None, asked) for id, (start, asked) in started.items()]
        return tuple(sorted(runs, key=lambda run: run.start))

    def gone(self, container: Container) -> int | None:
        """When a container was removed, or a task ended, None where it still exists."""
        if container.task:
            return next((run.end for run in self.runs if run.container.id == container.id), self.created(container))
        return next((each.time for each in self.of("container", "destroy") if each.id == container.id), None)

    def created(self, container: Container) -> int:
        """When a container was made, 0 where that was before the record."""
        return next((each.time for each in self.of("container", "create") if each.id == container.id), 0)

    def since(self, index: int) -> Record:
        """The rest of the record; its containers are those that exist at that moment."""
        alive = {run.container.id: run.end is None for run in Record(self.events[:index], self.before).runs}
        gone = {each.id for each in self.events[:index] if each.kind == "container" and each.action == "destroy"}
        seen = {each.id for each in self.before} | {each.id for each in self.events[:index] if each.kind == "container"}
        before = [replace(self.containers[id], running=alive.get(id, False)) for id in seen - gone]
        return Record(self.events[index:], tuple(before))


def read(lines: Iterable[str], since: int = 0) -> tuple[Event, ...]:
    """Parse a record; what the engine told again at a new attachment is left out, and what was before `since`."""
    events: list[Event] = []
    known: set[str] = set()
    attached = 0
    for line in lines:
        if not line or line in known:
            continue
        known.add(line)
        event = parse(json.loads(line), attached)
        attached = event.time if (event.kind, event.action) == ("recorder", "attached") else attached
        if not event.replayed or event.time >= since:
            events.append(event)
    return tuple(events)


def parse(row: Mapping[str, Any], attached: int = 0) -> Event:
    """One line of the record; raises KeyError for what is neither an event nor a mark."""
    time = row["timeNano"]
    if "recorder" in row:
        return Event("recorder", row["recorder"], row["engine"], {}, time)
    actor = row["Actor"]
    return Event(row["Type"], row["Action"], actor["ID"], actor.get("Attributes") or {}, time, time < attached)


@dataclass
class _Attachment:
    """What the recorder wrote from one attachment to the next; the first may begin in the middle."""

    engine: str = ""
    attached: int = 0
    lines: list[str] = field(default_factory=list)


def completed(lines: Iterable[str], kept: Iterable[str]) -> list[str]:
    """Return a record with what the engine keeps and the record lacks put where its time belongs.

    An engine that is busy passes over a listener to which it cannot hand an event within 100 ms (moby, pkg/pubsub).
    """
    whole = [line for line in lines if line]
    for line in kept:
        time = json.loads(line)["timeNano"]
        later = (at for at, each in enumerate(whole) if _time(each) > time)
        whole.insert(next(later, len(whole)), line)
    return whole


def _time(line: str) -> int:
    """When a line of the record was written; 0 for one that is cut off."""
    try:
        return int(json.loads(line)["timeNano"])
    except (ValueError, KeyError, TypeError):
        return 0


def gaps(lines: Iterable[str]) -> list[str]:
    """Return what a record lacks, as sentences.

    An attachment begins with what the engine still keeps since its start. Where that was attached to before, the last
    event from then must be told again, or the engine forgot some; where it was not, there must be fewer than it keeps.
    """
    found = []
    attachments = [_Attachment()]
    for line in filter(None, lines):
        try:
            event = parse(json.loads(line))
        except (ValueError, KeyError):
            found.append(f"a line of the record is cut off: {line[:200]}")
            continue
        if event.kind != "recorder":
            attachments[-1].lines.append(line)
        elif event.action == "attached":
            attachments.append(_Attachment(event.id, event.time))
        else:
            attachments[-1].engine = event.id
    last = ""
    for before, after in pairwise(attachments):
        last = before.lines[-1] if before.lines else last if before.engine == after.engine else ""
        again = [line for line in after.lines if json.loads(line)["timeNano"] < after.attached]
        if before.engine == after.engine and last:
            if last not in after.lines:
                found.append("the recorder was away from the engine for longer than the engine keeps events")
        elif len(again) >= KEPT:
            found.append("the engine had done more than it keeps before the recorder attached")
    return found
