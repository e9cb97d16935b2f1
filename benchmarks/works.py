"""What is deployed: each work with the state that it begins from, made anew before every run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.measure import Sample
from benchmarks.ways import Link, Place
from sandbox.aws import DATABASE
from sandbox.host import KEPT

NOTHING, IMAGE, MIGRATION = "nothing new", "new image", "new image with a migration"
SAVED = "bench_v1"
FORGET_IMAGES = (
    f'docker images -q --no-trunc | sort -u | grep -vxF "$(docker images -q --no-trunc {KEPT})" | '
    "grep -vxF \"$(docker ps -q | xargs -r docker inspect -f '{{.Image}}')\" | xargs -r docker rmi -f >/dev/null"
)
"""Drops every image but the one that runs and the layer that all releases share: a new image is fetched as one."""


@dataclass(frozen=True)
class Work:
    """Something to deploy; `prepare` makes the state that it begins from."""

    name: str
    prepare: Callable[[Place], None]
    migrates: bool = False


def prepared(work: Work, place: Place, way: Callable[[], Sample]) -> Callable[[], Sample]:
    """Return a way that finds the state of a work each time."""

    def run() -> Sample:
        work.prepare(place)
        return way()

    return run


def install(place: Place, link: Link) -> None:
    """Set the host up for every way, deploy v1 on an empty database, and keep that state."""
    place.host.shell(
        "command -v python3 >/dev/null || { apt-get update && apt-get install -qy python3; } >/dev/null 2>&1"
    )
    place.host.shell("cd && { [ ! -e docker-compose.yml ] || docker-compose down; } && rm -rf .galos-ops")
    place.sandbox.database()
    place.sandbox.publish("v1")
    for task in ("setup", "deploy"):
        subprocess.run([*place.fab(link), task], env=place.variables(), check=True, stdout=subprocess.DEVNULL)
    place.host.shell("cd && docker-compose stop && tar -cf /root/bench.tar .galos-ops")
    place.sandbox.database(SAVED, template=DATABASE)
    place.host.shell("cd && docker-compose up -d")


def nothing_new(_: Place) -> None:
    """Leave what runs as it is."""


def new_image(place: Place) -> None:
    """Publish the release that does not run, of two with the same migrations."""
    label = '{{index .Config.Labels "org.opencontainers.image.version"}}'
    running = place.host.shell(
        f"docker ps -q --filter label=com.docker.compose.service | xargs docker inspect -f '{label}'"
    )
    place.sandbox.publish("v3" if running == "v2" else "v2")
    place.host.shell(FORGET_IMAGES)


def new_migration(place: Place) -> None:
    """Have v1 run on the database as it was then, and publish v2, whose two migrations are new."""
    place.host.shell("cd && docker-compose down && rm -rf .galos-ops && tar -xf /root/bench.tar")
    place.sandbox.database(DATABASE, template=SAVED)
    place.sandbox.publish("v1")
    place.host.shell("cd && docker-compose pull -q && docker-compose up -d")
    place.sandbox.publish("v2")
    place.host.shell(FORGET_IMAGES)


WORKS = (
    Work(MIGRATION, new_migration, migrates=True),
    Work(IMAGE, new_image),
    Work(NOTHING, nothing_new),
)
"""In this order: the first leaves v2 with its migrations applied, which the others need."""
