"""The unit that unit tests work on: galos-sync as the defaults have it, on any host."""

from __future__ import annotations

import re

from galos_ops.config.settings import Settings
from galos_ops.engines.compose import Compose
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.engine import HeldTarget, Target
from galos_ops.engines.release_images import Image, ReleaseImages
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.host.host import Host
from galos_ops.host.lock import Lock
from galos_ops.redaction import Secret
from tests.unit.local_host import LocalHost, Reply

SETTINGS = Settings()
COMPOSE = Compose(DockerCompose("docker-compose", (2, 26)))


REFERENCE = SETTINGS.image(SETTINGS.services["galos-sync"])
RESOLVED = f"services:\n  galos-sync:\n    image: {REFERENCE}\n    pull_policy: always\n"
FACTS = Snapshot(directories=("/home",), config=Secret(RESOLVED))


def target(host: Host, facts: Snapshot = FACTS) -> Target:
    return Target(host, SETTINGS, "galos-sync", SETTINGS.services["galos-sync"], facts, COMPOSE)


def held(host: LocalHost, facts: Snapshot = FACTS) -> HeldTarget:
    """The target while the lock is ours."""
    host.put("~/.galos-ops/token", "t0ken\n")
    return target(host, facts).held(Lock("t0ken"))


IMAGE_ID = "sha256:" + "a" * 64


def images(service: str = IMAGE_ID) -> ReleaseImages:
    """A release whose image of the service carries the migrations, too."""
    return ReleaseImages(Image(REFERENCE, service), Image(REFERENCE, service))


IMAGES = images()


def image_of(host: LocalHost, reference: str, image: str) -> None:
    """Have a reference mean an image on the host, none where that is empty."""
    found = Reply(f"{image}\n") if image else Reply(exited=1, stderr=f"Error: No such image: {reference}\n")
    host.stubs.add("docker", {f"image inspect -f {{{{.Id}}}} {reference}": found})


def removed(name: str, *options: str) -> dict[str, str]:
    """What a stub of Docker answers when our container of a name is found, and removed."""
    return {**looked_for(name, "c0ffee\n"), " ".join(("rm", "-v", *options, "c0ffee")): ""}


def looked_for(name: str, found: str = "") -> dict[str, str]:
    """What a stub of Docker answers when our container of a name is looked for."""
    return {f"ps -aq --filter label=galos-ops --filter name=^/?{re.escape(name)}$": found}
