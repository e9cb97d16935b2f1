"""When `up` need not run: the last one noted that what runs is what it made, and of the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from galos_ops.engines import started
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.engines.snapshot.snapshot import Container, Snapshot
from galos_ops.redaction import Secret
from tests.unit.fake_host import FakeHost
from tests.unit.local_host import LocalHost
from tests.unit.targets import COMPOSE, FACTS, IMAGE_ID, IMAGES, REFERENCE, RESOLVED, images, target
from tests.unit.test_guard import OTHER

FILE = b"{}"
MADE = started.key(target(FakeHost()), FILE)
ONE = Container("c1", IMAGE_ID, "running", 0, "galos-sync-1", "galos-sync", False, "p", "/home")
TWO = replace(ONE, id="c2", name="galos-sync-2")
ANOTHER = replace(ONE, id="a", service="another")
LEFT = replace(
    FACTS, images={REFERENCE: IMAGE_ID}, containers=(ONE, TWO, ANOTHER), started={"galos-sync": f"{MADE} c2 c1"}
)


def unchanged(facts: Snapshot, wanted: ReleaseImages = IMAGES, file: bytes = FILE) -> list[str]:
    chosen = target(FakeHost(), facts)
    return [one.id for one in started.unchanged(chosen, wanted, started.key(chosen, file))]


def test_containers_that_the_last_up_made_of_the_same_are_left_alone() -> None:
    assert unchanged(LEFT) == ["c1", "c2"]


Change = Callable[[Snapshot], Snapshot]
CHANGES: dict[str, Change] = {
    "no note": lambda facts: replace(facts, started={}),
    "an empty note": lambda facts: replace(facts, started={"galos-sync": ""}),
    "a note of another service": lambda facts: replace(facts, started={"another": facts.started["galos-sync"]}),
    "made of another": lambda facts: replace(facts, started={"galos-sync": "0ther c1 c2"}),
    "one is gone": lambda facts: replace(facts, containers=(ONE,)),
    "one more": lambda facts: replace(facts, containers=(ONE, TWO, replace(ONE, id="c3"))),
    "one was made anew": lambda facts: replace(facts, containers=(ONE, replace(TWO, id="c3"))),
    "a one-off is there": lambda facts: replace(facts, containers=(ONE, TWO, replace(ONE, id="c3", oneoff=True))),
    "none is there": lambda facts: replace(facts, containers=(), started={"galos-sync": MADE}),
    "one is stopped": lambda facts: replace(facts, containers=(ONE, replace(TWO, state="exited"))),
    "one was restarted": lambda facts: replace(facts, containers=(ONE, replace(TWO, restarts=1))),
    "one restarts": lambda facts: replace(facts, containers=(ONE, replace(TWO, state="restarting"))),
    "one runs another image": lambda facts: replace(facts, containers=(ONE, replace(TWO, image=OTHER))),
    "the tag means another": lambda facts: replace(facts, images={REFERENCE: OTHER}),
    "the tag is gone": lambda facts: replace(facts, images={}),
    "it has files": lambda facts: replace(facts, config=Secret(f"{RESOLVED}    secrets: [{{source: a}}]\n")),
    "it was stopped for a migration": lambda facts: replace(facts, stopped={"galos-sync": IMAGE_ID}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_is_different_is_started_again(change: Change) -> None:
    assert unchanged(change(LEFT)) == []


def test_another_image_another_file_and_another_version_are_made_of_another() -> None:
    assert unchanged(LEFT, images(OTHER)) == []
    assert unchanged(LEFT, file=b"{ }") == []
    newer = replace(target(FakeHost(), LEFT), engine=replace(COMPOSE, docker_compose=DockerCompose("docker", (5,))))
    assert started.key(newer, FILE) != MADE


def test_what_was_seen_before_this_run_changed_the_host_is_not_relied_on(host: LocalHost) -> None:
    chosen = target(host, LEFT)
    assert started.unchanged(chosen, IMAGES, MADE)
    chosen.run("true", doing="look")
    assert started.unchanged(chosen, IMAGES, MADE)
    chosen.unlocked("true", doing="fetch")
    assert not started.unchanged(chosen, IMAGES, MADE)


@pytest.mark.parametrize("folder", [True, False])
def test_a_note_is_private_and_whole_and_one_that_cannot_be_made_is_no_failure(host: LocalHost, folder: bool) -> None:
    if folder:
        (host.home / ".galos-ops").mkdir()
    host.run(f"cd; set -- c1 c2; {started.note('galos-sync', 'f00')} && echo", doing="note")
    found = {path.name: (path.read_text(), path.stat().st_mode & 0o777) for path in host.home.glob(".galos-ops/*")}
    assert found == ({"galos-sync.started": ("f00 c1 c2\n", 0o600)} if folder else {})
