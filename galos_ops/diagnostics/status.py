"""What a host and its services look like now: the description of `status --json`, and how it is put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

from galos_ops.config.settings import Settings
from galos_ops.diagnostics.survey import Disk, Lock, Registry, Survey, look, moment
from galos_ops.engines.compose import Compose
from galos_ops.engines.facts import Container, Facts, require
from galos_ops.engines.target import Target
from galos_ops.errors import NotReadyError
from galos_ops.host.host import Host
from galos_ops.host.release_log import Release, started
from galos_ops.migrations import guard
from galos_ops.migrations.tools import Answer


@dataclass(frozen=True)
class Problem:
    """Why something cannot be told or done, and the next command to type."""

    sentence: str
    next: str


@dataclass(frozen=True)
class ContainerStatus:
    """`state` is Docker's word, `none` without a container, `unknown` where the engine does not tell.

    `since` is when it started, or ended; `health` is healthy, unhealthy, starting, or None without a health check.
    """

    state: str
    name: str | None = None
    id: str | None = None
    image: str | None = None
    since: str | None = None
    health: str | None = None
    restarts: int | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class ImageStatus:
    """The image that the configured tag means on the host, which is what `up` would start; None where it has none."""

    reference: str
    id: str | None
    created: str | None


@dataclass(frozen=True)
class PendingStatus:
    """The answer of that image: clean, pending or unknown with the reason; `remembered` where it was asked before."""

    state: str
    migrations: tuple[str, ...] = ()
    remembered: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class ServiceStatus:
    """One service; `migrator` is the state of a container that migrates, None where there is none."""

    service: str
    problem: Problem | None
    container: ContainerStatus
    image: ImageStatus
    release: Release | None
    registry: Registry
    pending: PendingStatus
    migrator: str | None


@dataclass(frozen=True)
class HostStatus:
    """The host; `clock_difference` is how many seconds its clock is ahead of ours."""

    problem: Problem | None
    time: str
    clock_difference: int
    engine: str | None
    compose: str | None
    compose_file: str | None
    lock: Lock
    disks: tuple[Disk, ...]
    helper: bool
    helper_error: str | None
    services: tuple[ServiceStatus, ...]


def status(host: Host, settings: Settings, services: Iterable[str]) -> HostStatus:
    """Look at a host and change nothing there; a one-off container asks for migrations where no answer is known.

    Raises `ConnectError`, and `NotReadyError` for a host whose shell breaks scripts.
    """
    images = [settings.image(service) for service in settings.services.values()]
    facts, survey = look(host, images, settings.directory)
    line, problem = _ready(host, settings, facts)
    return HostStatus(
        problem=problem,
        time=datetime.fromtimestamp(survey.time, timezone.utc).isoformat(),
        clock_difference=survey.difference,
        engine=facts.engine or None,
        compose=str(facts.flavour) if facts.flavour else None,
        compose_file=facts.compose_file or None,
        lock=survey.lock,
        disks=survey.disks,
        helper=survey.helper,
        helper_error=survey.helper_error or None,
        services=tuple(_service(host, settings, name, facts, survey, line) for name in services),
    )


def _ready(host: Host, settings: Settings, facts: Facts) -> tuple[Compose | None, Problem | None]:
    try:
        return require(host.typed, settings.directory, facts), None
    except NotReadyError as error:
        return None, _problem(error)


def _problem(error: NotReadyError) -> Problem:
    return Problem(error.sentence, error.hint)


def _service(
    host: Host, settings: Settings, name: str, facts: Facts, survey: Survey, line: Compose | None
) -> ServiceStatus:
    service = settings.services[name]
    target = Target(host, settings, name, service, facts, line) if line else None
    pending, problem = _pending(target, survey.lock) if target else (PendingStatus("unknown", reason="not asked"), None)
    migrator = facts.named(f"{name}-migration")
    return ServiceStatus(
        service=name,
        problem=problem,
        container=container(facts, survey, name),
        image=image(facts, survey, settings.image(service)),
        release=release(survey.releases, name),
        registry=survey.registry.get(settings.image(service), Registry("unknown", reason="not asked")),
        pending=pending,
        migrator=migrator.state if migrator else None,
    )


def container(facts: Facts, survey: Survey, service: str) -> ContainerStatus:
    """The service's container, the one that runs where there are several."""
    if not (facts.engine and facts.flavour):
        return ContainerStatus("unknown")
    found: list[Container] = sorted(facts.of(service), key=lambda one: not one.alive)
    if not found:
        return ContainerStatus("none")
    one, more = found[0], survey.containers.get(found[0].id, {})
    return ContainerStatus(
        state=one.state,
        name=one.name,
        id=one.id,
        image=one.image,
        since=moment(more.get("started" if one.state == "running" else "finished")),
        health=more.get("health"),
        restarts=one.restarts,
        exit_code=None if one.state == "running" else more.get("exit"),
    )


def image(facts: Facts, survey: Survey, reference: str) -> ImageStatus:
    """What a tag means on the host."""
    known = facts.images.get(reference)
    return ImageStatus(reference, known, moment(survey.images.get(known or "", {}).get("created")))


def release(log: Iterable[Release], service: str) -> Release | None:
    """The newest line of the log that tells of a started image of the service."""
    mine = [one for one in started(log) if one.service == service]
    return mine[-1] if mine else None


def _pending(target: Target, lock: Lock) -> tuple[PendingStatus, Problem | None]:
    """Ask as `pending` does, where asking is in nobody's way; a problem is why `up` would not get as far as to ask."""
    try:
        images = target.local_images()
        guard.require_no_foreign_containers(target)
        if images is None:
            return PendingStatus("unknown", reason="the image is not on the host"), None
        if guard.passed(target, images):
            return PendingStatus("clean", remembered=True), None
        migrator = target.facts.named(target.migrator)
        if migrator and migrator.alive:
            return PendingStatus("unknown", reason="a migration runs now"), None
        if lock.held:
            return PendingStatus("unknown", reason="not asked while another task holds the host"), None
        policy = target.facts.pulls(target.service.migration.service)
        if policy and target.service.migration.where == "service":
            return PendingStatus("unknown", reason=f"not asked: pull_policy: {policy} would fetch an image"), None
        return told(guard.check(target, images)), None
    except NotReadyError as error:
        return PendingStatus("unknown", reason=error.sentence), _problem(error)


def told(answer: Answer) -> PendingStatus:
    """An answer of the guard as it is shown."""
    reason = None if answer.state in ("clean", "pending") else answer.evidence.strip() or "in silence"
    return PendingStatus(answer.state, answer.names, reason=reason)
