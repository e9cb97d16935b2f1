"""Back to the previous release, never over a migration."""

from __future__ import annotations

import json

import pytest

from galos_ops.host.release_log import STARTS
from tests.integration.conftest import Operator, container, image_id


def released(operator: Operator) -> list[str]:
    """What started and migrated, in their order; how a migration ended is a line of its own."""
    lines = operator.host.shell("cat ~/.galos-ops/releases.jsonl").splitlines()
    found = [json.loads(line) for line in lines]
    return [one["event"] for one in found if one["event"] in (*STARTS, "migrate") and not one.get("outcome")]


def test_back_and_forth_between_releases_without_a_migration(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    deployed.done("deploy")
    second = image_id(deployed.host)
    deployed.sandbox.publish("v3")
    deployed.done("deploy")
    third = image_id(deployed.host)
    deployed.host.shell("docker image prune -f")
    told = deployed.done("rollback")
    assert f"rolled back to {second[:15]}" in told
    assert container(deployed.host) == f"running {second}"
    deployed.done("rollback", "--to", third.removeprefix("sha256:")[:12])
    assert container(deployed.host) == f"running {third}"
    assert released(deployed) == ["migrate", "deploy", "migrate", "deploy", "deploy", "rollback", "rollback"]
    told = deployed.refused(2, "rollback", "--to", "nope")
    assert "--to is 'nope'" in told


def test_an_up_of_another_image_is_a_release_to_go_back_from_and_to(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    deployed.done("deploy")
    second = image_id(deployed.host)
    deployed.sandbox.publish("v3")
    deployed.done("pull")
    third = image_id(deployed.host)
    assert f"started {third[:15]}" in deployed.done("up")
    deployed.done("down")
    deployed.done("up")
    assert "nothing to do" in deployed.done("up")
    deployed.done("rollback")
    assert container(deployed.host) == f"running {second}"
    deployed.done("rollback")
    assert container(deployed.host) == f"running {third}"
    assert released(deployed) == ["migrate", "deploy", "migrate", "deploy", "up", "rollback", "rollback"]


def test_a_rollback_over_a_migration_is_refused(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    deployed.done("deploy")
    second = image_id(deployed.host)
    told = deployed.refused(5, "rollback")
    assert "a migration ran since" in told
    assert "20260806140000 allow stars without orbits" in told
    assert container(deployed.host) == f"running {second}"


@pytest.mark.unjudged("the database is emptied under a service that runs, and restarts")
def test_a_rollback_that_its_check_refuses_leaves_the_tag_alone(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    deployed.done("deploy")
    deployed.sandbox.publish("v3")
    deployed.done("deploy")
    third = image_id(deployed.host)
    deployed.sandbox.database()
    assert "migrations of this image pending" in deployed.refused(5, "rollback")
    assert container(deployed.host).endswith(third)
    assert image_id(deployed.host) == third


def test_a_rollback_over_a_failed_migration_is_refused(deployed: Operator) -> None:
    first = image_id(deployed.host)
    deployed.sandbox.publish("broken-migration")
    deployed.refused(6, "deploy")
    assert "a migration ran since" in deployed.refused(5, "rollback", "--to", first)
    assert container(deployed.host) == ""


def test_the_first_release_has_nothing_before_it(deployed: Operator) -> None:
    assert "there is no earlier release to go back to" in deployed.refused(8, "rollback")


def test_an_image_that_is_gone_is_named(deployed: Operator) -> None:
    deployed.environment["FABRIC_GALOS_RELEASES_KEEP"] = "1"
    for version in ("v2", "v3"):
        deployed.sandbox.publish(version)
        deployed.done("deploy")
    deployed.host.shell("docker image prune -af")
    told = deployed.refused(8, "rollback")
    assert "is gone from the host" in told
    assert "deploy --tag TAG" in told
