"""A host at one moment, as plain data; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from galos_ops.config import yaml_text
from galos_ops.engines.cluster_notes import CLAIM
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.snapshot.cluster import Cluster
from galos_ops.engines.snapshot.registry import Registry
from galos_ops.host.hold import Hold
from galos_ops.host.holder import LockState
from galos_ops.redaction import Secret

NOTHING, FREE = Secret(), LockState(False)
STOPPING = "stopping"  # the state of what a cluster is to end, which is not Docker's word
LOSSLESS = "surrogateescape"  # how .env is text, whatever its bytes


@dataclass(frozen=True)
class Container:
    """A container that compose made, of a project in `directory`.

    `state` is Docker's word: running, exited, ...; `health` is None without a health check; `started` and `finished`
    are UTC in ISO 8601, None where it never did; `role` is what one of ours is for, as its label says; `log_size`
    is the logging option max-size. What Swarm runs for a service of a `stack` is one, too, with the ID and the state of
    its task, the `node` that it is on, and the `sum` of the file that it was made from.
    """

    id: str
    image: str
    state: str
    restarts: int
    name: str
    service: str
    oneoff: bool
    project: str
    directory: str
    health: str | None = None
    started: str | None = None
    finished: str | None = None
    exit_code: int = 0
    role: str = ""
    log_driver: str = ""
    log_size: str = ""
    stack: str = ""
    node: str = ""
    sum: str = ""

    @property
    def alive(self) -> bool:
        return self.state not in ("created", "exited", "dead", "removing")

    @property
    def stopping(self) -> bool:
        """Whether it is to end, and may run until then: on a node of a cluster that is lost, for as long as that is."""
        return self.state == STOPPING


def names(containers: Iterable[Container]) -> str:
    """The names of containers, as a person reads them."""
    return ", ".join(one.name for one in containers)


@dataclass(frozen=True)
class FreeSpace:
    """What is free in a directory's file system; inodes are None where the file system does not count them."""

    path: str
    size_bytes: int
    free_bytes: int
    inodes: int | None
    free_inodes: int | None


