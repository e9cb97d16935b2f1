"""The images of the releases: one shared layer, one tiny layer each."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from galos_ops.errors import UsageError
from sandbox.catalogue import RELEASES, Release
from sandbox.docker import Docker
from sandbox.images import REPOSITORY
from sandbox.layers import File, digest, image, tar, unpacked

MIGRATIONS = Path(__file__).parent / "galos_sync" / "migrations"
SECOND = 1_000_000_000


def find(version: str) -> Release:
    """Return a release of the table; raises UsageError with the known ones."""
    if version not in RELEASES:
        raise UsageError(f"there is no release {version}", hint=f"take one of {', '.join(RELEASES)}")
    return RELEASES[version]


def files(version: str, release: Release) -> dict[str, File]:
    """What the release's own layer holds."""
    placed = {"galos/version": version, "galos/work.sql": release.work}
    for migration in release.migrations:
        for direction in ("up", "down"):
            name = f"{migration}.{direction}.sql"
            placed[f"galos/galos_db/migrations/{name}"] = (MIGRATIONS / name).read_text()
    if release.crash:
        placed["galos/crash"] = release.crash
    return {name: File(text.encode()) for name, text in placed.items()}


def config(version: str, release: Release) -> dict[str, Any]:
    """How a container of the release runs."""
    described: dict[str, Any] = {
        "Cmd": ["galos-sync"],
        "Env": ["PATH=/usr/bin:/bin"],
        "Labels": {"org.opencontainers.image.version": version},
        "WorkingDir": "/galos",
    }
    if release.healthcheck:
        described["Healthcheck"] = {
            "Test": ["CMD-SHELL", release.healthcheck],
            "Interval": SECOND,
            "Timeout": SECOND,
            "Retries": 2,
        }
    return described


def ensure(docker: Docker, version: str, runtime: str) -> str:
    """Return the tag of the release's image on the outer engine, after loading it where it is missing."""
    release = find(version)
    own = tar(files(version, release))
    described = config(version, release)
    tag = f"{REPOSITORY}/galos-sync:{version}-{digest(own + f'{described}{runtime}'.encode())[:12]}"
    if not docker.ok("image", "inspect", tag):
        docker.run("load", "--quiet", stdin=image(tag, [shared_layer(docker, runtime), own], described))
    return tag


@functools.cache
def shared_layer(docker: Docker, runtime: str) -> bytes:
    """The layer that every release starts with: a shell, psql and sqlx."""
    container = docker.run("create", runtime, "true")
    try:
        packed = docker.output("cp", f"{container}:/layer.tar", "-")
    finally:
        docker.run("rm", container)
    return unpacked(packed)
