"""Which engine a configuration names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from galos_ops.config import settings
from galos_ops.engines.compose import Compose
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.engine import Engine
from galos_ops.engines.snapshot.snapshot import Snapshot


def compose(docker_compose: DockerCompose, _snapshot: Snapshot) -> Engine:
    return Compose(docker_compose)


def swarm(docker_compose: DockerCompose, snapshot: Snapshot) -> Engine:
    from galos_ops.engines.swarm.swarm import Swarm

    return Swarm.of(docker_compose, snapshot)


ENGINES: Mapping[settings.Engine, Callable[[DockerCompose, Snapshot], Engine]] = {"compose": compose, "swarm": swarm}


def chosen(name: settings.Engine, docker_compose: DockerCompose, snapshot: Snapshot) -> Engine:
    """Return the engine of a host that a snapshot is of."""
    elsewhere = "/" in snapshot.compose_file.partition(":")[0]
    project = snapshot.project_name if elsewhere and docker_compose.version < (2,) else ""
    return ENGINES[name](docker_compose.reading(snapshot.tree(), project), snapshot)
