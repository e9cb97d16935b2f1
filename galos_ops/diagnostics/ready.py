"""What must hold before an engine can do its work on a host: rows of the table of conditions."""

from __future__ import annotations

from typing import cast

from galos_ops.config.command_line import CommandLine
from galos_ops.config.settings import Settings
from galos_ops.diagnostics.condition import Subject, Table
from galos_ops.diagnostics.conditions import machine, project, swarm
from galos_ops.engines import choosing
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.engine import Engine
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.errors import NotReadyError

HOME = ("swarm-not-manager", "swarm-silent", "swarm-home-elsewhere")
ENGINE = (
    "directory-missing",
    "docker-missing",
    "user-not-in-docker-group",
    "daemon-down",
    "compose-missing",
    *HOME,
)
PROJECT = (*ENGINE, "compose-file-missing", "compose-file-malformed")
ROWS = Table(*machine.CONDITIONS, *project.CONDITIONS, *swarm.CONDITIONS)


def require_ready(typed: CommandLine, settings: Settings, snapshot: Snapshot, ids: tuple[str, ...] = PROJECT) -> Engine:
    """Return the engine of a host that is ready; raises as `require` does."""
    require(typed, settings, snapshot, ids)
    flavour = cast("DockerCompose", snapshot.flavour)  # compose-missing is among all `ids`
    return choosing.chosen(settings.engine, flavour, snapshot)


def require(typed: CommandLine, settings: Settings, snapshot: Snapshot, ids: tuple[str, ...]) -> None:
    """Raise `NotReadyError` for the first condition that does not hold."""
    subject = Subject(settings, next(iter(settings.services)), snapshot, typed)
    for row in map(ROWS.__getitem__, ids):
        if sentence := row.said(subject):
            raise NotReadyError(f"{typed.name}: {sentence}.", evidence=row.evidence(subject), hint=row.next(subject))
