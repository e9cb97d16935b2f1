"""What the references of a service mean on its host."""

from __future__ import annotations

import difflib
from contextlib import suppress

from galos_ops.engines.engine import Target
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.engines.snapshot import registry
from galos_ops.errors import CommandFailed, NotReadyError


def references(target: Target) -> tuple[str, str]:
    """The image of the service, and the image that carries its migrations, which mostly is the same one.

    Raises `NotReadyError` where the compose file does not start what the configuration names.
    """
    listed, wanted = target.snapshot.services(), target.settings.image(target.service)
    file = target.snapshot.compose_file
    for name in dict.fromkeys((target.name, target.service.migration.service)):
        if name not in listed:
            near = difflib.get_close_matches(name, listed, n=1)
            raise NotReadyError(
                f"{target.host.name}: {file} in {target.settings.directory} has no service {name}.",
                hint=f"name it as there: {near[0] if near else ', '.join(listed) or 'it has none'}",
            )
    if listed[target.name] != wanted:
        raise NotReadyError(
            f"{target.label}: {file} starts {listed[target.name] or 'no image'}, not {wanted}.",
            hint="make the compose file on the host and galos.services agree",
        )
    return wanted, listed[target.service.migration.service]


def redeploying(target: Target, image: str) -> str:
    """The command that deploys an image of the host by the registry's digest; empty where it has none."""
    with suppress(CommandFailed):  # which the host has no more
        if digests := registry.local_digests(target.host, [image]):
            return target.alone("deploy", tag=min(digests))
    return ""


def local_images(target: Target) -> ReleaseImages | None:
    """What the references mean on the host now; None while one of them is not there."""
    named = references(target)
    present = all(target.snapshot.images.get(reference) for reference in named)
    return ReleaseImages.of(named, target.snapshot.images, target.snapshot.digests) if present else None


def images_of(target: Target, service: str) -> ReleaseImages:
    """The images of a release whose image of the service is this one, whatever the reference means.

    Raises `NotReadyError` where the host does not have the one that carries the migrations.
    """
    named = references(target)
    found = {**target.snapshot.images, named[0]: service}
    if named[1] not in found:
        raise NotReadyError(
            f"{target.label}: the image {named[1]} that carries its migrations is not on the host.",
            hint=target.typed.fab("pull"),
        )
    return ReleaseImages.of(named, found, target.snapshot.digests)
