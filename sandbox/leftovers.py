"""What a run that was killed left on the engine, found by label and removed by the next one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox import owned
from sandbox.docker import Docker
from sandbox.owned import Owner

LABEL = "galos-sandbox"
GENERATED = ("ssh_config", "known_hosts", "env", ".env", ".state")
KINDS = {"container": ("ps", "--all"), "network": ("network", "ls"), "volume": ("volume", "ls")}
REMOVALS = {
    "container": ("rm", "--force", "--volumes"),
    "network": ("network", "rm"),
    "volume": ("volume", "rm", "--force"),
}


@dataclass(frozen=True)
class Thing:
    """A container, a network or a volume of a sandbox, by its ID or name."""

    kind: str
    id: str
    labels: Mapping[str, str]

    @property
    def abandoned(self) -> bool:
        """Tell whether its owner is dead, or the directory of its sandbox is gone."""
        owner = Owner.parse(self.labels.get(f"{LABEL}.owner", ""))
        if owner:
            return owner.dead
        return owned.gone(self.labels.get(f"{LABEL}.directory", ""), self.labels.get(f"{LABEL}.place", ""))


def labels(sandbox: str, directory: Path, *, temporary: bool) -> dict[str, str]:
    """The labels of what belongs to a sandbox; one that is temporary lives no longer than this process."""
    owner = Owner.this() if temporary else None
    known = {LABEL: sandbox, f"{LABEL}.directory": str(directory), f"{LABEL}.place": owned.namespace()}
    return {**known, f"{LABEL}.owner": str(owner)} if owner else known


def flags(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Labels as options of docker's commands."""
    return tuple(part for name, value in labels.items() for part in ("--label", f"{name}={value}"))


def things(docker: Docker, label: str = LABEL) -> Iterator[Thing]:
    """Every container, network and volume that carries a label, containers first."""
    for kind, command in KINDS.items():
        ids = docker.run(*command, "--quiet", "--filter", f"label={label}").split()
        if ids:
            inspected = docker.attempt(kind, "inspect", *ids).stdout
            for each in json.loads(inspected or "[]"):
                described = each["Config"] if kind == "container" else each
                yield Thing(kind, each["Id"] if kind != "volume" else each["Name"], described["Labels"] or {})


def remove(docker: Docker, found: list[Thing]) -> bool:
    """Remove things, containers first; tells whether there were any."""
    for kind, command in REMOVALS.items():
        ids = [thing.id for thing in found if thing.kind == kind]
        if ids:
            docker.run(*command, *ids)
    return bool(found)


def sweep(docker: Docker) -> list[Thing]:
    """Remove what sandboxes without a living owner, or without a directory, have left; returns it."""
    owned.sweep_directories()
    found = list(things(docker))
    swept = [thing for thing in found if thing.abandoned]
    for thing in swept:
        docker.ok(*REMOVALS[thing.kind], thing.id)  # fails where another run sweeps at the same time
    alive = {thing.labels[LABEL] for thing in found if not thing.abandoned}
    for labels in (thing.labels for thing in swept):
        if labels[LABEL] not in alive and f"{LABEL}.directory" in labels:
            discard_files(Path(labels[f"{LABEL}.directory"]))
    return swept


def discard_files(directory: Path) -> None:
    """Delete the files that a sandbox generated."""
    for path in (directory / name for name in GENERATED):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
