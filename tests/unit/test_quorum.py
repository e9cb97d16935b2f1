"""A manager that does not tell what its cluster runs, as without a quorum: what it says is taken for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.diagnostics.ready import require_ready
from galos_ops.diagnostics.status import container
from galos_ops.engines import cluster_notes
from galos_ops.engines.cluster_notes import CLAIM, HOME, NODE
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.snapshot import cluster
from galos_ops.engines.snapshot.probe import HELPERS
from galos_ops.engines.snapshot.probe_output import parse
from galos_ops.engines.swarm import look
from galos_ops.engines.swarm.swarm import Swarm
from galos_ops.errors import NotReadyError
from tests.unit.fake_host import FakeHost, said
from tests.unit.local_host import LocalHost, Reply
from tests.unit.targets import SETTINGS, held, target
from tests.unit.test_cluster import INFO, RESOLVED, looked, node, note, service, task

LEADERLESS = "The swarm does not have a leader."
AWAY = Reply(exited=1, stderr=f"Error response from daemon: {LEADERLESS}\n")
SERVICES, NODES, NOTES = "service ls -q", "node ls -q", f"config ls -q --filter label={NODE}"
TASKS = "service ps -q --no-trunc s1"
INSPECTED = f"inspect --type task -f {cluster.TASKS} t1 t2"
WHOSE = f'config inspect -f {{{{index .Spec.Labels "{NODE}"}}}} {HOME}-galos'
FACTS = replace(looked(), engine="26.1", flavour=DockerCompose("docker-compose", (2, 26)), compose_file="compose.yml")


def printed(line: str) -> str:
    return f"{line.split(' ', 1)[1]}\n"


ANSWERS: dict[str, str | Reply | list[Reply]] = {
    f"info -f cluster\tinfo {cluster.INFO}": f"{INFO}\n",
    SERVICES: "s1\n",
    f"service inspect -f {cluster.SERVICES} s1": printed(service()),
    "service inspect -f {{.Spec.TaskTemplate.ContainerSpec.Image}} s1": "reg/galos-sync\n",
    TASKS: "t1\nt2\n",
    INSPECTED: printed(task("t1", "running")) + printed(task("t2", "running")),
    NODES: "n1\n",
    f"node inspect -f {cluster.NODES} n1": printed(node("n1", "one")),
    NOTES: "c1\n",
    f"config inspect -f {cluster.NOTES} c1": printed(note(CLAIM, "n1")),
}


def asked(host: LocalHost, **changed: str | Reply | list[Reply]) -> cluster.Cluster:
    """What the script makes of the answers of a manager."""
    host.stubs.add("docker", ANSWERS | changed, asked=False)
    stub = host.stubs.bin / "docker"
    stub.rename(f"{stub}.stub")
    host.stubs.program("docker", 'case "$1" in events) ;; image) exit 1 ;; *) exec "$0.stub" "$@" ;; esac')
    found = parse(host.run(f"{HELPERS}\n{cluster.script()}", doing="look").stdout).cluster
    assert found is not None
    return found


def test_a_manager_that_answers_every_question_tells(host: LocalHost) -> None:
    found = asked(host)
    assert (found.tells, found.manager, found.node) == (True, True, "n1")
    assert [one.id for one in found.services] == ["s1"]
    assert [one.id for one in found.tasks] == ["t1", "t2"]
    assert [one.id for one in found.nodes] == ["n1"]
    assert found.note(CLAIM, "galos") == "n1"


def test_so_does_one_of_a_cluster_that_runs_nothing(host: LocalHost) -> None:
    found = asked(host, **{SERVICES: "", NOTES: ""})
    assert (found.tells, found.services, found.tasks) == (True, (), ())


@pytest.mark.parametrize("question", [SERVICES, TASKS, INSPECTED, NODES, NOTES])
def test_one_that_leaves_a_question_open_does_not_tell(host: LocalHost, question: str) -> None:
    assert not asked(host, **{question: AWAY}).tells


def test_what_goes_while_it_is_inspected_is_listed_anew(host: LocalHost) -> None:
    gone = Reply(printed(task("t1", "running")), 1, "Error: No such task: t2\n")
    found = asked(host, **{INSPECTED: [gone, Reply(str(ANSWERS[INSPECTED]))]})
    assert found.tells
    assert [one.id for one in found.tasks] == ["t1", "t2"]


def test_an_engine_that_says_nothing_of_itself_is_no_worker_and_does_not_tell() -> None:
    found = parse("cluster\tasked {}").cluster
    assert found is not None
    assert (found.manager, found.tells) == (True, False)


def test_what_a_silent_cluster_runs_is_not_known_and_nothing_is_done() -> None:
    silent = replace(FACTS, cluster=cluster.Cluster("n1", manager=True, error=LEADERLESS))
    settings = replace(SETTINGS, engine="swarm")
    with pytest.raises(NotReadyError, match="box: the cluster does not tell what it runs") as caught:
        require_ready(CommandLine("box", "deploy"), settings, silent)
    assert caught.value.evidence == LEADERLESS
    assert container(silent, "galos-sync").state == "unknown"
    assert require_ready(CommandLine("box", "deploy"), settings, FACTS)
    assert container(FACTS, "galos-sync").state == "none"


def test_a_look_that_is_not_answered_is_no_look() -> None:
    parts = ("part\tcontainers", "part\tswarm")
    info = INFO.replace("}", f', "error": "{LEADERLESS}"}}')
    with pytest.raises(NotReadyError, match="the cluster does not tell what it runs") as caught:
        look.seen(target(FakeHost(), FACTS), said("\n".join((info, RESOLVED, *parts))))
    assert caught.value.evidence == LEADERLESS
    told = said("\n".join((info, "cluster\ttold {}", RESOLVED, *parts)))
    assert look.seen(target(FakeHost(), FACTS), told).cluster


def test_a_home_that_is_not_told_is_no_other_home(host: LocalHost) -> None:
    engine = Swarm(DockerCompose("docker-compose", (2, 26)), "galos", {})
    one = replace(held(host, replace(FACTS, directories=(str(host.home),))), engine=engine)
    host.stubs.program("docker", f"echo '{LEADERLESS}' >&2; exit 1")
    with pytest.raises(NotReadyError, match="does not tell which of its managers changes it; nothing was done to try"):
        one.change("echo done", doing="try")
    host.stubs.program("docker", 'case "$*" in "config inspect "*) echo n2 ;; esac')
    with pytest.raises(NotReadyError, match="another manager of the cluster is the one that changes it by now") as at:
        one.change("echo done", doing="try")
    assert at.value.evidence.strip() == "home: node n2"
    host.stubs.program("docker", 'case "$*" in "config inspect "*) echo n1 ;; esac')
    assert one.change("echo done", doing="try").stdout == "done\n"


def test_a_stack_without_a_home_is_at_home_where_it_is_changed_first(host: LocalHost) -> None:
    host.stubs.add("docker", {WHOSE: [Reply(exited=1, stderr="Error: No such config\n"), Reply("n1\n")]})
    host.stubs.add("docker", {f"config create --label {NODE}=n1 {HOME}-galos -": ""})
    assert host.run(cluster_notes.home("galos", "n1"), doing="try").ok
