"""The unit that unit tests work on: galos-sync as the defaults have it, on any host."""

from __future__ import annotations

from dataclasses import replace

from galos_ops.config.settings import Settings
from galos_ops.engines.compose import Compose, Flavour
from galos_ops.engines.facts import Facts
from galos_ops.engines.target import Target
from galos_ops.host.host import Host
from tests.unit.local_host import LocalHost, Reply

SETTINGS = Settings()
COMPOSE = Compose(Flavour("docker-compose", (2, 26)), "~")


REFERENCE = SETTINGS.image(SETTINGS.services["galos-sync"])
RESOLVED = f"services:\n  galos-sync:\n    image: {REFERENCE}\n    pull_policy: always\n"
FACTS = Facts(directories=("/home",), config=RESOLVED)


def target(host: Host, facts: Facts = FACTS, *, token: str = "") -> Target:
    service = SETTINGS.services["galos-sync"]
    made = Target(host, SETTINGS, "galos-sync", service, facts, COMPOSE)
    return replace(made, token=token)


IMAGE_ID = "sha256:" + "a" * 64
IMAGES = {REFERENCE: IMAGE_ID}


def image_of(host: LocalHost, reference: str, image: str) -> None:
    """Have a reference mean an image on the host, none where that is empty."""
    found = Reply(f"{image}\n") if image else Reply(exited=1, stderr=f"Error: No such image: {reference}\n")
    host.stubs.add("docker", {f"image inspect -f {{{{.Id}}}} {reference}": found})
