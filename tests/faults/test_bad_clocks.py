"""The clocks of the host and of the operator's machine are wrong."""

from __future__ import annotations

from tests.faults.conftest import Case
from tests.integration.breaking import clock_off
from tests.integration.conftest import REFERENCE, container, image_id

DAY = 86400
KEPT = "docker images --no-trunc --format '{{.ID}}' galos-ops/galos-sync"


def test_a_host_whose_clock_is_wrong_is_told_so(case: Case) -> None:
    """AWS takes no signature that is older or newer than five minutes."""
    case.operator.host.shell("rm -rf ~/.ecr")
    for skew, words in ((DAY, "Signature expired"), (-DAY, "Signature not yet current")):
        with clock_off(case.operator.sandbox, skew):
            told = case.operator.refused(1, "deploy")
            assert "could not pull" in told
            assert f"next: {case.operator.next('ecr.check')}" in told
            told = case.operator.refused(8, "ecr.check")
            assert words in told
            assert "next: set the clock of sandbox" in told
    case.operator.judge.untouched()
    case.converges()


def test_an_operator_whose_clock_is_behind_keeps_and_finds_the_right_releases(case: Case) -> None:
    """The releases before were recorded by a clock that is years ahead of ours."""
    operator, host = case.operator, case.operator.host
    operator.environment["FABRIC_GALOS_RELEASES_KEEP"] = "2"
    host.shell('sed -i \'s/"time": "20/"time": "29/\' ~/.galos-ops/releases.jsonl')
    for day in (1, 2):
        host.shell(f"docker tag {REFERENCE}:latest galos-ops/galos-sync:2999-01-0{day}T000000Z")
    operator.done("deploy")
    second = image_id(host)
    operator.sandbox.publish("v3")
    operator.done("deploy")
    assert set(host.shell(KEPT).split()) == {second, image_id(host)}
    host.shell("docker image prune -f")
    operator.done("rollback")
    assert container(host) == f"running {second}"
