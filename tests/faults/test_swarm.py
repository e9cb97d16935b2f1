"""A Swarm of three nodes with one database: nothing runs anywhere while one of them migrates, whatever is lost."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import pytest

from galos_ops.progress import short
from sandbox import swarm
from sandbox.host import Host
from tests.described import violations
from tests.faults.barrier import AFTER, PLACE, Barrier
from tests.faults.conftest import CLIENT, Running
from tests.integration.breaking import undone
from tests.integration.conftest import FLAVOURS, REFERENCE, ROOT, Operator, image_id, wipe
from tests.integration.gate import gated
from tests.integration.test_deploy import V1, V2, applied
from tests.judge.cluster import ClusterJudge
from tests.judge.judge import created
from tests.judge.record import Run
from tests.processes import HANG_SECONDS

HOME, SECOND, THIRD = (FLAVOURS[flavour] for flavour in ("v2", "v1", "v5"))
SERVICE = "root_galos-sync"
REPLICAS = 2
ROLLING = """
services:
  galos-sync:
    stop_grace_period: 2s
    deploy:
      replicas: 2
      update_config: {order: start-first}
"""
TASKS = f"docker service ps -q {SERVICE} | xargs -r docker inspect --type task"
FORM = "{{.DesiredState}} {{.Status.State}} {{.Spec.ContainerSpec.Image}}"
RUNNING = f"{TASKS} -f '{FORM}' | grep ' running '"
MEANT = f"{TASKS} -f '{FORM}' | sed -n 's/^running running //p'"
EMPTY = '[ -z "$(docker ps -q --filter label=com.docker.swarm.service.name)" ]'
NOTES = "docker config ls --format '{{.Name}}'"


@dataclass
class Cluster:
    """A stack on three nodes; `operator` types at its home."""

    operator: Operator
    nodes: tuple[Host, ...]
    barriers: ExitStack
    place: Path

    @property
    def home(self) -> Host:
        return self.operator.host

    def at(self, node: int) -> Operator:
        """An operator at another node."""
        host = self.nodes[node]
        other = replace(self.operator, host=host, login=host.name)
        created.remove(other.judge)
        other.judge = self.operator.judge  # which judges all nodes
        return other

    def digest(self) -> str:
        """The reference by digest of what was pulled last."""
        said = self.home.shell(f"docker image inspect -f '{{{{join .RepoDigests \" \"}}}}' {REFERENCE}:latest")
        return said.split()[0]

    def runs_latest(self) -> None:
        """Assert that every replica runs the newest image, by its digest."""
        assert self.home.shell(MEANT).split() == [self.digest()] * REPLICAS

    def converges(self) -> None:
        """The same command again ends well, and leaves no note of a migration."""
        self.operator.done("deploy", "--wait", "100")
        self.runs_latest()
        assert applied(self.operator) == V2
        assert self.home.shell(NOTES) == "galos-ops-home-root"
        log = [json.loads(line) for line in self.home.shell("cat ~/.galos-ops/releases.jsonl").splitlines()]
        assert [one["image"] for one in log if one["event"] == "deploy"][-1] == image_id(self.home)

    def start(self, *words: str, after: str = "") -> Running:
        """Start `fab`, which waits `after` a step for the test to let it go on."""
        environment, barrier = {"PYTHONPATH": str(ROOT)}, None
        if after:
            barrier = self.barriers.enter_context(Barrier(self.place / after).held())
            environment |= {AFTER: after, PLACE: str(barrier.place)}
        operator = replace(self.operator, root=CLIENT, environment={**self.operator.environment, **environment})
        return Running(operator.start(*words), barrier)


@pytest.fixture
def cluster(ready: Operator, tmp_path: Path) -> Iterator[Cluster]:
    sandbox = ready.sandbox
    nodes = tuple(sandbox.host(name) for name in (HOME, SECOND, THIRD))
    for node in nodes[1:]:
        wipe(node)
    swarm.form(nodes)
    ready.environment["FABRIC_GALOS_ENGINE"] = "swarm"
    ready.host.shell(f"cat >/root/docker-compose.override.yml <<'YAML'{ROLLING}YAML")
    ready.judge = ClusterJudge(sandbox, ready.host, nodes=nodes[1:])
    ready.done("deploy")
    with ExitStack() as barriers:
        yield Cluster(ready, nodes, barriers, tmp_path)


def covered(runs: list[Run], start: int, end: int) -> bool:
    """Whether at every moment between two times one of them ran."""
    reached = start
    for run in sorted(runs, key=lambda run: run.start):
        if run.start <= reached:
            reached = max(reached, end if run.end is None else run.end)
    return reached >= end


def test_one_migration_while_no_node_runs_anything_and_the_second_deploy_changes_nothing(cluster: Cluster) -> None:
    cluster.operator.sandbox.publish("v2")
    result = cluster.operator("deploy", "--json")
    assert result.returncode == 0, result.stderr
    assert violations(json.loads(result.stdout), "deploy") == []
    assert cluster.operator.judge.migrations() == [("v2", 0)]
    cluster.runs_latest()
    mark = cluster.operator.judge.mark()
    assert "nothing to do" in cluster.operator.done("deploy")
    cluster.operator.judge.no_downtime(since=mark)
    document = json.loads(cluster.operator.done("status", "--json"))
    assert violations(document, "status") == []
    [row] = document["hosts"]
    assert [node["name"] for node in row["nodes"]] == [node.name for node in cluster.nodes]
    [service] = row["services"]
    assert service["container"]["replicas"] == "2/2"
    assert set(service["container"]["nodes"]) <= {node.name for node in cluster.nodes}
    cluster.operator.done("exec", "true")
    cluster.operator.done("doctor")
    cluster.operator.refused(5, "rollback")
    for words in (["deploy"], ["up"], ["setup"], ["hold", "--for", "2h", "--because", "x"], ["hold", "--end"]):
        told = cluster.at(1).refused(8, *words)
        assert f"{SECOND}: the stack is at home on {HOME}." in told
    assert cluster.home.shell("docker service ls --format '{{.Name}}'") == SERVICE
    cluster.converges()


def test_exec_goes_to_a_node_that_runs_the_service_and_says_where_it_is_when_that_cannot_be_reached(
    cluster: Cluster, tmp_path: Path
) -> None:
    away = f"docker node update --availability drain {HOME} && until [ $({MEANT} | wc -l) = {REPLICAS} ] && {EMPTY}"
    with undone(cluster.home, f"{away}; do sleep 0.2; done", f"docker node update --availability active {HOME}"):
        name = cluster.operator.done("exec", "cat /etc/hostname").strip()
        assert name in [one for node in cluster.nodes[1:] for one in node.shell("docker ps -q").split()]
        ended = cluster.operator("exec", "sh -c 'cat; exit 3'", stdin="typed")
        assert (ended.returncode, ended.stdout) == (3, "typed")
        alone = tmp_path / "ssh_config"
        alone.write_text(
            re.sub(f"Host ({SECOND}|{THIRD})\n", "Host unknown\n", cluster.operator.sandbox.ssh_config.read_text())
        )
        unknown = cluster.operator.start("exec", "true", ssh_config=alone)
        told = unknown.communicate(timeout=HANG_SECONDS)[0]
    assert unknown.returncode == 3, told
    assert f"galos-sync runs on that node of the cluster, and not on {HOME}." in told
    log = [json.loads(line) for line in cluster.home.shell("cat ~/.galos-ops/releases.jsonl").splitlines()]
    assert [one["detail"] for one in log if one["event"] == "exec"] == ["cat /etc/hostname", "sh -c 'cat; exit 3'"]
    assert all(not node.shell("ls -A ~/.galos-ops 2>/dev/null; true") for node in cluster.nodes[1:])
    cluster.operator.sandbox.publish("v2")
    cluster.converges()


def test_without_a_migration_there_is_no_moment_without_the_service(cluster: Cluster) -> None:
    cluster.operator.sandbox.publish("v2")
    cluster.operator.done("deploy")
    cluster.operator.sandbox.publish("v3")
    began = time.time_ns()
    told = cluster.operator.done("deploy")
    assert "service down for 0.0 s" in told
    assert ", start-first" in told
    cluster.runs_latest()
    told = cluster.operator.done("rollback")
    assert "rolled back to" in told
    releases = json.loads(cluster.operator.done("history", "--json"))["hosts"][0]["releases"]
    places = {one["detail"] for one in releases if one["event"] in ("deploy", "rollback")}
    nodes = [node.name for node in cluster.nodes]
    assert places <= {f"{REPLICAS} replicas on {', '.join(sorted(pair))}" for pair in combinations(nodes, 2)}
    ended = time.time_ns()
    cluster.operator.sandbox.publish("crashing")
    told = cluster.operator.refused(7, "deploy")
    assert "a container of it did not stay up; the previous image" in told
    assert "invalid EDDN relay address" in told
    services = [run for run in cluster.operator.judge.record().runs if run.container.kind == "service"]
    assert covered([run for run in services if run.container.release != "crashing"], began, ended)
    cluster.operator.sandbox.publish("v3")
    cluster.converges()


@pytest.mark.violates("checked", "the release that mends it has no migration that is pending any more")
def test_a_failed_migration_leaves_all_down_and_claimed_until_it_is_mended(cluster: Cluster) -> None:
    cluster.operator.sandbox.publish("broken-migration")
    told = cluster.operator.refused(6, "deploy")
    assert "Down since " in told
    assert cluster.home.shell(RUNNING, check=False) == ""
    assert cluster.nodes[1].shell(NOTES).split() == ["galos-ops-home-root", "galos-ops-migrating-root"]
    for task in ("up", "start"):
        told = cluster.operator.refused(5, task)
        assert "a migration of its cluster began and is not known to be over" in told
    assert cluster.operator("status").returncode in (5, 6)
    cluster.operator.sandbox.publish("v3")
    cluster.converges()


def test_a_migration_whose_client_was_killed_is_resumed_with_nothing_up_anywhere(cluster: Cluster) -> None:
    with gated(cluster.operator.sandbox) as gate:
        running = cluster.start("deploy")
        gate.reached()
        running.kill()
        assert cluster.home.shell(RUNNING, check=False) == ""
        cluster.operator.refused(5, "up")
        again = cluster.start("deploy", "--wait", "100")
        gate.open()
        assert again.end() == 0, again.told
    assert "✓ adopt" in again.told
    cluster.runs_latest()
    assert cluster.home.shell(NOTES) == "galos-ops-home-root"


def test_a_node_that_is_cut_off_keeps_a_migration_away_and_no_release_without_one(cluster: Cluster) -> None:
    cluster.operator.sandbox.publish("v2")
    swarm.demote(cluster.home, cluster.nodes[2])
    with swarm.cut_off(cluster.nodes[2]):
        swarm.wait(cluster.home, 2)
        mark = cluster.operator.judge.mark()
        told = cluster.operator.refused(8, "deploy")
        assert f"{THIRD} does not answer" in told
        assert cluster.operator.judge.of_service("kill", "die", since=mark) == []
        assert applied(cluster.operator) == V1
        assert cluster.operator.judge.migrations() == []
        assert "node-silent" in cluster.operator.refused(8, "doctor")
    swarm.wait(cluster.home, 3)
    assert f"{THIRD} does not answer, or not for a minute yet" in cluster.operator.refused(8, "deploy")
    swarm.settle(cluster.home)
    cluster.operator.done("deploy")
    cluster.operator.sandbox.publish("v3")
    with swarm.cut_off(cluster.nodes[2]):
        swarm.wait(cluster.home, 2)
        cluster.operator.done("deploy")
        cluster.runs_latest()
    swarm.wait(cluster.home, 3)
    cluster.converges()


def test_what_a_lost_node_may_still_run_is_not_taken_for_what_runs(cluster: Cluster) -> None:
    cluster.operator.sandbox.publish("v2")
    cluster.operator.done("deploy")
    before = image_id(cluster.home)
    lost = next(at for at in (1, 2) if cluster.nodes[at].shell("docker ps -q"))
    swarm.demote(cluster.home, cluster.nodes[lost])
    cluster.operator.sandbox.publish("v3")
    with swarm.cut_off(cluster.nodes[lost]):
        swarm.wait(cluster.home, 2)
        cluster.operator.done("deploy")
        assert "shutdown running" in cluster.home.shell(f"{TASKS} -f '{FORM}'")
        for _ in range(2):
            assert "nothing to do" in cluster.operator.done("deploy")
        [row] = json.loads(cluster.operator("status", "--json").stdout)["hosts"]
        found = row["services"][0]["container"]
        assert (found["state"], found["image"], found["replicas"]) == ("running", image_id(cluster.home), "2/2")
        assert cluster.nodes[lost].name not in found["nodes"]
        [host] = json.loads(cluster.operator.done("history", "--json"))["hosts"]
        assert [one["event"] for one in host["releases"]].count("deploy") == 3
        assert f"rolled back to {short(before)}" in cluster.operator.done("rollback")
    swarm.wait(cluster.home, 3)
    swarm.settle(cluster.home)  # a node that is just back may refuse a task, as its networks are not
    cluster.converges()


def test_a_node_that_is_lost_while_the_service_stops_starts_it_again_and_nothing_migrates(cluster: Cluster) -> None:
    lost = next(at for at in (1, 2) if cluster.nodes[at].shell("docker ps -q"))
    cluster.operator.sandbox.publish("v2")
    swarm.demote(cluster.home, cluster.nodes[lost])
    running = cluster.start("deploy", after="pending")
    running.reached()
    with swarm.cut_off(cluster.nodes[lost]):  # for some seconds nobody notices
        running.go_on()
        assert running.end() == 8, running.told
        assert f"{cluster.nodes[lost].name} does not answer" in running.told
        assert "the previous image" in running.told
        assert "runs again" in running.told
        assert applied(cluster.operator) == V1
        assert cluster.operator.judge.migrations() == []
    swarm.wait(cluster.home, 3)
    swarm.settle(cluster.home)
    cluster.converges()


def test_what_somebody_starts_between_the_stop_and_the_migration_keeps_that_away(cluster: Cluster) -> None:
    cluster.operator.sandbox.publish("v2")
    running = cluster.start("deploy", after="down")
    running.reached()
    with cluster.operator.judge.by_hand("somebody scales the service up again"):
        cluster.nodes[1].shell(f"docker service scale -d {SERVICE}=1")
    running.go_on()
    assert running.end() == 5, running.told
    assert f"{SERVICE}.1 runs beside it" in running.told
    assert cluster.operator.judge.migrations() == []
    cluster.converges()


def test_a_leader_that_moves_while_it_migrates_costs_nothing(cluster: Cluster) -> None:
    with gated(cluster.operator.sandbox) as gate:
        running = cluster.start("deploy")
        gate.reached()
        for change in ("demote", "promote"):  # a node that changes meanwhile is out of sequence
            cluster.nodes[1].shell(f"until docker node {change} {HOME}; do sleep 0.5; done")
        led = "docker node ls --format '{{.ManagerStatus}}' | grep -q Leader"
        cluster.nodes[1].shell(f"until {led}; do sleep 0.2; done")
        cluster.home.shell("until docker node ls >/dev/null 2>&1; do sleep 0.2; done")
        swarm.wait(cluster.home, 3)
        gate.open()
        assert running.end() == 0, running.told
    assert "Leader" not in cluster.home.shell(f"docker node inspect -f '{{{{.ManagerStatus}}}}' {HOME}").split()
    cluster.runs_latest()


def test_a_manager_that_restarts_while_it_migrates_costs_nothing(cluster: Cluster) -> None:
    with gated(cluster.operator.sandbox) as gate:
        running = cluster.start("deploy")
        gate.reached()
        cluster.nodes[1].shell("service docker restart")
        cluster.home.shell("until docker node ls >/dev/null 2>&1; do sleep 0.2; done")
        swarm.wait(cluster.home, 3)
        gate.open()
        assert running.end() == 0, running.told
    cluster.runs_latest()


def test_a_container_that_ignores_sigterm_is_waited_for(cluster: Cluster) -> None:
    deaf = "    init: false\n    entrypoint: [sh, -c, \"trap '' TERM; galos-sync & while :; do sleep 1; done\"]\n"
    cluster.home.execute(["sh", "-c", "cat >>/root/docker-compose.override.yml"], stdin=deaf)
    cluster.operator.done("deploy")
    cluster.operator.sandbox.publish("v2")
    cluster.operator.done("deploy")
    cluster.converges()


def test_a_home_without_a_quorum_does_not_tell_what_runs_and_changes_nothing(cluster: Cluster) -> None:
    cluster.home.shell("echo NEWER=1 >>/root/.env")  # a release without a migration
    running = cluster.start("deploy", after="pending")
    running.reached()
    with swarm.cut_off(cluster.home):
        cluster.home.shell("while docker node ls >/dev/null 2>&1; do sleep 0.2; done")
        running.go_on()
        assert running.end() == 8, running.told
        assert "does not tell which of its managers changes it; nothing was done to start" in running.told
        for task in ("deploy", "up", "start", "stop", "rollback", "status"):
            told = cluster.operator.refused(8, task)
            assert f"{HOME}: the cluster does not tell what it runs." in told, task
        assert "swarm-silent" in cluster.operator.refused(8, "doctor")
        [service] = json.loads(cluster.operator("status", "--json").stdout)["hosts"][0]["services"]
        assert service["container"]["state"] == "unknown"
    swarm.wait(cluster.home, 3)
    cluster.operator.done("deploy")
    cluster.runs_latest()


def test_when_the_home_is_gone_for_good_another_manager_takes_its_place(cluster: Cluster) -> None:
    second = cluster.at(1)
    cluster.nodes[1].shell("docker config rm galos-ops-home-root")
    second.done("setup")
    cluster.nodes[1].shell(f"cat >/root/docker-compose.override.yml <<'YAML'{ROLLING}YAML")
    second.done("deploy")
    told = cluster.operator.refused(8, "deploy")
    assert f"{HOME}: the stack is at home on {SECOND}." in told
