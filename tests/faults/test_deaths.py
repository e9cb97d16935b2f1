"""The client dies, or the link does, at each step of a deploy with a migration."""

from __future__ import annotations

import signal

import pytest

from tests.faults.conftest import STEPS, Case
from tests.integration.conftest import container, image_id
from tests.integration.test_deploy import MIGRATING, wait_for

FOLLOWED = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -q 'docker logs -f galos-sync-[m]igration'"


@pytest.mark.parametrize("step", STEPS)
def test_kill_9_after_a_step(case: Case, step: str) -> None:
    running = case.deploy()
    running.until(step)
    running.process.kill()
    running.end()
    case.judge()
    case.converges()


def test_kill_9_inside_the_migration(case: Case) -> None:
    case.operator.sandbox.migration_seconds(5)
    case.operator.sandbox.publish("slow-migration")
    running = case.deploy()
    wait_for(case.operator, MIGRATING)
    running.process.kill()
    running.end()
    assert container(case.operator.host) == ""
    case.operator.done("deploy", "--wait", "100")
    case.judge()


@pytest.mark.parametrize("step", STEPS)
def test_the_link_is_reset_after_a_step(case: Case, step: str) -> None:
    running = case.deploy()
    running.until(step)
    case.relay.reset()
    code = running.end()
    assert "Traceback" not in running.told, running.told
    if code:
        assert code == 3, running.told
        assert "the connection was lost while trying to" in running.told
        assert "next: " in running.told
    case.judge()
    case.converges()


@pytest.mark.parametrize("step", STEPS)
def test_the_link_freezes_after_a_step(case: Case, step: str) -> None:
    case.impatient()
    running = case.deploy()
    running.until(step)
    case.relay.freeze()
    assert running.end() == 3, running.told
    assert "the connection was lost while trying to" in running.told
    case.judge()
    case.converges()


def test_the_link_freezes_inside_the_migration(case: Case) -> None:
    """Nothing is sent and nothing is awaited but the end: only the keepalive can tell."""
    case.impatient()
    case.operator.sandbox.migration_seconds(5)
    case.operator.sandbox.publish("slow-migration")
    running = case.deploy()
    wait_for(case.operator, FOLLOWED)
    case.relay.freeze()
    assert running.end() == 3, running.told
    assert "the connection was lost while trying to migrate" in running.told
    case.operator.done("deploy", "--wait", "100")
    case.judge()


def test_a_slow_link_is_no_dead_one(case: Case) -> None:
    """Slower than the keepalives follow each other, for longer than a dead link is given; then 100 ms to the end."""
    case.impatient()
    case.operator.sandbox.migration_seconds(8)
    case.operator.sandbox.publish("slow-migration")
    case.relay.delay(0.05)
    running = case.deploy()
    wait_for(case.operator, FOLLOWED)
    case.relay.delay(0.9)
    wait_for(case.operator, f"! {MIGRATING}")
    case.relay.delay(0.05)
    assert running.end() == 0, running.told
    case.judge()
    assert container(case.operator.host) == f"running {image_id(case.operator.host)}"


@pytest.mark.parametrize(
    ("step", "number"), [("pull", signal.SIGINT), ("down", signal.SIGTERM), ("migrate", signal.SIGINT)]
)
def test_an_interrupt_after_a_step_is_a_sentence(case: Case, step: str, number: signal.Signals) -> None:
    running = case.deploy()
    running.until(step)
    running.process.send_signal(number)
    assert running.end() == 1, running.told
    assert "interrupted" in running.told
    assert "Traceback" not in running.told, running.told
    case.judge()
    case.converges()
