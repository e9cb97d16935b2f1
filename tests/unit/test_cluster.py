"""A cluster as one of its managers tells of it: what runs, what does not, and what of it is ours."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from galos_ops.diagnostics.condition import Subject
from galos_ops.diagnostics.conditions import swarm
from galos_ops.diagnostics.verdict import cluster_line
from galos_ops.engines.cluster_notes import CLAIM, HOME, NODE
from galos_ops.engines.snapshot import cluster
from galos_ops.engines.snapshot.cluster import STACK, SUM, Cluster, Node
from galos_ops.engines.snapshot.probe_output import parse
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.errors import NotReadyError
from galos_ops.migrations import guard
from galos_ops.redaction import Secret
from tests.unit.fake_host import FakeHost
from tests.unit.targets import SETTINGS, target

DIGEST = "sha256:" + "d" * 64
PINNED, IMAGE = f"reg/galos-sync@{DIGEST}", "sha256:" + "a" * 64
WHEN = "2026-11-01T10:00:00.123456789Z"


def service(name: str = "galos_galos-sync", replicas: int = 2, **more: Any) -> str:
    row = {
        "id": "s1",
        "name": name,
        "labels": {STACK: "galos", SUM: "sum"},
        "mode": {"Replicated": {"Replicas": replicas}},
        "image": PINNED,
        "update": None,
        "updated": WHEN,
    }
    return f"cluster\tservice {json.dumps(row | more)}"


def task(id: str, state: str, node: str = "n1", desired: str = "running", **more: Any) -> str:
    row = {
        "id": id,
        "service": "s1",
        "slot": 1,
        "node": node,
        "desired": desired,
        "state": state,
        "since": WHEN,
        "error": "",
        "container": {"ContainerID": f"c-{id}"},
        "image": PINNED,
        "labels": {SUM: "sum"},
    }
    return f"cluster\ttask {json.dumps(row | more)}"


def node(id: str, name: str, state: str = "ready", manager: object = None) -> str:
    row = {"id": id, "name": name, "state": state, "availability": "active", "manager": manager}
    return f"cluster\tnode {json.dumps(row)}"


def note(kind: str, id: str) -> str:
    return f"cluster\tnote {json.dumps({'name': f'{kind}-galos', 'labels': {NODE: id}})}"


INFO = 'cluster\tinfo {"id":"n1","manager":true}'
TOLD = "cluster\ttold {}"
NODES = (node("n1", "one", manager={"Leader": True}), node("n2", "two", manager={}), node("n3", "three", "down"))
RESOLVED = "config\t" + base64.b64encode(b"name: galos\nservices: {galos-sync: {image: x}}").decode()


def looked(*lines: str) -> Snapshot:
    return parse(
        "\n".join((INFO, TOLD, RESOLVED, "directory\t/srv/galos", f"image\t{PINNED} {IMAGE} {WHEN}", *NODES, *lines))
    )


def test_a_task_is_a_container_of_the_service_with_the_image_that_its_digest_means_here() -> None:
    found = looked(service(), task("t1", "running"), task("t2", "starting", "n2"), task("t0", "failed"))
    assert [(one.id, one.image, one.state, one.node, one.sum) for one in found.of("galos-sync")] == [
        ("t1", IMAGE, "running", "one", "sum"),
        ("t2", IMAGE, "starting", "two", "sum"),
    ]
    assert all(one.alive for one in found.of("galos-sync"))


def test_a_service_that_runs_nothing_is_a_stopped_container() -> None:
    [one] = looked(service(replicas=0), task("t0", "shutdown")).of("galos-sync")
    assert (one.id, one.image, one.state, one.alive) == ("s1", IMAGE, "exited", False)


def test_a_task_that_is_to_stop_and_runs_is_alive() -> None:
    found = looked(service(), task("t1", "running", desired="shutdown")).of("galos-sync")
    assert [(one.id, one.state, one.alive) for one in found] == [("t1", "stopping", True), ("s1", "exited", False)]


def test_an_image_that_is_not_here_is_its_reference() -> None:
    other = PINNED.replace("d" * 64, "e" * 64)
    [one] = looked(service(), task("t1", "running", image=other)).of("galos-sync")
    assert one.image == other


def test_other_stacks_and_what_docker_compose_runs_are_not_ours() -> None:
    row = {"id": "c", "image": IMAGE, "state": "running", "restarts": 0, "name": "/galos-galos-sync-1"}
    row |= {"service": "galos-sync", "oneoff": "False", "hook": "", "project": "galos", "directory": "/srv/galos"}
    row |= dict.fromkeys(("started", "finished"), "") | {"health": None}
    found = looked(
        service("other_galos-sync", labels={STACK: "other"}), task("t1", "running"), f"container\t{json.dumps(row)}"
    )
    assert found.of("galos-sync") == []
    with pytest.raises(NotReadyError, match="docker-compose runs this service on the host, beside the cluster: galos-"):
        guard.require_no_foreign_containers(target(FakeHost(), found))
    assert "galos-galos-sync-1" in [one.name for one in found.foreign("galos-sync")]


@pytest.mark.parametrize(
    ("image", "meant"),
    [
        (f"reg:5000/a/b:v1@{DIGEST}", f"reg:5000/a/b@{DIGEST}"),
        (f"reg:5000/a/b@{DIGEST}", f"reg:5000/a/b@{DIGEST}"),
        ("reg:5000/a/b:v1", "reg:5000/a/b:v1"),
    ],
)
def test_a_tag_beside_a_digest_means_nothing(image: str, meant: str) -> None:
    assert cluster.reference(image) == meant


def test_without_an_answer_there_is_no_cluster() -> None:
    assert parse("").cluster is None


def subject(*lines: str, **more: Any) -> Subject:
    return Subject(SETTINGS, "galos-sync", replace(looked(*lines), **more))


def test_a_claim_is_a_migration_under_way() -> None:
    assert looked(note(CLAIM, "n1")).under_migration
    assert not looked(note(HOME, "n1")).under_migration


@pytest.mark.parametrize(
    ("id", "said"),
    [
        ("n1", None),
        ("n2", "the stack is at home on two"),
        ("n3", "the stack is at home on three, which does not answer"),
        ("n9", "the stack is at home on n9, which does not answer"),
    ],
)
def test_another_home_is_named(id: str, said: str | None) -> None:
    assert swarm.elsewhere(subject(note(HOME, id))) == said


def test_without_a_note_any_manager_may_be_home() -> None:
    assert swarm.elsewhere(subject()) is None


def test_what_is_wrong_with_a_service_in_a_cluster_is_found() -> None:
    well = subject(service(), task("t1", "running"), task("t2", "running", "n2"), time=1793527200)
    found = (swarm.fewer, swarm.paused, swarm.by_tag, swarm.without_image, swarm.not_supported, swarm.old_token)
    assert [bool(find(well)) for find in found] == [False] * len(found)
    assert swarm.silent(well) == ["three"]
    assert [node.name for node in well.snapshot.cluster.nodes] == ["one", "three", "two"]  # type: ignore[union-attr]
    rejected = task("t2", "rejected", "n2", error="No such image: reg/galos-sync")
    ill = subject(
        service(image="reg/galos-sync:v1", update={"State": "paused"}),
        task("t1", "running"),
        rejected,
        time=1793527200 + 13 * 3600,
        config=Secret("name: galos\nservices: {galos-sync: {image: x, privileged: true}}"),
    )
    assert swarm.fewer(ill) == "1 of 2 containers run"
    assert swarm.paused(ill) == "its update is paused"
    assert swarm.by_tag(ill) == "it runs reg/galos-sync:v1"
    assert swarm.without_image(ill) == ["two"]
    assert swarm.not_supported(ill) == ["galos-sync: privileged"]
    assert swarm.old_token(ill)


def test_where_the_engine_is_no_swarm_nothing_is_wrong_with_one() -> None:
    alone = Subject(SETTINGS, "galos-sync", Snapshot(directories=("/srv",)))
    for row in swarm.CONDITIONS:
        assert row.find(alone) is None, row.id


def test_nodes_are_told_with_their_states() -> None:
    assert cluster_line((Node("1", "one", "ready", "active", True, True), Node("2", "two", "down", "active"))) == (
        "one leads, two is down"
    )
    assert Cluster().silent == []


def test_a_node_that_came_back_just_now_is_known() -> None:
    found = looked('cluster\treturned {"id":"n2"}', 'cluster\treturned {"id":"of another"}').cluster
    assert found is not None
    assert found.returned == ("two",)


def test_a_host_without_the_directory_has_nothing_of_ours_and_every_row_still_has_its_word() -> None:
    found = replace(looked(service(), task("t1", "running"), note(HOME, "n2")), directories=(), config=Secret())
    assert found.of("galos-sync") == []
    assert not found.under_migration
    one = Subject(SETTINGS, "galos-sync", found)
    assert {row.id for row in swarm.CONDITIONS if row.find(one)} == {"node-silent"}
