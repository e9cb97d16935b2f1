"""What the Swarm engine waits for when it stops services, and what it makes of a stop that failed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest_mock import MockerFixture

from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.engine import Entrance
from galos_ops.engines.swarm import look
from galos_ops.engines.swarm.swarm import GRACE_SECONDS, STOP_SECONDS, Swarm
from galos_ops.errors import CommandFailed, NotReadyError
from galos_ops.host.shell import ExitCode
from galos_ops.redaction import Secret
from tests.unit.fake_host import FakeHost, said
from tests.unit.targets import FACTS, target
from tests.unit.test_cluster import looked, service, task

SLOW = "name: galos\nservices: {slow: {stop_grace_period: 5m}, quick: {stop_grace_period: 1s}, other: {}}"
ENGINE = Swarm.of(DockerCompose("docker-compose", (2, 26)), replace(FACTS, config=Secret(SLOW)))
START_FIRST = "update_config: {order: start-first}"


def looks(seconds: int) -> str:
    return f"[ $look -lt {2 * seconds} ]"


def test_a_stop_is_awaited_as_long_as_the_compose_file_gives_it() -> None:
    assert looks(300 + STOP_SECONDS) in ENGINE.stop(["slow", "other"])
    assert looks(300 + STOP_SECONDS) in ENGINE.down()
    for name in ("quick", "other"):
        assert looks(GRACE_SECONDS + STOP_SECONDS) in ENGINE.stop([name])


@pytest.mark.parametrize("how", ["away", "just back"])
def test_a_node_that_was_lost_while_it_stopped_is_named(how: str) -> None:
    result = said(exited=ExitCode.STILL_RUNS, stderr=f"galos_slow scaled to 0\n{how}: two\n{how}: two\n")
    error = ENGINE.still_runs_error(target(FakeHost()), result)
    assert isinstance(error, NotReadyError), type(error).__name__
    assert error.sentence.startswith("box: galos-sync: two does not answer, or not for a minute yet, ")


@pytest.mark.parametrize(
    ("config", "order", "rolls"),
    [("", "stop-first", False), ("replicas: 2", "stop-first", True), (START_FIRST, "start-first", True)],
)
def test_an_update_without_downtime_is_what_the_compose_file_asks_for(config: str, order: str, rolls: bool) -> None:
    file = Secret(f"services: {{galos-sync: {{deploy: {{{config}}}}}}}")
    chosen = target(FakeHost(), replace(FACTS, config=file))
    assert (ENGINE.order(chosen), ENGINE.rolls(chosen)) == (order, rolls)


def test_what_still_runs_is_named_once() -> None:
    result = said("galos_slow.1 galos_slow.1 galos_slow.2\n", ExitCode.STILL_RUNS)
    error = ENGINE.still_runs_error(target(FakeHost()), result)
    assert isinstance(error, CommandFailed)
    assert error.sentence == "box: galos-sync: galos_slow.1 galos_slow.2 still runs after it was stopped."


def test_what_docker_says_of_itself_is_told() -> None:
    error = ENGINE.still_runs_error(target(FakeHost()), said(exited=1, stderr="The swarm does not have a leader."))
    assert "could not stop (exit 1)" in error.sentence
    assert error.evidence == "The swarm does not have a leader."


def test_exec_takes_the_container_that_runs_at_home() -> None:
    found = looked(service(), task("t1", "running", "n2"), task("t2", "running", "n1"), task("t3", "starting", "n1"))
    assert ENGINE.session(target(FakeHost(), found)) == Entrance("c-t2")


def test_exec_takes_one_on_another_node_where_none_runs_at_home() -> None:
    away = looked(service(), task("t1", "running", "n2"), task("t2", "starting", "n1"))
    assert ENGINE.session(target(FakeHost(), away)) == Entrance("c-t1", "two")
    with pytest.raises(NotReadyError, match="box: galos-sync: no container of it runs"):
        ENGINE.session(target(FakeHost(), looked(service(replicas=0))))


def test_a_release_is_said_to_run_on_its_nodes_and_a_cluster_that_is_silent_keeps_it_from_no_log(
    mocker: MockerFixture,
) -> None:
    found = looked(service(), task("t1", "running", "n2"), task("t2", "running", "n1"), task("t3", "starting", "n1"))
    mocker.patch.object(look, "look", return_value=found)
    assert ENGINE.placed(target(FakeHost())) == "2 replicas on one, two"
    mocker.patch.object(look, "look", side_effect=NotReadyError("the cluster does not tell what it runs."))
    assert ENGINE.placed(target(FakeHost())) == ""
