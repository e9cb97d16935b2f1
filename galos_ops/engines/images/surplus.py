"""What of ours a host need not keep: images that no kept release needs, and what checks left."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from galos_ops.engines.engine import HeldTarget, Target
from galos_ops.engines.images.retention import candidate, own, repositories
from galos_ops.host.release_log import Release, started
from galos_ops.host.shell import lines

STRAY_SECONDS = 600  # a check that runs for longer has lost its client


@dataclass(frozen=True)
class LocalImage:
    """An image on the host, and what names it there."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]


@dataclass(frozen=True)
class Surplus:
    """What of ours a host need not keep: names of containers, tags and digests of images."""

    containers: tuple[str, ...] = ()
    images: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join((*self.containers, *self.images)) or "nothing of ours that is not needed"


def surplus(target: Target, log: Iterable[Release]) -> Surplus:
    """Look for what of a service no kept release needs; `log` is that of the host."""
    form = "[{{json .Id}},{{json .RepoTags}},{{json .RepoDigests}}]"
    script = (
        f"docker images -aq | sort -u | xargs -r docker image inspect -f '{form}' || exit 1\n"
        "docker ps -aq | xargs -r docker inspect -f '{{json .Image}}'\ndate +%s"
    )
    rows = [json.loads(line) for line in lines(target.run(script, doing="look at the images").stdout)]
    images = [LocalImage(row[0], tuple(row[1] or ()), tuple(row[2] or ())) for row in rows if isinstance(row, list)]
    used = {row for row in rows if isinstance(row, str)} | set(target.snapshot.stopped.values())
    now = next(row for row in rows if isinstance(row, int))
    return Surplus(tuple(_stray(target, now)), tuple(unneeded(target, images, kept_images(target, log) | used)))


def kept_images(target: Target, log: Iterable[Release]) -> set[str]:
    """The images of the last releases of each service."""
    releases: dict[str, list[str]] = {}
    for one in started(log):
        releases.setdefault(one.service, []).append(one.image)
    return {image for images in releases.values() for image in images[-target.settings.releases.keep :]}


def unneeded(target: Target, images: Iterable[LocalImage], needed: Collection[str]) -> Iterable[str]:
    """Return our tags of images that are not needed, and the digests of ours of those that nobody else tagged."""
    tag, digests = f"{own(target)}:", tuple(f"{each}@" for each in repositories(target))
    for image in images:
        ours = [one for one in image.tags if one.startswith(tag)]
        if image.id in needed:
            yield from (one for one in ours if one == candidate(target))
            continue
        yield from ours
        if len(ours) == len(image.tags):
            yield from (one for one in image.digests if one.startswith(digests))


def _stray(target: Target, now: int) -> Iterable[str]:
    """The containers whose client is gone: those that ended and migrated nothing, and checks that run for too long."""
    snapshot = replace(target.snapshot, time=now)
    services = (target.name, target.service.migration.service)
    for one in snapshot.containers:
        late = one.role == "check" and one.started and snapshot.age(one.started) > STRAY_SECONDS
        if one.role in ("check", "run") and one.service in services and (late or not one.alive):
            yield one.name


def remove(target: HeldTarget, found: Surplus) -> None:
    """Remove it, the volumes of containers with them; what is in use by now stays."""
    removed = [f"docker rm -f -v {shlex.join(found.containers)} >/dev/null"] if found.containers else []
    images = [f"docker rmi {shlex.quote(one)} >/dev/null 2>&1" for one in found.images]
    target.change("\n".join((*removed, *images, "true")), doing="remove what is not needed")
