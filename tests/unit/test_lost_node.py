"""What Swarm still has of a node that is lost: it may run there, and is not what the service runs."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from pytest_mock import MockerFixture

from galos_ops.diagnostics.status import container
from galos_ops.engines import dependencies
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.engine import HeldTarget
from galos_ops.engines.snapshot.cluster import SUM
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.engines.swarm import handing_out, look, stack
from galos_ops.engines.swarm.swarm import Swarm
from galos_ops.errors import GuardError
from galos_ops.host.lock import Lock
from galos_ops.migrations import guard
from galos_ops.redaction import Secret
from galos_ops.ui.plain import Plain
from galos_ops.workflows.doing import Doing
from galos_ops.workflows.telling import Telling
from tests.unit.fake_host import FakeHost, said
from tests.unit.screen import Screen
from tests.unit.targets import IMAGES, target
from tests.unit.test_cluster import IMAGE, PINNED, WHEN, looked, service, task

OLD = PINNED.replace("d" * 64, "e" * 64)
OLD_IMAGE = "sha256:" + "c" * 64
HERE = f"image\t{OLD} {OLD_IMAGE} {WHEN}"
ENGINE = Swarm(DockerCompose("docker-compose", (2, 26)), "galos", {})
FILE = Secret(f"name: galos\nservices: {{galos-sync: {{image: {PINNED}, deploy: {{replicas: 2}}}}}}")
MADE = stack.summed(
    stack.render(
        {"services": {"galos-sync": {"image": PINNED, "deploy": {"replicas": 2}}}}, "galos-sync", PINNED, "galos"
    )
)


def lost(id: str, **more: object) -> str:
    """A task that a lost node may still run, of the release before unless said otherwise."""
    return task(id, "running", "n3", "shutdown", **{"image": OLD, "labels": {SUM: "old"}, **more})


def seen(*tasks: str, replicas: int = 2) -> Snapshot:
    found = looked(service(replicas=replicas, labels={"com.docker.stack.namespace": "galos", SUM: MADE}), HERE, *tasks)
    return replace(found, config=FILE, engine="26.1", flavour=DockerCompose("docker-compose", (2, 26)))


NEW = [task(one, "running", node, labels={SUM: MADE}) for one, node in (("1new", "n1"), ("2new", "n2"))]


def held(snapshot: Snapshot) -> HeldTarget:
    return replace(target(FakeHost(), snapshot).held(Lock("token")), engine=ENGINE)


@pytest.mark.parametrize("tasks", list(permutations([*NEW, lost("0old")])), ids=range(6))
def test_the_image_that_runs_is_not_that_of_a_lost_node_whatever_comes_first(tasks: tuple[str, ...]) -> None:
    one = held(seen(*tasks))
    assert (one.running_image, one.previous_image) == (IMAGE, IMAGE)
    found = container(one.snapshot, "galos-sync")
    assert (found.state, found.image, found.replicas) == ("running", IMAGE, "2/2")
    assert set(found.nodes) == {"one", "two"}
    with pytest.raises(GuardError, match="the service runs"):
        guard.require_stopped(one)


def test_an_update_that_has_not_come_to_its_end_runs_what_it_has_started() -> None:
    before = task("0", "running", "n1", image=OLD, labels={SUM: "old"})
    assert held(seen(before, NEW[1])).running_image == IMAGE
    assert held(seen(task("1", "starting", "n2", labels={SUM: MADE}), before)).running_image == OLD_IMAGE


def test_a_service_that_is_to_run_nothing_is_stopped_though_a_lost_node_may_run_it() -> None:
    one = held(seen(lost("0old"), replicas=0))
    assert one.running_image is None
    assert [it.state for it in one.snapshot.current("galos-sync")] == ["exited"]
    assert container(one.snapshot, "galos-sync").state == "exited"
    assert dependencies.absent(one) == []
    with pytest.raises(GuardError, match="the service runs"):
        guard.require_stopped(one)


@pytest.mark.parametrize(
    "remains",
    [lost("0old"), lost("0old", image=PINNED, labels={SUM: MADE})],
    ids=["of-the-release-before", "of-this-one"],
)
def test_a_deploy_of_nothing_new_is_the_same(mocker: MockerFixture, remains: str) -> None:
    snapshot = seen(remains, *NEW)
    one = held(snapshot)
    mocker.patch.object(handing_out, "reference", return_value=PINNED)
    mocker.patch.object(HeldTarget, "change", return_value=said())
    mocker.patch.object(look, "seen", return_value=snapshot)
    started = Doing(one, Plain(Screen())).up(IMAGES)
    assert started.same
    assert [it.id for it in started.containers] == ["1new", "2new"]
    assert Telling(one, Plain(Screen())).up(IMAGES).same
    assert [it.id for it in ENGINE.start(one, snapshot.current("galos-sync"))] == ["1new", "2new"]
