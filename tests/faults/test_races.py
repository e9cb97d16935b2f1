"""Many at once, and a tag that moves."""

from __future__ import annotations

from tests.faults.conftest import Case
from tests.faults.steps import held
from tests.integration.conftest import container, image_id
from tests.integration.gate import gated
from tests.integration.test_deploy import wait_for

WAITING = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -q 'flock -w 100 [8]'"


def test_of_twenty_deploys_one_runs_and_the_others_say_who_holds_the_host(case: Case) -> None:
    with gated(case.operator.sandbox) as gate:
        first = case.deploy()
        gate.reached()
        others = [case.deploy() for _ in range(19)]
        codes = [other.end() for other in others]
        assert codes == [4] * 19
        for other in others:
            assert "has held the host for deploy since 2" in other.told
        gate.open()
        assert first.end() == 0, first.told
    assert container(case.operator.host) == f"running {image_id(case.operator.host)}"
    case.judge()


def test_two_that_wait_run_one_after_the_other(case: Case) -> None:
    both = [case.deploy("--wait", "100") for _ in range(2)]
    codes = [one.end() for one in both]
    assert codes == [0, 0], both[0].told + both[1].told
    told = sorted((one.told for one in both), key=lambda text: "nothing to do" in text)
    assert "2 applied" in told[0]
    assert "nothing to do" in told[1]
    case.judge()


def test_a_newer_latest_in_the_registry_is_not_what_starts(case: Case) -> None:
    """Pushed, and pulled on the host by hand, after the check: the release that was checked starts."""
    host, old = case.operator.host, container(case.operator.host)
    running = case.deploy(after="pending")
    running.reached()
    checked = image_id(host)
    case.operator.sandbox.publish("crashing")
    host.shell("cd && docker-compose pull -q")
    assert image_id(host) not in ("", checked)
    assert container(host) == old
    running.go_on()
    assert running.end() == 0, running.told
    assert container(host) == f"running {checked}"
    record = case.operator.judge.record()
    pulls = [event.time for event in record.of("image", "pull")]
    assert len(pulls) == 2
    assert pulls[-1] < min(event.time for event in record.about("service", "create"))
    case.judge()


def test_what_a_dead_client_left_running_is_waited_for(case: Case) -> None:
    """A step holds a lock of its own to its end, whether or not its client lives."""
    with held(case.operator, "down") as command:
        running = case.deploy()
        command.reached()
        running.kill()
        told = case.operator.refused(4, "deploy")
        assert "a step that an earlier run began still goes on" in told
        waiting = case.deploy("--wait", "100")
        wait_for(case.operator, WAITING)
        command.open()
        assert waiting.end() == 0, waiting.told
    case.converges()
