"""Conditions of the project: its directory, its compose file, its database, the log of its releases."""

from __future__ import annotations

import re
from functools import partial

from galos_ops.diagnostics.condition import Condition, Subject, step, those, unless, warning
from galos_ops.engines import dependencies
from galos_ops.host import release_log as releases
from galos_ops.redaction import unquoted

DATABASE = re.compile(
    r"refused|failed to lookup|could not translate|name or service not known|no such host|unknown host|timed? ?out|"
    r"unreachable|no route|could not connect|can't connect|connection reset|"
    r"authentication failed|access denied for user|no pg_hba|database .* does not exist|unknown database|"
    r"too many connections|too many clients|starting up|shutting down",
    re.IGNORECASE,
)


def malformed(subject: Subject) -> str | None:
    """The first line that docker-compose says, without what it quotes: that may be a value."""
    if subject.snapshot.config:
        return None
    said = unquoted(subject.snapshot.config_error.value)
    return f"docker-compose says: {next((line for line in said.splitlines() if line.strip()), '').strip()}"


def absent(subject: Subject) -> str | None:
    """The service, or the one whose image migrates it."""
    carrier = subject.settings.services[subject.service].migration.service
    missing = [name for name in dict.fromkeys((subject.service, carrier)) if name not in subject.snapshot.rows()]
    return f"{subject.snapshot.compose_file} has no service {', '.join(missing)}" if missing else None


def other_image(subject: Subject) -> str | None:
    started = subject.snapshot.services()[subject.service]
    return None if started == subject.image else f"it starts {started or 'no image'}, not {subject.image}"


def running_once(subject: Subject) -> list[str]:
    return dependencies.running_once(subject.settings, subject.snapshot, subject.service)


def hooks(subject: Subject) -> list[str]:
    return dependencies.hooks(subject.settings, subject.snapshot, subject.service)


def _line(subject: Subject, database: bool) -> str | None:
    """The line of an unknown answer about the database, or the last line of one that is about something else."""
    answer = subject.answer
    if answer is None or answer.state != "unknown":
        return None
    lines = [line.strip() for line in answer.evidence.splitlines() if line.strip()]
    about = [line for line in lines if DATABASE.search(line)]
    if bool(about) != database:
        return None
    return next(iter(about or lines[-1:]), "the check said nothing")


def cut_lines(subject: Subject) -> str | None:
    count = releases.parse(subject.text(subject.log)).unreadable
    return f"{count} line{'s' * (count != 1)} cannot be read" if count else None


RUNS_TOO = {"amd64": ("386",), "arm64": ("arm",)}
"""What a machine runs besides its own."""


def other_architecture(subject: Subject) -> str | None:
    host, image = subject.snapshot.architecture, subject.snapshot.built.get(subject.image)
    fits = not host or image in (None, host, *RUNS_TOO.get(host, ()))
    return None if fits else f"the image is for {image}, the host is {host}"


in_directory = partial(Condition, after=("directory-missing",))
of_service = partial(Condition, each=True)

CONDITIONS = (
    step(
        "service-listed",
        unless(lambda it: it.service in it.snapshot.rows(), "the compose file does not have the service"),
        "compose-file-malformed",
    ),
    step("check-asked", lambda it: it.not_asked or None, "migration-over", "lock-free", "service-listed"),
    step(
        "log-opened",
        those(lambda it: {it.log} & it.snapshot.unreadable.keys(), "{} cannot be read"),
        "directory-missing",
    ),
    Condition(
        "directory-missing",
        "There is nothing to deploy into.",
        "correct galos.directory, or: {fab:setup}",
        unless(lambda it: it.snapshot.directories, "the directory {directory} is not there"),
    ),
    in_directory(
        "directory-read-only",
        "The lock and the release log are kept there, so nothing can be deployed.",
        "give the directory to the user who deploys, and look for a read-only file system: {ssh:mount}",
        unless(lambda it: it.snapshot.writable, "{directory} cannot be written to"),
    ),
    in_directory(
        "compose-file-missing",
        "docker-compose has nothing to start.",
        "{fab:setup}",
        unless(lambda it: it.snapshot.compose_file, "there is no compose file in {directory}"),
        repair="compose file",
    ),
    Condition(
        "compose-file-malformed",
        "Every docker-compose command in the directory fails.",
        "correct it on {host} until docker-compose config -q says nothing",
        malformed,
        sentence="docker-compose cannot read its files in {directory}",
        evidence=lambda it: it.snapshot.config_error.value,
        after=("compose-missing", "compose-file-missing"),
    ),
    of_service(
        "service-missing",
        "Nothing of that name can be pulled or started.",
        "make the compose file on {host} and galos.services agree",
        absent,
        after=("compose-file-malformed",),
    ),
    of_service(
        "image-not-configured",
        "What is checked and pulled would not be what starts; deploy refuses.",
        "make the compose file on {host} and galos.services agree",
        other_image,
        after=("service-listed",),
    ),
    of_service(
        "dependency-runs-once",
        "It would work on the database each time the service starts, outside of the guard; deploy refuses.",
        "take it out of depends_on; a migration belongs into galos.services.NAME.migration",
        those(running_once, f"it depends on {{}}, which {dependencies.UNCHECKED}"),
        after=("service-listed",),
    ),
    of_service(
        "lifecycle-hook",
        "What it runs may work on the database, and nobody would have checked it; deploy refuses.",
        "take it out of the compose file; a migration belongs into galos.services.NAME.migration",
        those(hooks, f"the lifecycle hook {{}} {dependencies.UNGUARDED}"),
        after=("service-listed",),
    ),
    of_service(
        "architecture-differs",
        "It ends at once with exec format error, or runs slowly where the host emulates the other machine.",
        "publish an image that is built for this machine (docker build --platform)",
        other_architecture,
        severity="warning",
        after=("daemon-down",),
    ),
    of_service(
        "database-unreachable",
        "The service dies or waits, and no deploy can tell whether migrations are pending.",
        "check DATABASE_URL and the network, then: {fab:pending}",
        lambda it: _line(it, database=True),
        after=("check-asked",),
    ),
    of_service(
        "check-broken",
        "Nothing is deployed while that is unknown.",
        "correct galos.services.*.migration, and see all that the check says: {fab:pending}",
        lambda it: _line(it, database=False),
        after=("check-asked",),
    ),
    warning(
        "releases-log-malformed",
        "history and rollback pass them over; a full disk cuts lines short.",
        "delete these lines on {host}",
        cut_lines,
        after=("log-opened",),
    ),
)
