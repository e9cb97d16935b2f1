"""Containers that a person began with `docker-compose run`: theirs, and no reason to stop a service in vain."""

from __future__ import annotations

from tests.integration.conftest import Operator, container, image_id
from tests.integration.gate import gated
from tests.integration.test_deploy import V1, V2, applied
from tests.integration.test_failed_migration import migrations
from tests.processes import HANG_SECONDS


def begin(operator: Operator, name: str) -> None:
    """What a person types to look around in the service's environment."""
    with operator.judge.by_hand("a person's container"):
        operator.host.shell(f"cd && docker-compose run -d --name {name} --entrypoint sleep galos-sync 100000")


def end(operator: Operator, name: str) -> None:
    with operator.judge.by_hand("a person's container"):
        operator.host.shell(f"docker rm -f {name}")


def runs(operator: Operator, name: str) -> bool:
    return operator.host.shell(f"docker ps -q --filter name=^{name}$") != ""


def test_a_one_off_container_of_somebody_stops_no_service(any_compose: Operator) -> None:
    operator, host = any_compose, any_compose.host
    operator.done("setup", "deploy")
    before = container(host)
    begin(operator, "someone")
    assert "nothing to do" in operator.done("deploy")

    operator.sandbox.publish("v2")
    mark = operator.judge.mark()
    for words in (("deploy",), ("deploy", "--dry-run")):
        told = operator.refused(8, *words)
        assert "a one-off container of the service runs, and nothing is migrated beside it: someone" in told
        [line] = [line for line in told.splitlines() if line.startswith("next: ")]
        assert line.startswith("next: when its work is done, end it: ssh ")
        assert line.endswith(" 'docker stop someone'")
    operator.judge.no_downtime(mark)
    assert container(host) == before
    assert applied(operator) == V1

    operator.done("down", "--service", "galos-sync")
    assert container(host) == ""
    assert runs(operator, "someone"), "down of the service took somebody's container along"
    for words in (("migrate",), ("migrate", "--dry-run")):
        assert "docker stop someone" in operator.refused(8, *words)
    assert applied(operator) == V1

    end(operator, "someone")
    operator.done("deploy")
    assert applied(operator) == V2
    begin(operator, "another")
    operator.sandbox.publish("v3")
    operator.done("deploy")
    assert container(host) == f"running {image_id(host)}"
    assert runs(operator, "another"), "a deploy without a migration ended somebody's container"


def test_down_and_stop_end_no_migration_unless_they_are_told_to(any_compose: Operator) -> None:
    operator, host = any_compose, any_compose.host
    operator.done("setup", "deploy")
    begin(operator, "galos-sync-migration")
    mark = operator.judge.mark()
    for words in (("down",), ("down", "--dry-run"), ("stop",), ("down", "--service", "galos-sync")):
        told = operator.refused(5, *words)
        assert "a migration runs: galos-sync-migration; nothing was stopped." in told
        assert told.splitlines()[-1].endswith(" --kill-migration")
    operator.judge.untouched(mark)
    assert "~ kill      galos-sync-migration" in operator.done("down", "--kill-migration", "--dry-run")
    assert runs(operator, "galos-sync-migration")
    with operator.judge.by_hand("what a person began is ended"):
        operator.done("down", "--kill-migration")
    assert not runs(operator, "galos-sync-migration")
    assert container(host) == ""
    operator.done("deploy")


def test_a_migration_that_is_killed_by_down_is_a_failed_one_and_the_next_deploy_migrates(deployed: Operator) -> None:
    with gated(deployed.sandbox) as gate:
        running = deployed.start("deploy")
        gate.reached()
        deployed.done("down", "--kill-migration")
        told, _ = running.communicate(timeout=HANG_SECONDS)
        assert running.returncode == 6, told
        assert container(deployed.host) == ""
        line = migrations(deployed)[0]
        assert line["outcome"] == "failed"
        assert "it was killed" in line["reason"]
    deployed.done("deploy")
    assert container(deployed.host) == f"running {image_id(deployed.host)}"
    assert migrations(deployed)[0]["outcome"] == "succeeded"


def test_a_container_that_somebody_named_like_one_of_ours_is_not_removed(deployed: Operator) -> None:
    host, image = deployed.host, image_id(deployed.host)
    with deployed.judge.by_hand("a person's containers"):
        host.shell(f"docker run -d --name galos-sync-check --entrypoint sleep {image} 100000")
        host.shell(f"docker create --name galos-sync-migration {image} true")
    deployed.sandbox.publish("v2")
    before = container(host)
    told = deployed.refused(5, "deploy")
    assert '"/galos-sync-check" is already in use' in told
    assert runs(deployed, "galos-sync-check"), "a check took somebody's container away"
    assert container(host) == before
    end(deployed, "galos-sync-check")
    told = deployed.refused(6, "deploy")
    assert '"/galos-sync-migration" is already in use' in told
    assert applied(deployed) == V1
    end(deployed, "galos-sync-migration")
    deployed.done("deploy")
    assert applied(deployed) == V2
