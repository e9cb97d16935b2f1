"""What of services runs anywhere in a cluster, and whether it stays up: scripts in real shells, with Docker's words."""

from __future__ import annotations

import pytest

from galos_ops.engines.swarm import tasks as swarm_tasks
from galos_ops.engines.watching import HEALTH_SECONDS, LOG_LINES, SILENT, UP
from galos_ops.host.result import Result
from galos_ops.host.shell import ExitCode
from tests.unit.local_host import LocalHost, Reply

SERVICES = "service ls --format {{.Name}}"
NODES = "node ls --format {{.Status}} {{.Hostname}} {{.ID}}"
PS = "service ps --no-trunc --format {{.CurrentState}} {{.Name}} galos_sync"
AWAY = Reply(exited=1, stderr="The swarm does not have a leader.\n")

SPEC = f"service inspect -f {swarm_tasks.IMAGE} {{{{with .UpdateStatus}}}}{{{{.State}}}}{{{{end}}}} galos_sync"
IDS = "service ps -q --no-trunc galos_sync"
LOGS = f"service logs --raw --tail {LOG_LINES}"


READY = "Ready a id-a\nReady b id-b\n"
EVENTS = """
case "$*" in
"events --since "*" --filter type=node --format "*) cat "$HOME/events" ;;
*) exec "$0.stub" "$@" ;;
esac
"""


def seen(host: LocalHost, events: str) -> None:
    """Have the engine tell of what happened to nodes in the last minute, with the rest of Docker as it is stubbed."""
    host.put("~/events", events)
    stub = host.stubs.bin / "docker"
    stub.rename(f"{stub}.stub")
    host.stubs.program("docker", EVENTS)


def proved(host: LocalHost, ps: str | Reply, nodes: str | Reply = READY, events: str = "") -> Result:
    host.stubs.add("docker", {SERVICES: "galos_sync\nother\n", NODES: nodes})
    host.stubs.add("docker", {PS: ps}, asked=False)
    seen(host, events)
    return host.run(swarm_tasks.prove_gone(["galos_sync", "galos_absent"]), doing="look", check=False)


@pytest.mark.parametrize(
    "ps",
    [
        "",
        "Shutdown 3 seconds ago galos_sync.1\nFailed 2 hours ago galos_sync.1\nRejected 1 second ago galos_sync.2\n",
        "Complete 3 seconds ago galos_sync.1\nRemove 1 second ago galos_sync.1\n",
    ],
)
def test_a_service_without_a_task_that_may_run_is_gone(host: LocalHost, ps: str) -> None:
    assert proved(host, ps).ok


@pytest.mark.parametrize(
    "state", ["Running", "Starting", "Preparing", "Pending", "New", "Ready", "Accepted", "Assigned"]
)
def test_a_task_in_any_other_state_is_named(host: LocalHost, state: str) -> None:
    result = proved(host, f"Failed 1 second ago galos_sync.1\n{state} 3 seconds ago galos_sync.2\n")
    assert result.exited == ExitCode.STILL_RUNS
    assert result.stdout.split() == ["galos_sync.2"]


@pytest.mark.parametrize("state", ["Down", "Unknown", "Disconnected"])
def test_a_node_that_does_not_answer_may_run_anything(host: LocalHost, state: str) -> None:
    result = proved(host, "", f"Ready a id-a\n{state} b id-b\n")
    assert (result.exited, result.stdout, result.stderr) == (ExitCode.STILL_RUNS, "", "away: b\n")


@pytest.mark.parametrize("before", ["down", "disconnected"])
def test_so_may_one_that_came_back_just_now(host: LocalHost, before: str) -> None:
    result = proved(host, "", events=f"{before} ready id-b\n{before} ready id-b\n")
    assert (result.exited, result.stdout, result.stderr) == (ExitCode.STILL_RUNS, "", "just back: b\n")


@pytest.mark.parametrize("event", ["unknown ready id-b", "ready down id-b", "  id-b", "down ready of-another-cluster"])
def test_what_joined_or_met_a_new_leader_was_not_away(host: LocalHost, event: str) -> None:
    assert proved(host, "", events=f"{event}\n").ok