@dataclass(frozen=True)
class Snapshot:
    """Read-only state of a host at one moment; a part that was not asked for has its default.

    `directories` are the names of the project's directory, then of the one that docker-compose goes by where its first
    file is elsewhere, `environment` is its .env; `architecture` is the engine's,
    `built` that of the image which a reference means; `images` maps references to image IDs, `created` these to times
    in ISO 8601, `digests` to those that registries know them by, `passed` services to guard keys, `stopped` services
    that a run stopped for a migration and did not start again to the images that they ran, `stopped_at` these to when
    that was, `started` services to what the last `up` made their containers of, and the IDs of these, `migrating` the
    hosts, as -H has them, of a task for a fleet whose migration is not over, None without one; `recorded` services to
    the image that the release log has last, `logged` to the event that it has last of an image of theirs; `hold` is
    None where nobody holds deploys back; `private` are the texts of .env and its like. `time` is the host's in seconds,
    `clock_difference` how far it is ahead of ours. `registry` is by reference, `helper_error` what the credential
    helper wrote into its log meanwhile; `stores` are the credential helpers on the PATH, `exported` the names of the
    variables that the login shell sets. `texts` are files by path, absent ones left out, `unreadable` why the others
    could not be read, `modes` their permissions. `cluster` is None where the engine is no Swarm.
    """

    directories: tuple[str, ...] = ()
    engine: str = ""
    engine_error: str = ""
    architecture: str = ""
    built: Mapping[str, str] = field(default_factory=dict)
    flavour: DockerCompose | None = None
    compose_file: str = ""
    environment: Secret | None = None
    config: Secret = NOTHING
    config_error: Secret = NOTHING
    containers: tuple[Container, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    created: Mapping[str, str | None] = field(default_factory=dict)
    digests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    passed: Mapping[str, str] = field(default_factory=dict)
    stopped: Mapping[str, str] = field(default_factory=dict)
    stopped_at: Mapping[str, str] = field(default_factory=dict)
    started: Mapping[str, str] = field(default_factory=dict)
    migrating: str | None = None
    recorded: Mapping[str, str] = field(default_factory=dict)
    logged: Mapping[str, str] = field(default_factory=dict)
    private: tuple[Secret, ...] = ()
    time: int = 0
    clock_difference: int = 0
    lock: LockState = FREE
    hold: Hold | None = None
    disks: tuple[FreeSpace, ...] = ()
    registry: Mapping[str, Registry] = field(default_factory=dict)
    helper_error: str = ""
    stores: frozenset[str] = frozenset()
    user: str = ""
    groups: tuple[str, ...] = ()
    exported: frozenset[str] = frozenset()
    writable: bool = True
    texts: Mapping[str, Secret] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    cluster: Cluster | None = None

    @property
    def under_migration(self) -> bool:
        """Whether a migration of a fleet or a cluster began, wherever it runs, and is not known to be over."""
        claimed = self.cluster and self.cluster.note(CLAIM, self.project_name)
        return self.migrating is not None or bool(claimed)

    def services(self) -> dict[str, str]:
        """The services of the compose file and the image reference each one starts."""
        return {name: tagged(str(row.get("image") or "")) for name, row in self.rows().items()}

    def tree(self) -> dict[str, Any]:
        """The compose file as docker-compose resolves it; it holds secrets."""
        return self._tree

    @cached_property
    def _tree(self) -> dict[str, Any]:
        return yaml_text.load_resolved(self.config.value) or {}

    def rows(self) -> dict[str, Any]:
        """The services of that file."""
        rows: dict[str, Any] = self.tree().get("services") or {}
        return rows

    def given(self, service: str) -> dict[str, str]:
        """The variables that docker-compose gives a service."""
        found: Any = self.rows().get(service, {}).get("environment") or {}
        pairs = found.items() if isinstance(found, dict) else (str(one).partition("=")[::2] for one in found)
        return {str(name): "" if value is None else str(value) for name, value in pairs}

    @property
    def project(self) -> str:
        """The project's name as compose resolves it; empty with compose v1, which does not tell."""
        named = re.search(r'^name: "?([^"\s]+)"?$', self.config.value, re.MULTILINE)
        return named[1] if named else ""

    @property
    def project_name(self) -> str:
        """The same; where it is not told, as .env names it, or what compose makes of the directory's name.

        Nothing without a directory.
        """
        *_, directory = ("", *self.directories)
        text = self.environment.value if self.environment else ""
        named = re.search(r"^COMPOSE_PROJECT_NAME=[\"']?([^\"'\s]+)", text, re.MULTILINE)
        written = named[1] if named else directory.rpartition("/")[2]
        return self.project or re.sub(r"[^-_a-z0-9]", "", written.lower())

    def ours(self, one: Container) -> bool:
        """Whether a container is of this project: made in its directory and, where that is known, under its name.

        In a cluster it is of the stack with the project's name.
        """
        if self.cluster:
            return one.stack != "" and one.stack == self.project_name
        return one.directory in self.directories and self.project in ("", one.project)

    def of(self, service: str) -> list[Container]:
        """The containers of a service of this project, one-off ones left out."""
        return [one for one in self._all(service) if self.ours(one)]

    def current(self, service: str) -> list[Container]:
        """The same without those that are to end, first the one that shows what the service runs."""
        return [one for one in self.of(service) if not one.stopping]

    def foreign(self, service: str) -> list[Container]:
        """The containers that other compose projects on the host made of a service of the same name."""
        return [one for one in self._all(service) if not self.ours(one)]

    def _all(self, service: str) -> list[Container]:
        return [one for one in self.containers if one.service == service and not one.oneoff]

    def container(self, service: str) -> Container | None:
        """The container of a service that is worst off; one that does not run only where fewer run than should."""
        found = self.current(service)
        alive = [one for one in found if one.alive]
        enough = self.cluster or len(alive) >= replicas(self.rows().get(service, {}))
        return max((alive if enough else None) or found, key=_trouble, default=None)

    def named(self, name: str) -> Container | None:
        """The one-off container with a fixed name, such as the one that migrates; no other kind of that name."""
        return next((one for one in self.containers if one.oneoff and one.name == name), None)

    def age(self, moment: str) -> float:
        """The seconds since a moment, as the host counts them."""
        return self.time - datetime.fromisoformat(moment).timestamp()


def replicas(row: Mapping[str, Any]) -> int:
    """How many containers docker-compose makes of a service of the compose file, as v2 reads it."""
    return int(row.get("scale") or (row.get("deploy") or {}).get("replicas") or 1)


def _trouble(one: Container) -> tuple[bool, bool, bool, int, bool]:
    return not one.alive, one.state != "running", one.health == "unhealthy", one.restarts, one.health == "starting"


def tagged(reference: str) -> str:
    """An image reference with the tag that Docker means where it has none."""
    bare = reference and not set(reference.rpartition("/")[2]) & {":", "@"}
    return f"{reference}:latest" if bare else reference
