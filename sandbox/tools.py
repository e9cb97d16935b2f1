"""Images with the real Django, Alembic and dbmate, each over a project of a few migrations."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from sandbox import images, layers
from sandbox.docker import Docker
from sandbox.layers import File, Image, Layer, layer, tar, tree
from sandbox.steps import Steps

PROJECTS = Path(__file__).parent / "projects"
NUMBERED = re.compile(r"(\d{4})_\w+\.(py|sql)")
CONFIG = {
    "Cmd": ["true"],
    "Env": ["PATH=/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1", "PGSSLMODE=disable"],
    "Labels": {"org.opencontainers.image.version": "v1"},  # the release of galos-sync that they go with
    "WorkingDir": "/project",
}


def files(tool: str, migrations: int) -> dict[str, File]:
    """A tool's project with its first so many migrations; the third one is one that fails."""
    found = tree(PROJECTS / tool).items()
    numbers = {name: NUMBERED.fullmatch(Path(name).name) for name, _ in found}
    return {
        f"project/{name}": file for name, file in found if not (number := numbers[name]) or int(number[1]) <= migrations
    }


@functools.cache
def image(docker: Docker, tool: str, migrations: int, steps: Steps) -> Image:
    """Return the image of a project with its first so many migrations."""
    return layers.image([tools_layer(docker, steps), layer(tar(files(tool, migrations)))], CONFIG)


@functools.cache
def tools_layer(docker: Docker, steps: Steps) -> Layer:
    """A small Debian with the tools; the image that it is built as comes first."""
    container = docker.run("create", images.ensure(docker, ["tools"], steps)["tools"], "true")
    try:
        return layer(docker.output("export", container))
    finally:
        docker.run("rm", container)
