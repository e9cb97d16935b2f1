"""A status as lines for a person, each marked as the table of conditions has it, and the error of its exit code."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from galos_ops.config.command_line import CommandLine
from galos_ops.config.settings import DIGEST
from galos_ops.diagnostics.condition import Subject
from galos_ops.diagnostics.conditions.table import TABLE
from galos_ops.diagnostics.status import HostStatus, Problem, ServiceStatus
from galos_ops.engines.snapshot.cluster import Node
from galos_ops.engines.snapshot.snapshot import FreeSpace
from galos_ops.errors import GuardError, LockedError, MigrationError, NotReadyError, OpsError, VerifyError
from galos_ops.progress import DONE, FAILED, WARN, short

DETAIL = 62  # characters of a line's detail, for a terminal of 80
SEVERITY = (MigrationError, GuardError, VerifyError, NotReadyError)


@dataclass(frozen=True)
class Line:
    """A line of the status: ✓ well, ! worth a look, ✗ not well, and then with the error that says so."""

    name: str
    detail: str
    mark: str = DONE
    error: OpsError | None = None

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """Mark, name and detail; a long detail goes on below."""
        first, *more = textwrap.wrap(self.detail, DETAIL, break_on_hyphens=False) or [""]
        return [(FAILED if self.error else self.mark, self.name, first), *(("", "", rest) for rest in more)]


def judged(name: str, detail: str, subject: Subject) -> Line:
    """A line with the mark of the first condition on it that does not hold; ! where one cannot be judged."""
    mark = DONE
    for row in TABLE.on(name):
        verdict = TABLE.one(row, subject)
        if verdict.bad and row.error:
            sentence = f"{subject.typed.name}: {subject.service}: {row.said(subject)}."
            error = row.error(sentence, evidence=row.evidence(subject), hint=row.next(subject))
            return Line(name, detail, error=error)
        mark = mark if verdict.state == "fine" else WARN
    return Line(name, detail, mark)


def tables(host: HostStatus, subjects: Mapping[str, Subject]) -> dict[str, list[Line]]:
    """The lines on the host itself, and on each of its services."""
    services = {one.service: of_service(host, one, subjects[one.service]) for one in host.services}
    return {"host": of_host(host, next(iter(subjects.values()))), **services}


def of_host(host: HostStatus, subject: Subject) -> list[Line]:
    """The lines on the host itself."""

    def disk(one: FreeSpace) -> Line:
        only = replace(subject, snapshot=replace(subject.snapshot, disks=(one,)))
        return judged("disk", space(one), only)

    words = ", ".join(filter(None, (host.engine, host.compose)))
    helper = "installed" if host.helper else "missing; the task ecr.helper installs it"
    return [
        _problem("ready", host.problem) or Line("engine", words),
        judged("lock", str(host.lock) if host.lock.held else "free", subject),
        *([Line("hold", str(host.hold), WARN)] if host.hold else []),
        *map(disk, host.disks),
        judged("helper", host.helper_error if host.helper and host.helper_error else helper, subject),
        *([judged("cluster", cluster_line(host.nodes), subject)] if host.nodes else []),
        judged("clock", _clock(host.clock_difference), subject),
    ]


def of_service(host: HostStatus, service: ServiceStatus, subject: Subject) -> list[Line]:
    """The lines on one service; a container that does not run is told of by what keeps it from being started."""
    now = datetime.fromisoformat(host.time)
    problem = _problem("compose", service.problem)
    details = {
        "container": _container(service, now),
        "image": _image(service, now),
        "release": _release(service),
        "registry": _registry(service),
        "migrations": _migrations(host, service, now),
    }
    lines = [judged(*line, subject) for line in details.items()]
    if problem is None:
        return lines
    return [
        problem,
        *(replace(one, error=problem.error) if isinstance(one.error, VerifyError) else one for one in lines),
    ]


def verdict(typed: CommandLine, host: HostStatus, lines: Iterable[Line]) -> OpsError | None:
    """The error that the exit code comes from, None when all is well.

    8 when the host is not ready, 4 while another task is at work on what is not well, then 6, 5, 7 and 8, the gravest.
    """
    errors = sorted((line.error for line in lines if line.error), key=lambda error: SEVERITY.index(type(error)))
    if not errors:
        return None
    if host.problem:
        return NotReadyError(host.problem.sentence, hint=host.problem.next)
    if host.lock.held:
        return LockedError(
            f"{typed.name}: {host.lock}; what is not well may be its work.",
            hint=f"when that is over: {typed.fab('status')}",
        )
    return errors[0]


def space(disk: FreeSpace) -> str:
    """What is free on a disk, for a person."""
    inodes = ""
    if disk.inodes and disk.free_inodes is not None:
        inodes = f", {disk.free_inodes / disk.inodes:.0%} of the inodes"
    return f"{disk.path}: {disk.free_bytes / 1e9:.1f} GB of {disk.size_bytes / 1e9:.1f} free{inodes}"


def ago(since: str, now: datetime) -> str:
    """How long ago a moment was, in its largest unit."""
    seconds = max(0, int((now - datetime.fromisoformat(since)).total_seconds()))
    units = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    size, unit = next(((size, unit) for size, unit in units if seconds >= size), (1, "s"))
    return f"{seconds // size} {unit} ago"


def at(time: str) -> str:
    """A moment as it is shown: UTC, to the minute."""
    return f"{datetime.fromisoformat(time).astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def _problem(name: str, problem: Problem | None) -> Line | None:
    return Line(name, problem.sentence, error=NotReadyError(problem.sentence, hint=problem.next)) if problem else None


def cluster_line(nodes: Iterable[Node]) -> str:
    """The nodes of a cluster, each that is not ready with its state."""
    states = ((one, "" if one.state == "ready" else f" is {one.state}") for one in nodes)
    return ", ".join(f"{one.name}{' leads' if one.leader else ''}{state}" for one, state in states)


def _clock(difference: int) -> str:
    word = "ahead of" if difference > 0 else "behind"
    return f"{abs(difference)} s {word} this machine's" if difference else "as on this machine"


def _container(service: ServiceStatus, now: datetime) -> str:
    one = service.container
    parts = (
        one.name,
        one.state,
        one.exit_code is not None and f"exit {one.exit_code}",
        one.since and ago(one.since, now),
        one.health,
        one.restarts and f"{one.restarts} restarts",
        one.replicas and f"{one.replicas} run",
        one.nodes and f"on {', '.join(one.nodes)}",
    )
    return "not known" if one.state == "unknown" else " · ".join(str(part) for part in parts if part)


def _image(service: ServiceStatus, now: datetime) -> str:
    runs, tagged = service.container.image, service.image
    made = f", made {ago(tagged.created, now)}" if tagged.created else ""
    tag = tagged.reference.rpartition(":")[2]
    if runs in (None, tagged.id):
        return f"{short(tagged.id)} {tag}{made}" if tagged.id else f"{tag} is not on the host"
    return f"{short(runs or '')}; {tag} is " + (f"{short(tagged.id)}{made}" if tagged.id else "not on the host")


def _release(service: ServiceStatus) -> str:
    last = service.release
    if not last:
        return "none in the log"
    who = f" by {last.user}@{last.machine}" if last.user else ""
    other = "; not what runs" if service.container.image not in (None, last.image) else ""
    tag = short(last.tag) if re.match(DIGEST, last.tag) else last.tag
    return f"{at(last.time)}, {last.event} of {tag}{who}{other}"


def _registry(service: ServiceStatus) -> str:
    found = service.registry
    newer = f"newer in the registry: {short(found.digest or '')}"
    return {"newest": "newest", "newer": newer}.get(found.state, f"not known: {found.reason}")


def _migrations(host: HostStatus, service: ServiceStatus, now: datetime) -> str:
    pending, failed = service.pending, service.failed
    if service.migrator == "running":
        return f"running in {service.service}-migration"
    if pending.state == "clean":
        left = "; the container of an earlier migration is left" if service.migrator else ""
        return f"none pending{', as checked before' if pending.remembered else ''}{left}"
    if host.problem or service.problem:
        return "not known"
    last = f"; the last one failed {ago(failed.time, now)}" if failed else ""
    if pending.state == "pending":
        return f"{len(pending.migrations) or 'some'} pending{last}"
    return f"not known{last}: {(pending.reason or 'the check says nothing').splitlines()[-1]}"
