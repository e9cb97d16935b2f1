"""What a deploy has the hosts of a fleet do, in which order, and what it takes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.engines.release_images import Image, ReleaseImages
from galos_ops.engines.snapshot.snapshot import Container, Snapshot
from galos_ops.errors import CommandFailed, ConnectError, GuardError, NotBegun, OpsError
from galos_ops.host.lock import Lock
from galos_ops.host.release_log import Release
from galos_ops.migrations.tools import CLEAN, Answer
from galos_ops.ui.plain import Plain
from galos_ops.workflows import deploy
from galos_ops.workflows.doing import Doing
from galos_ops.workflows.steps import Group, Restarted, Started, Steps
from tests.unit.fake_host import FakeHost
from tests.unit.screen import Screen
from tests.unit.targets import FACTS, IMAGE_ID, IMAGES, REFERENCE, target
from tests.unit.test_guard import OTHER

RUNS = replace(
    FACTS,
    containers=(
        Container("c1", OTHER, "running", 0, "c1", "galos-sync", oneoff=False, project="root", directory="/home"),
    ),
)
PENDING = Answer("pending", ("1 one",))


@dataclass
class Hosts:
    """What was done on which host, in order; `fails` is what a step ends in there."""

    fails: dict[tuple[str, str], OpsError] = field(default_factory=dict)
    done: list[tuple[str, str]] = field(default_factory=list)
    migrated: bool = False
    images: dict[str, ReleaseImages] = field(default_factory=dict)

    def step(self, host: str, name: str) -> None:
        self.done.append((host, name))
        if error := self.fails.get((host, name)):
            raise error

    def on(self, host: str) -> list[str]:
        return [name for where, name in self.done if where == host and name != "pull"]


class Recording(Doing):
    """Steps that are only written down."""

    hosts: ClassVar[Hosts]

    def _step(self, name: str) -> None:
        self.hosts.step(self.target.host.name, name)

    def resume_orphaned_migrations(self) -> None:
        """There is none."""

    def pull(self, tag: str | None = None, *, again: bool = False) -> ReleaseImages:  # noqa: ARG002
        self._step("pull")
        return self.hosts.images.get(self.target.host.name, IMAGES)

    def answer(self, images: ReleaseImages, *, again: bool = False) -> Answer:  # noqa: ARG002
        return CLEAN if self.hosts.migrated else PENDING

    def require_no_one_offs(self, answer: Answer) -> None:
        """There is none."""

    def down(self, answer: Answer) -> None:  # noqa: ARG002
        self._step("down")

    def announce(self, images: ReleaseImages, answer: Answer) -> None:  # noqa: ARG002
        self._step("announce")

    def withdraw(self, images: ReleaseImages) -> None:  # noqa: ARG002
        self._step("withdraw")

    def migrate(self, images: ReleaseImages, answer: Answer) -> None:  # noqa: ARG002
        self._step("migrate")
        self.hosts.migrated = True

    def lift_marker(self) -> None:
        self._step("lift")

    def restart_previous(self) -> Restarted:
        self._step("restart")
        return Restarted("it runs again", runs=True)

    def up(self, images: ReleaseImages) -> Started:
        self._step("up")
        return Started(images.service.id, [replace(RUNS.containers[0], image=IMAGE_ID)])

    def verify(self, started: Started) -> None:
        """It stays up."""

    def record(self, line: Release, images: ReleaseImages) -> None:
        """It is in the log."""


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    Recording.hosts = Hosts()
    yield Recording.hosts
    del Recording.hosts


def steps(name: str, facts: Snapshot = RUNS) -> Steps:
    host = FakeHost(name=name)
    host.typed = CommandLine(name, "deploy", fleet="a,b")
    return Recording(target(host, facts).held(Lock("t0ken")), Plain(Screen()))


def group(members: str, absent: str = "", facts: Snapshot = RUNS) -> tuple[Group, list[str]]:
    """The service on hosts of a fleet, and what its rest was asked for."""
    asked: list[str] = []

    def hold(_names: object, stopping: object, _marked: object) -> list[Steps]:
        asked.append(str(stopping))
        return [steps(name, FACTS) for name in absent.split()]

    return Group([steps(name, facts) for name in members.split()], [], hold), asked


def deployed(of: Group) -> None:
    deploy.deploy(of, None, lambda _: None)


def test_a_member_that_migrates_alone_has_the_others_down_and_told_before_and_after(hosts: Hosts) -> None:
    one, asked = group("a", "b c")
    deployed(one)
    assert asked == ["{'galos-sync'}"]
    assert hosts.on("a") == ["down", "migrate", "lift", "up"]
    for name in ("b", "c"):
        assert hosts.on(name) == ["down", "announce", "lift"]
    assert hosts.done.index(("b", "announce")) < hosts.done.index(("a", "migrate")) < hosts.done.index(("b", "lift"))


def test_a_migrate_that_is_done_on_one_member_alone_tells_the_others(hosts: Hosts) -> None:
    one, _ = group("a", "b", FACTS)
    deploy.migrate(one)
    assert (hosts.on("a"), hosts.on("b")) == (["down", "migrate", "lift"], ["down", "announce", "lift"])


def test_with_nothing_pending_the_rest_of_the_fleet_is_not_asked_for(hosts: Hosts) -> None:
    hosts.migrated = True
    one, asked = group("a", "b")
    deployed(one)
    assert (asked, hosts.on("b")) == ([], [])


def test_one_that_cannot_be_told_that_it_is_over_keeps_no_other_down(hosts: Hosts) -> None:
    hosts.fails["b", "lift"] = ConnectError("b: lost.")
    one, _ = group("a", "b")
    with pytest.raises(ConnectError) as caught:
        deployed(one)
    assert hosts.on("a") == ["down", "migrate", "lift", "up"]
    assert "Nothing starts on b until its own deploy: fab -H b deploy." in caught.value.message


def test_a_marker_has_the_rest_of_the_fleet_held_and_told_when_nothing_is_pending_any_more(hosts: Hosts) -> None:
    hosts.migrated = True
    one, asked = group("a", "b", replace(RUNS, migrating="a"))
    deployed(one)
    assert asked == ["()"]
    assert (hosts.on("a"), hosts.on("b")) == (["lift", "up"], ["lift"])


@pytest.mark.parametrize("failure", [GuardError("a: something runs."), NotBegun("a: the disk is full.")])
@pytest.mark.parametrize("absent", ["", "c"])
def test_a_migration_that_does_not_begin_is_taken_back_where_it_was_told(
    hosts: Hosts, failure: OpsError, absent: str
) -> None:
    hosts.fails["a", "migrate"] = failure
    one, _ = group("a b", absent)
    with pytest.raises(type(failure)):
        deployed(one)
    assert hosts.on("a") == ["down", "migrate", "restart"]
    assert hosts.on("b") == ["down", "announce", "withdraw", "restart"]
    assert hosts.on("c") == (["down", "announce", "withdraw"] if absent else [])


def test_a_host_that_cannot_be_told_has_it_taken_back_on_the_others(hosts: Hosts) -> None:
    hosts.fails |= {("b", "announce"): ConnectError("b: lost."), ("c", "withdraw"): CommandFailed("c: full.")}
    one, _ = group("a b c")
    with pytest.raises(ConnectError, match="b: lost"):
        deployed(one)
    assert "migrate" not in hosts.on("a")
    assert (hosts.on("b"), hosts.on("c")) == (["down", "announce"], ["down", "announce", "withdraw", "restart"])


def test_a_migration_that_began_and_failed_is_not_taken_back(hosts: Hosts) -> None:
    hosts.fails["a", "migrate"] = CommandFailed("a: interrupted.")
    one, _ = group("a b")
    with pytest.raises(CommandFailed):
        deployed(one)
    assert hosts.on("b") == ["down", "announce"]


def image(id: str, *digests: str) -> ReleaseImages:
    one = Image(REFERENCE, id, frozenset(digests))
    return ReleaseImages(one, one)


def test_hosts_whose_engines_keep_images_in_different_ways_are_a_fleet(hosts: Hosts) -> None:
    hosts.migrated, hosts.images = True, {"a": image(IMAGE_ID, "d1", "d2"), "b": image(OTHER, "d2")}
    one, _ = group("a b")
    deployed(one)
    assert hosts.done.count(("a", "pull")) == 1
    assert hosts.on("a") == hosts.on("b") == ["up"]


@pytest.mark.parametrize("digests", [[], ["d3"]])
def test_hosts_that_pulled_different_images_change_nothing(hosts: Hosts, digests: list[str]) -> None:
    hosts.images = {"a": image(IMAGE_ID, "d1", "d2"), "b": image(OTHER, *digests)}
    one, _ = group("a b")
    with pytest.raises(CommandFailed, match="The hosts pulled different images, 3 times in a row"):
        deployed(one)
    assert (hosts.done.count(("a", "pull")), hosts.on("a"), hosts.on("b")) == (3, [], [])
