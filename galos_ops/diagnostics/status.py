"""What a host and its services look like now: the description of `status --json`, and how it is put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from galos_ops.config.settings import Settings
from galos_ops.diagnostics.condition import Subject
from galos_ops.diagnostics.questions import ask
from galos_ops.diagnostics.ready import require_ready
from galos_ops.engines.engine import Target
from galos_ops.engines.snapshot.cluster import Node
from galos_ops.engines.snapshot.probe import STATUS, Scope, gather
from galos_ops.engines.snapshot.registry import Registry
from galos_ops.engines.snapshot.snapshot import FreeSpace, Snapshot
from galos_ops.errors import NotReadyError
from galos_ops.host.hold import Hold
from galos_ops.host.holder import LockState
from galos_ops.host.host import Host
from galos_ops.host.release_log import LOG, STARTS, Release, joined, parse, started
from galos_ops.migrations import guard
from galos_ops.migrations.tools import Answer

RELEASES_OF_LOG = "grep -a sha256:"
"""The command that leaves the lines out which start no image."""


@dataclass(frozen=True)
class Problem:
    """Why something cannot be told or done, and the next command to type."""

    sentence: str
    next: str


@dataclass(frozen=True)
class ContainerStatus:
    """`state` is Docker's word, `none` without a container, `unknown` where the engine does not tell.

    `since` is when it started, or ended; `health` is healthy, unhealthy, starting, or None without a health check.
    In a cluster `replicas` is how many run of how many, and `nodes` are where they do.
    """

    state: str
    name: str | None = None
    id: str | None = None
    image: str | None = None
    since: str | None = None
    health: str | None = None
    restarts: int | None = None
    exit_code: int | None = None
    replicas: str | None = None
    nodes: tuple[str, ...] = ()


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
    """One service; `failed` is its last migration where that failed and nothing started since.

    `migrator` is the state of a container that migrates, None where there is none.
    """

    service: str
    problem: Problem | None
    container: ContainerStatus
    image: ImageStatus
    release: Release | None
    registry: Registry
    pending: PendingStatus
    failed: Release | None
    migrator: str | None


@dataclass(frozen=True)
class HostStatus:
    """The host; `clock_difference` is how many seconds its clock is ahead of ours, `nodes` are those of its cluster."""

    problem: Problem | None
    time: str
    clock_difference: int
    engine: str | None
    compose: str | None
    compose_file: str | None
    lock: LockState
    hold: Hold | None
    disks: tuple[FreeSpace, ...]
    helper: bool
    helper_error: str | None
    nodes: tuple[Node, ...]
    services: tuple[ServiceStatus, ...]


def status(host: Host, settings: Settings, services: Iterable[str]) -> tuple[HostStatus, dict[str, Subject]]:
    """Look at a host and change nothing there; a one-off container asks for migrations where no answer is known.

    Returns what is told, and what the table of conditions is judged of. Raises `ConnectError`, and `NotReadyError` for
    a host whose shell breaks scripts.
    """
    log = f"{settings.directory.rstrip('/')}/{LOG}"
    images = tuple(map(settings.image, settings.services.values()))
    snapshot = gather(host, STATUS, Scope(images, settings.directory, {log: RELEASES_OF_LOG}, settings.engine))
    subjects = {name: with_release(Subject(settings, name, snapshot, host.typed)) for name in services}
    try:
        compose = require_ready(host.typed, settings, snapshot)
    except NotReadyError as error:
        return described(subjects, Problem(error.sentence, error.hint), {}), subjects
    problems = {}
    for name, one in subjects.items():
        target = Target(host, settings, name, settings.services[name], snapshot, compose)
        try:
            guard.require_no_foreign_containers(target)
            subjects[name] = ask(target, one, remembered=True)
        except NotReadyError as error:
            problems[name] = Problem(error.sentence, error.hint)
            subjects[name] = replace(one, not_asked=error.sentence)
    return described(subjects, None, problems), subjects


def with_release(subject: Subject) -> Subject:
    """The same with what the log has last of the service: a started image, a migration that failed; no answer yet."""
    mine = [one for one in joined(parse(subject.text(subject.log)).releases) if one.service == subject.service]
    release = next(reversed(started(mine)), None)
    last = next((one for one in reversed(mine) if one.event in STARTS or one.migrates), None)
    failed = last if last and last.outcome == "failed" else None
    return replace(subject, not_asked="not asked", release=release, failed=failed)


def described(subjects: Mapping[str, Subject], problem: Problem | None, problems: Mapping[str, Problem]) -> HostStatus:
    """What is told of a host, and of each service on it."""
    snapshot = next(iter(subjects.values())).snapshot
    return HostStatus(
        problem=problem,
        time=datetime.fromtimestamp(snapshot.time, timezone.utc).isoformat(),
        clock_difference=snapshot.clock_difference,
        engine=snapshot.engine or None,
        compose=str(snapshot.flavour) if snapshot.flavour else None,
        compose_file=snapshot.compose_file or None,
        lock=snapshot.lock,
        hold=snapshot.hold,
        disks=snapshot.disks,
        helper="ecr-login" in snapshot.stores,
        helper_error=snapshot.helper_error or None,
        nodes=snapshot.cluster.nodes if snapshot.cluster else (),
        services=tuple(_service(one, problems.get(name)) for name, one in subjects.items()),
    )


def _service(about: Subject, problem: Problem | None) -> ServiceStatus:
    snapshot, image = about.snapshot, about.snapshot.images.get(about.image)
    answer, migrator = about.answer or Answer("unknown"), snapshot.named(f"{about.service}-migration")
    return ServiceStatus(
        service=about.service,
        problem=problem,
        container=container(snapshot, about.service),
        image=ImageStatus(about.image, image, snapshot.created.get(image or "")),
        release=about.release,
        registry=snapshot.registry.get(about.image, Registry("unknown", reason="not asked")),
        pending=PendingStatus(answer.state, answer.names, answer.remembered, about.unknown),
        failed=about.failed,
        migrator=migrator.state if migrator else None,
    )


def replicas(snapshot: Snapshot, service: str) -> str | None:
    """How many containers of a service run in a cluster, of how many; None where it is in none."""
    one = snapshot.cluster and snapshot.cluster.service(snapshot.project_name, service)
    return f"{sum(each.state == 'running' for each in snapshot.of(service))}/{one.replicas}" if one else None


def container(snapshot: Snapshot, service: str) -> ContainerStatus:
    """The service's container, of several the one that is worst off."""
    if not (snapshot.engine and snapshot.flavour) or (snapshot.cluster and not snapshot.cluster.tells):
        return ContainerStatus("unknown")
    one = snapshot.container(service)
    if one is None:
        return ContainerStatus("none")
    return ContainerStatus(
        state=one.state,
        name=one.name,
        id=one.id,
        image=one.image,
        since=one.started if one.state == "running" else one.finished,
        health=one.health,
        restarts=one.restarts,
        exit_code=None if one.state == "running" or snapshot.cluster else one.exit_code,
        replicas=replicas(snapshot, service),
        nodes=tuple(dict.fromkeys(each.node for each in snapshot.current(service) if each.node)),
    )
