"""The client dies, or the link does, after each step and inside each step of a deploy with a backup and a migration."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.faults.conftest import Case, Running
from tests.faults.relay import cut
from tests.faults.steps import STEPS, held
from tests.integration.conftest import container, image_id
from tests.integration.gate import gated
from tests.integration.test_deploy import wait_for

FOLLOWED = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -q 'docker logs -f galos-sync-[m]igration'"
CHANGED = [step for step in STEPS if step != "record"]
DOWN = {
    **dict.fromkeys(("down", "backup", "migrate"), "Down since 2"),
    **dict.fromkeys(("up", "verify", "record"), "Perhaps down since 2"),
}
"""After which steps a client that is interrupted knows that it has stopped the service."""
SIGNALS = {
    step: signal.SIGINT if step in ("pull", "backup", "migrate", "up", "record") else signal.SIGTERM for step in STEPS
}


def deploy(case: Case, step: str) -> Running:
    """A deploy that waits after a step."""
    if step == "adopt":
        case.orphan()
    running = case.deploy(after=step)
    running.reached()
    return running


def assert_lost(running: Running) -> None:
    assert running.end() == 3, running.told
    assert "Traceback" not in running.told, running.told
    assert "the connection was lost while trying to" in running.told
    assert "next: " in running.told


def assert_interrupted(running: Running, number: signal.Signals) -> None:
    running.process.send_signal(number)
    assert running.end() == 1, running.told
    assert "interrupted" in running.told
    assert "next: " in running.told
    assert "Traceback" not in running.told, running.told


@pytest.mark.parametrize("step", STEPS)
def test_kill_9_after_a_step(case: Case, step: str) -> None:
    deploy(case, step).kill()
    case.judge()
    case.converges()


@pytest.mark.parametrize("step", CHANGED)
def test_the_link_is_reset_after_a_step(case: Case, step: str) -> None:
    running = deploy(case, step)
    case.relay.reset()
    with cut(case.relay):
        running.go_on()
        assert_lost(running)
    case.judge()
    case.converges()


@pytest.mark.parametrize("step", CHANGED)
def test_the_link_freezes_after_a_step(case: Case, step: str) -> None:
    case.impatient()
    running = deploy(case, step)
    case.relay.freeze()
    with cut(case.relay):
        running.go_on()
        assert_lost(running)
    assert case.relay.held, "the next step was never sent"
    case.judge()
    case.converges()


@pytest.mark.parametrize("break_link", ["reset", "freeze"])
def test_a_link_that_is_lost_after_the_last_step_costs_nothing(case: Case, break_link: str) -> None:
    case.impatient()
    running = deploy(case, "record")
    getattr(case.relay, break_link)()
    with cut(case.relay):
        running.go_on()
        assert running.end() == 0, running.told
    assert "deployed sha256:" in running.told
    case.judge()
    case.converges()


@pytest.mark.parametrize(("step", "number"), SIGNALS.items(), ids=SIGNALS)
def test_an_interrupt_after_a_step_is_a_sentence(case: Case, step: str, number: signal.Signals) -> None:
    running = deploy(case, step)
    assert_interrupted(running, number)
    assert DOWN.get(step, "interrupted") in running.told
    assert ("own since" in running.told) == (step in DOWN)
    case.judge()
    case.converges()


@pytest.mark.violates("checked", "another release than the one that migrated is deployed, which has nothing pending")
def test_after_a_dead_client_s_migration_the_image_before_does_not_start_again(case: Case) -> None:
    deploy(case, "migrate").kill()
    case.operator.environment["FABRIC_GALOS_VERIFY_SECONDS"] = "3"
    case.operator.sandbox.publish("crashing")
    told = case.operator.refused(7, "deploy", "--wait", "100")
    assert "a migration ran, so the previous image must not start on the new schema" in told
    case.operator.sandbox.publish("v2")
    case.converges()


def test_what_a_dead_client_left_down_starts_again_when_the_next_deploy_cannot_pull(case: Case) -> None:
    before = image_id(case.operator.host)
    deploy(case, "down").kill()
    told = case.operator.refused(1, "deploy", "--wait", "100", "--tag", "nope")
    assert "galos-sync: the previous image" in told
    assert "runs again" in told
    assert container(case.operator.host) == f"running {before}"
    case.judge()
    case.converges()


def killed(_case: Case, running: Running) -> None:
    running.kill()


def reset(case: Case, running: Running) -> None:
    case.relay.reset()
    with cut(case.relay):
        assert_lost(running)


def interrupted(_case: Case, running: Running) -> None:
    assert_interrupted(running, signal.SIGINT)


def terminated(_case: Case, running: Running) -> None:
    assert_interrupted(running, signal.SIGTERM)


@pytest.mark.parametrize("fault", [killed, reset, interrupted, terminated])
def test_a_fault_inside_each_step_in_turn(case: Case, fault: Callable[[Case, Running], None]) -> None:
    """Each run gets further than the one before; the command that it left on the host begins once it is gone."""
    for step in STEPS:
        if step == "record":  # the release before runs already, so it is not started again
            case.operator.sandbox.publish("v3")
        with held(case.operator, step) as command:
            running = case.deploy("--wait", "100")
            command.reached()
            fault(case, running)
        wait_for(case.operator, f"! {{ {FOLLOWED}; }}")  # what began a migration follows it, as the next run is to do
        case.judge()
    case.converges()


def test_kill_9_inside_the_migration(case: Case) -> None:
    with gated(case.operator.sandbox) as gate:
        running = case.deploy()
        gate.reached()
        running.kill()
        assert container(case.operator.host) == ""
    case.operator.done("deploy", "--wait", "100")
    case.judge()


def test_the_link_freezes_inside_the_migration(case: Case) -> None:
    """Nothing is sent and nothing is awaited but the end: only the keepalive can tell."""
    case.impatient()
    with gated(case.operator.sandbox) as gate:
        running = case.deploy()
        gate.reached()
        wait_for(case.operator, FOLLOWED)
        case.relay.freeze()
        with cut(case.relay):
            assert_lost(running)
        assert "the connection was lost while trying to migrate" in running.told
        assert container(case.operator.host) == ""
    case.operator.done("deploy", "--wait", "100")
    case.judge()


def test_a_slow_link_is_no_dead_one(case: Case) -> None:
    """Slower than the keepalives follow each other, for longer than a dead link is given; then 100 ms to the end."""
    case.impatient()
    with gated(case.operator.sandbox) as gate:
        case.relay.delay(0.05)
        running = case.deploy()
        gate.reached()
        wait_for(case.operator, FOLLOWED)
        case.relay.delay(0.9)
        time.sleep(2 * 4)  # what is tried is this time itself: twice that after which a silent link is dead
        assert running.process.poll() is None, running.told
        case.relay.delay(0.05)
        gate.open()
        assert running.end() == 0, running.told
    case.judge()
    assert container(case.operator.host) == f"running {image_id(case.operator.host)}"
