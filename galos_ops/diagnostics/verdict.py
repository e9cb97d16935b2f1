"""What is well and what is not in a status: lines for a person, and the error that a script sees as exit code."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from galos_ops.config.command_line import CommandLine
from galos_ops.diagnostics.status import ContainerStatus, HostStatus, Problem, ServiceStatus
from galos_ops.diagnostics.survey import Disk, Lock
from galos_ops.errors import GuardError, LockedError, NotReadyError, OpsError, VerifyError
from galos_ops.progress import DONE, FAILED, WARN, short

CLOCK_SECONDS = 60  # from here on a difference is worth a look; AWS refuses 300
LOOP_SECONDS = 60  # the longest that Docker waits before it restarts a container
LOW = 0.1  # of a disk free
DETAIL = 62  # characters of a line's detail, for a terminal of 80
SEVERITY = (GuardError, VerifyError, NotReadyError)


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
        first, *more = textwrap.wrap(self.detail, DETAIL) or [""]
        return [(FAILED if self.error else self.mark, self.name, first), *(("", "", rest) for rest in more)]


def of_host(seen: HostStatus) -> list[Line]:
    """The lines on the host itself."""
    words = ", ".join(filter(None, (seen.engine, seen.compose)))
    return [
        _problem("ready", seen.problem) or Line("engine", words),
        Line("lock", held(seen.lock), WARN) if seen.lock.held else Line("lock", "free"),
        *(Line("disk", room(disk), WARN if low(disk) else DONE) for disk in seen.disks),
        _helper(seen),
        Line("clock", _clock(seen.clock_difference), WARN if abs(seen.clock_difference) > CLOCK_SECONDS else DONE),
    ]


def of_service(typed: CommandLine, seen: HostStatus, service: ServiceStatus) -> list[Line]:
    """The lines on one service."""
    now = datetime.fromisoformat(seen.time)
    problem = _problem("compose", service.problem)
    lines = [make(typed, service, now) for make in (_container, _image, _release, _registry)]
    return [*([problem] if problem else []), *lines, _migrations(typed, seen, service)]


def verdict(typed: CommandLine, seen: HostStatus, lines: list[Line]) -> OpsError | None:
    """The error that the exit code comes from, None when all is well.

    8 when the host is not ready, 4 while another task is at work on what is not well, then 5, 7 and 8, the gravest.
    """
    errors = sorted((line.error for line in lines if line.error), key=lambda error: SEVERITY.index(type(error)))
    if not errors:
        return None
    if seen.problem:
        return NotReadyError(seen.problem.sentence, hint=seen.problem.next)
    if seen.lock.held:
        return LockedError(
            f"{typed.name}: {held(seen.lock)}; what is not well may be its work.",
            hint=f"when that is over: {typed.fab('status')}",
        )
    return errors[0]


def held(lock: Lock) -> str:
    """Who holds the host, as half a sentence."""
    if not lock.user:
        return "another galos-ops task holds the host"
    run = f", {lock.run}" if lock.run else ""
    return f"{lock.user} on {lock.machine} has held the host for {lock.task} since {lock.since}{run}"


def low(disk: Disk) -> bool:
    """Whether less than `LOW` of a disk is free, in bytes or inodes."""
    inodes = disk.free_inodes is not None and disk.free_inodes < LOW * (disk.inodes or 0)
    return inodes or disk.free_bytes < LOW * disk.size_bytes


def room(disk: Disk) -> str:
    """The free room of a disk, for a person."""
    inodes = f", {disk.free_inodes / disk.inodes:.0%} of the inodes" if disk.inodes and disk.free_inodes else ""
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


def _helper(seen: HostStatus) -> Line:
    if not seen.helper:
        return Line("helper", "missing; the task ecr.helper installs it", WARN)
    return Line("helper", seen.helper_error, WARN) if seen.helper_error else Line("helper", "there")


def _clock(difference: int) -> str:
    word = "ahead of" if difference > 0 else "behind"
    return f"{abs(difference)} s {word} this machine's" if difference else "as on this machine"


def _loops(one: ContainerStatus, now: datetime) -> bool:
    """Whether it restarts again and again, even where it happens to run at the moment."""
    young = one.since is not None and (now - datetime.fromisoformat(one.since)).total_seconds() < LOOP_SECONDS
    return one.state == "restarting" or (one.state == "running" and bool(one.restarts) and young)


BAD: tuple[tuple[Callable[[ContainerStatus, datetime], bool], str, str], ...] = (
    (lambda one, _: one.state == "none", "it has no container", "{fab:deploy}"),
    (_loops, "its container restarts again and again", "{fab:logs}"),
    (lambda one, _: one.state != "running", "its container does not run", "{fab:up}"),
    (lambda one, _: one.health == "unhealthy", "its health check says unhealthy", "{fab:logs}"),
    (lambda one, _: one.health == "starting", "its health check has not passed yet", "{fab:logs}"),
)


def _container(typed: CommandLine, service: ServiceStatus, now: datetime) -> Line:
    one = service.container
    if one.state == "unknown":
        return Line("container", "not known", WARN)
    parts = (
        one.name,
        one.state,
        one.exit_code is not None and f"exit {one.exit_code}",
        one.since and ago(one.since, now),
        one.health,
        one.restarts and f"{one.restarts} restarts",
    )
    detail = " · ".join(str(part) for part in parts if part)
    for bad, sentence, cure in BAD:
        if bad(one, now):
            error = VerifyError(f"{typed.name}: {service.service}: {sentence}.", hint=typed.fill(cure))
            return Line("container", detail, error=error)
    return Line("container", detail, WARN if one.restarts else DONE)


def _image(typed: CommandLine, service: ServiceStatus, now: datetime) -> Line:
    runs, tagged = service.container.image, service.image
    made = f", made {ago(tagged.created, now)}" if tagged.created else ""
    tag = tagged.reference.rpartition(":")[2]
    if runs in (None, tagged.id):
        known = f"{short(tagged.id)} {tag}{made}" if tagged.id else f"{tag} is not on the host"
        return Line("image", known, DONE if tagged.id else WARN)
    detail = f"{short(runs or '')}; {tag} is " + (f"{short(tagged.id)}{made}" if tagged.id else "not on the host")
    if service.release and service.release.image == runs:
        return Line("image", detail, WARN)
    label = f"{typed.name}: {service.service}"
    error = VerifyError(
        f"{label}: {short(runs or '')} runs, which is neither what {tag} means nor the last release.",
        hint=typed.fab("deploy"),
    )
    return Line("image", detail, error=error)


def _release(_typed: CommandLine, service: ServiceStatus, _now: datetime) -> Line:
    last = service.release
    if not last:
        return Line("release", "none in the log", WARN)
    who = f" by {last.user}@{last.machine}" if last.user else ""
    other = service.container.image not in (None, last.image)
    detail = f"{at(last.time)}, {last.event} of {last.tag}{who}"
    return Line("release", f"{detail}; not what runs" if other else detail, WARN if other else DONE)


def _registry(typed: CommandLine, service: ServiceStatus, _now: datetime) -> Line:
    there = service.registry
    if there.state == "newest":
        return Line("registry", "newest")
    if there.state == "newer":
        return Line("registry", f"newer in the registry: {short(there.digest or '')}", WARN)
    error = NotReadyError(
        f"{typed.name}: {service.service}: cannot tell what the registry has: {there.reason}",
        hint=typed.fab("ecr.check"),
    )
    return Line("registry", f"not known: {there.reason}", error=error)


def _migrations(typed: CommandLine, seen: HostStatus, service: ServiceStatus) -> Line:
    label, pending = f"{typed.name}: {service.service}", service.pending
    if service.migrator == "running":
        error = GuardError(
            f"{label}: a migration runs now.", hint=typed.ssh(f"docker logs -f {service.service}-migration")
        )
        return Line("migrations", f"running in {service.service}-migration", error=error)
    if pending.state == "clean":
        left = "; the container of an earlier migration is left" if service.migrator else ""
        detail = "none pending" + (", as checked before" if pending.remembered else "")
        return Line("migrations", f"{detail}{left}", WARN if left else DONE)
    if seen.problem or service.problem:
        return Line("migrations", "not known", WARN)
    if pending.state == "pending":
        count = len(pending.migrations) or "some"
        error = GuardError(
            f"{label}: {count} migration{'s' * (count != 1)} pending in the image that up would start.",
            evidence="\n".join(pending.migrations),
            hint=typed.fab("deploy"),
        )
        return Line("migrations", f"{count} pending", error=error)
    error = GuardError(
        f"{label}: cannot tell whether migrations are pending.",
        evidence=pending.reason or "",
        hint=f"correct what it says, then: {typed.fab('pending')}",
    )
    last = (pending.reason or "the check says nothing").splitlines()[-1]
    return Line("migrations", f"not known: {last}", error=error)
