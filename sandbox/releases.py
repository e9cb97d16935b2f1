"""The images of the releases: one shared layer, one tiny layer each."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from galos_ops.errors import UsageError
from sandbox import images, layers
from sandbox.catalogue import RELEASES, Release
from sandbox.docker import Docker
from sandbox.layers import File, Image, Layer, layer, tar, unpacked
from sandbox.steps import Steps

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


@functools.cache
def image(docker: Docker, version: str, steps: Steps) -> Image:
    """Return the image of a release."""
    release = find(version)
    return layers.image([shared_layer(docker, steps), layer(tar(files(version, release)))], config(version, release))


@functools.cache
def shared_image(docker: Docker, steps: Steps) -> Image:
    """Return an image of nothing but the layer that every release starts with."""
    return layers.image([shared_layer(docker, steps)], {"Cmd": ["true"], "Env": ["PATH=/usr/bin:/bin"]})


@functools.cache
def shared_layer(docker: Docker, steps: Steps) -> Layer:
    """The layer that every release starts with: a shell, psql and sqlx; the image that carries it is built first."""
    runtime = images.ensure(docker, ["runtime"], steps)["runtime"]
    container = docker.run("create", runtime, "true")
    try:
        packed = docker.output("cp", f"{container}:/layer.tar", "-")
    finally:
        docker.run("rm", container)
    return layer(unpacked(packed))