@pytest.mark.parametrize("silent", ["nodes", "tasks"])
def test_a_cluster_that_does_not_tell_proves_nothing(host: LocalHost, silent: str) -> None:
    result = proved(host, "", AWAY) if silent == "nodes" else proved(host, AWAY)
    assert result.exited == ExitCode.STILL_RUNS
    assert "leader" in result.stderr


def watched(host: LocalHost, *looks: str, spec: str = "image completed", seconds: int = 1, before: str = "") -> str:
    """The verdict on a service of two replicas whose tasks are these, look after look, the last ones for ever."""
    replies = [Reply(look) for look in looks]
    host.stubs.add("docker", {SPEC: f"{spec}\n"})
    host.stubs.add(
        "docker", {IDS: "t1\nt2\n", f"inspect --type task -f {swarm_tasks.TASK} t1 t2": replies}, asked=False
    )
    inspected = {f"inspect --type task -f {{{{.Status.Err}}}} {one}": "exit 1\n" for one in ("t1", "t2")}
    logs = {f"{LOGS} {one}": "the log\n" for one in ("t1", "t2", "galos_sync")}
    host.stubs.add("docker", {**inspected, **logs}, asked=False)
    host.stubs.add("sleep", {"0.5": ""}, asked=False)
    script = swarm_tasks.watch("galos_sync", "s", "image", 2, seconds, before.split())
    return host.run(script, doing="verify").stdout


RUNS = "t1 running running sum=s\nt2 running running sum=s\n"


@pytest.mark.parametrize("seconds", [1, 3])
def test_all_replicas_must_run_for_their_time(host: LocalHost, seconds: int) -> None:
    assert watched(host, RUNS, seconds=seconds) == f"{UP}\n"
    assert host.stubs.calls.count("sleep 0.5") == 2 * seconds


@pytest.mark.parametrize(
    "early",
    [
        "t1 running running sum=s\nt2 running preparing sum=s\n",
        "t1 running running sum=s\nt2 shutdown running sum=s\n",
        "t1 running running sum=s\nt2 running running sum=old\n",
        RUNS + "t3 running running sum=old\n",
        RUNS + "t3 ready starting sum=old\n",
        "",
    ],
)
def test_what_is_not_there_yet_is_waited_for(host: LocalHost, early: str) -> None:
    assert watched(host, early, early, RUNS) == f"{UP}\n"
    assert host.stubs.calls.count("sleep 0.5") == 4


def test_one_that_comes_back_too_late_begins_its_time_anew(host: LocalHost) -> None:
    assert watched(host, RUNS, "t1 running running sum=s\n", RUNS) == f"{UP}\n"
    assert host.stubs.calls.count("sleep 0.5") == 4


@pytest.mark.parametrize(
    ("last", "verdict"),
    [
        ("t1 running running sum=s\nt2 shutdown failed sum=s\n", "ended"),
        ("t1 running running sum=s\nt2 shutdown complete sum=s\n", "ended"),
        ("t1 running running sum=s\nt2 shutdown rejected sum=s\n", "rejected"),
    ],
)
def test_a_task_of_ours_that_ends_is_told_with_its_reason_and_its_log(host: LocalHost, last: str, verdict: str) -> None:
    assert watched(host, RUNS, last) == f"{verdict}\nexit 1\nthe log\n"


def test_one_that_ended_before_does_not_count(host: LocalHost) -> None:
    assert watched(host, RUNS + "t0 shutdown failed sum=s\n", before="t0") == f"{UP}\n"


@pytest.mark.parametrize("words", ["shutdown failed", "shutdown running", "remove running"])
def test_neither_does_one_of_another_image_that_is_to_end(host: LocalHost, words: str) -> None:
    assert watched(host, RUNS + f"t0 {words} sum=old\n") == f"{UP}\n"
    assert host.stubs.calls.count("sleep 0.5") == 2


