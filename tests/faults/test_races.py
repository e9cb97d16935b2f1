"""Many at once, and a tag that moves."""

from __future__ import annotations

from tests.faults.conftest import Case
from tests.integration.conftest import container, image_id
from tests.integration.test_deploy import MIGRATING, wait_for


def test_of_twenty_deploys_one_runs_and_the_others_say_who_holds_the_host(case: Case) -> None:
    case.operator.sandbox.migration_seconds(30)
    case.operator.sandbox.publish("slow-migration")
    first = case.deploy()
    wait_for(case.operator, MIGRATING)
    others = [case.deploy() for _ in range(19)]
    codes = [other.end() for other in others]
    assert codes == [4] * 19
    for other in others:
        assert "has held the host for deploy since 2" in other.told
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
    running = case.deploy()
    running.until("pending")
    checked = image_id(case.operator.host)
    case.operator.sandbox.publish("crashing")
    case.operator.host.shell("cd && docker-compose pull -q")
    assert running.end() == 0, running.told
    assert container(case.operator.host) == f"running {checked}"
    case.judge()


def test_what_a_dead_client_left_running_is_waited_for(case: Case) -> None:
    """A step holds a lock of its own to its end, whether or not its client lives."""
    step = "mkdir -p ~/.galos-ops && cd ~/.galos-ops && (flock step sleep 15 >/dev/null 2>&1 &)"
    case.operator.host.shell(step)
    told = case.operator.refused(4, "deploy")
    assert "a step that an earlier run began still goes on" in told
    case.converges()
