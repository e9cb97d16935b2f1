"""A step of a deploy that goes on when its client is gone."""

from __future__ import annotations

from tests.faults.conftest import Case
from tests.integration.test_deploy import wait_for
from tests.integration.test_migrations import migration

BACKUP = "touch /tmp/begun; until [ -e /tmp/go ]; do sleep 0.1; done"


def test_a_step_that_outlives_its_client_keeps_the_next_one_away(case: Case) -> None:
    host = case.operator.host
    host.shell("rm -f /tmp/begun /tmp/go")
    running = case.operator.start("-f", migration(case.operator, backup=BACKUP), "deploy", ssh_config=case.config)
    try:
        wait_for(case.operator, "[ -e /tmp/begun ]")
        running.kill()
        running.wait()
        told = case.operator.refused(4, "deploy", "--wait", "10")
        assert "a step that an earlier run began still goes on" in told
    finally:
        host.shell("touch /tmp/go")
    case.converges()
    host.shell("rm /tmp/begun /tmp/go")
