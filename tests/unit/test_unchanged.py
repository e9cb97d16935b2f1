"""When a deploy need not pull: the registry said, in the look at the host, that its tags mean what the host has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from galos_ops.engines.images import pulling
from galos_ops.engines.snapshot import registry
from galos_ops.engines.snapshot.registry import Registry
from galos_ops.engines.snapshot.snapshot import Container, Snapshot
from galos_ops.errors import CommandFailed
from galos_ops.redaction import Secret
from tests.unit.fake_host import FakeHost
from tests.unit.local_host import LocalHost, Reply
from tests.unit.targets import COMPOSE, FACTS, IMAGE_ID, IMAGES, REFERENCE, target
from tests.unit.test_guard import OTHER

NEWEST = replace(FACTS, images={REFERENCE: IMAGE_ID}, registry={REFERENCE: Registry("newest")})
CARRIER = f"services:\n  galos-sync:\n    image: {REFERENCE}\n  carrier:\n    image: carrier:1\n"
MIGRATOR = Container(
    "c", OTHER, "exited", 0, "galos-sync-migration", "galos-sync", True, "p", "/home", role="migration"
)

Change = Callable[[Snapshot], Snapshot]
CHANGES: dict[str, Change] = {
    "newer": lambda facts: replace(facts, registry={REFERENCE: Registry("newer")}),
    "unknown": lambda facts: replace(facts, registry={REFERENCE: Registry("unknown")}),
    "not asked": lambda facts: replace(facts, registry={}),
    "not on the host": lambda facts: replace(facts, images={}),
    "after a migration that was waited for": lambda facts: replace(facts, containers=(MIGRATOR,)),
}


@pytest.mark.parametrize("tag", [None, "latest"])
def test_images_that_the_registry_calls_newest_are_not_pulled(tag: str | None) -> None:
    chosen = target(FakeHost(), NEWEST)
    assert COMPOSE.pull(chosen, tag, print) == IMAGES
    assert pulling.newest(chosen, tag) == (IMAGES, True)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_else_it_says_they_are_pulled(change: Change) -> None:
    with pytest.raises(AssertionError, match="docker-compose pull galos-sync"):
        COMPOSE.pull(target(FakeHost(), change(NEWEST)), None, print)


def test_another_tag_is_pulled() -> None:
    host = FakeHost()
    with pytest.raises(AssertionError, match=r"docker pull \S+:v2"):
        COMPOSE.pull(target(host, NEWEST), "v2", print)


def test_a_carrier_of_migrations_that_the_registry_was_not_asked_for_is_pulled() -> None:
    facts = replace(NEWEST, config=Secret(CARRIER), images={REFERENCE: IMAGE_ID, "carrier:1": OTHER})
    chosen = target(FakeHost(), facts)
    migration = replace(chosen.service.migration, service="carrier")
    with pytest.raises(AssertionError, match="docker-compose pull galos-sync carrier"):
        COMPOSE.pull(replace(chosen, service=replace(chosen.service, migration=migration)), None, print)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (
            "manifest for x:nope not found: manifest unknown: manifest unknown",
            "see what is there: fab -H box ecr.images",
        ),
        ('failed to resolve reference "x:nope": x:nope: not found', "see what is there: fab -H box ecr.images"),
        ("write /var/lib/docker/tmp/x: no space left on device", "look at the host's disk: ssh box 'docker system df'"),
        ("Get https://x/v2/: no basic auth credentials", "fab -H box ecr.check"),
    ],
)
def test_a_pull_that_fails_names_the_task_that_tells_why(host: LocalHost, words: str, hint: str) -> None:
    host.stubs.add(
        "docker-compose", {"pull galos-sync": Reply(stderr=f"Error response from daemon: {words}\n", exited=1)}
    )
    with pytest.raises(CommandFailed, match="could not pull") as caught:
        COMPOSE.pull(target(host, FACTS), None, print)
    assert caught.value.hint == hint


def test_what_the_registry_says_of_a_tag_is_all_the_evidence(host: LocalHost) -> None:
    host.stubs.add("docker", {"version --format {{.Server.Arch}}": "amd64\n"})
    host.stubs.add("docker", {"manifest inspect -v x:nope": Reply(stderr="nope\n", exited=1)})
    with pytest.raises(CommandFailed, match="does not tell what x:nope is") as caught:
        registry.newest(host, "x:nope")
    assert caught.value.evidence.strip() == "nope"


DIGESTS = ("sha256:" + "d" * 64, "sha256:" + "e" * 64)


def test_what_is_pulled_is_known_by_its_digests_too(host: LocalHost) -> None:
    running = Container("c", IMAGE_ID, "running", 0, "c", "galos-sync", False, "p", "/home")
    named = " ".join(f"registry/galos-sync@{digest}" for digest in DIGESTS)
    host.stubs.add("docker-compose", {"pull galos-sync": ""})
    asked = f"image inspect -f {{{{.Id}}}}{{{{range .RepoDigests}}}} {{{{.}}}}{{{{end}}}} {REFERENCE}"
    host.stubs.add("docker", {asked: f"{IMAGE_ID} {named}\n"})
    images = COMPOSE.pull(target(host, replace(FACTS, containers=(running,))), None, print)
    assert images == IMAGES
    assert images.service.digests == {*DIGESTS}


def test_what_need_not_be_pulled_is_known_by_the_digests_of_host_and_registry() -> None:
    newest = {REFERENCE: Registry("newest", DIGESTS[0])}
    chosen = target(FakeHost(), replace(NEWEST, registry=newest, digests={IMAGE_ID: (DIGESTS[1],)}))
    assert COMPOSE.pull(chosen, None, print).service.digests == {*DIGESTS}