@pytest.mark.parametrize(
    ("spec", "verdict"),
    [("image paused", "paused"), ("image rollback_started", "paused"), ("other updating", "changed")],
)
def test_an_update_that_stopped_or_is_not_ours_is_told(host: LocalHost, spec: str, verdict: str) -> None:
    assert watched(host, RUNS, spec=spec) == f"{verdict}\nthe log\n"


def test_it_is_not_waited_for_for_ever(host: LocalHost) -> None:
    host.stubs.program("docker", 'case "$*" in "service inspect"*) echo "image " ;; esac')
    host.stubs.program("sleep", ":")
    script = swarm_tasks.watch("galos_sync", "s", "image", 2, 1, []).replace(str(2 * HEALTH_SECONDS), "3")
    assert host.run(script, doing="verify").stdout == "starting\n"


def test_a_cluster_that_does_not_answer_is_no_verdict(host: LocalHost) -> None:
    host.stubs.program("docker", "echo no leader >&2; exit 1")
    host.stubs.program("sleep", ":")
    script = swarm_tasks.watch("galos_sync", "s", "image", 2, 1, []).replace(str(2 * HEALTH_SECONDS), "3")
    assert host.run(script, doing="verify").stdout == f"{SILENT}\nno leader\n"


def awaited(host: LocalHost, *looks: str, nodes: str = READY) -> Result:
    """The end of a wait for a service whose tasks are these, look after look."""
    host.stubs.add("docker", {SERVICES: "galos_sync\n", NODES: nodes})
    host.stubs.add("docker", {PS: [Reply(look) for look in looks]}, asked=False)
    seen(host, "")
    host.stubs.add("sleep", {"0.5": ""}, asked=False)
    return host.run(swarm_tasks.await_gone(["galos_sync"], 30), doing="stop", check=False)


def test_a_stop_is_awaited(host: LocalHost) -> None:
    runs, ended = "Running 1 second ago galos_sync.1\n", "Shutdown 1 second ago galos_sync.1\n"
    assert awaited(host, runs, runs, ended).ok
    assert host.stubs.calls.count("sleep 0.5") == 2


def test_a_stop_that_does_not_end_is_given_up(host: LocalHost) -> None:
    result = awaited(host, "Running 1 second ago galos_sync.1\n")
    assert (result.exited, result.stdout) == (ExitCode.STILL_RUNS, "galos_sync.1\n")
    assert host.stubs.calls.count("sleep 0.5") == 59


def test_a_node_that_is_lost_meanwhile_is_not_awaited_as_long(host: LocalHost) -> None:
    result = awaited(host, "", nodes="Ready a id-a\nDown b id-b\n")
    assert (result.exited, result.stdout.strip()) == (ExitCode.STILL_RUNS, "")
    assert host.stubs.calls.count("sleep 0.5") == 2 * swarm_tasks.UNKNOWN_SECONDS - 1


DEPLOY = "stack deploy --with-registry-auth --resolve-image never -c - galos"
CONFLICT = Reply(exited=1, stderr=f"failed to update service galos_sync: {swarm_tasks.CAME_BETWEEN}\n")
REFUSED = Reply(exited=1, stderr="network outside is declared as external, but could not be found\n")


@pytest.mark.parametrize(
    ("replies", "ok", "calls"),
    [
        ([CONFLICT, CONFLICT, Reply("Updating service galos_sync\n")], True, 3),
        ([CONFLICT], False, 5),
        ([REFUSED], False, 1),
    ],
    ids=["twice", "for ever", "another reason"],
)
def test_what_a_change_of_the_cluster_came_between_is_given_to_it_again(
    host: LocalHost, replies: list[Reply], ok: bool, calls: int
) -> None:
    host.stubs.add("docker", {DEPLOY: replies})
    host.stubs.add("sleep", {"0.5": ""}, asked=False)
    script = f"echo '{{}}' | {{ {swarm_tasks.deploy('galos', 'never')}; }}"
    done = host.run(script, doing="start", check=False)
    assert (done.ok, host.stubs.calls.count(f"docker {DEPLOY}")) == (ok, calls)
    assert (replies[-1].stdout or replies[-1].stderr) in done.stderr
