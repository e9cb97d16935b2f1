"""Two services in one configuration, each with its own repository, image and database."""

from __future__ import annotations

import json

import pytest

from tests.integration.conftest import Operator, image_id
from tests.integration.test_deploy import APPLIED, V1, V2, applied

MAP = {
    "services": {"galos-map": {"repository": "galos-map", "migration": {"arguments": "--source galos_db/migrations"}}}
}
COMPOSE = """services:
  galos-sync:
    image: {registry}/galos-sync
    env_file: .env
    init: true
  galos-map:
    image: {registry}/galos-map
    env_file: map.env
    init: true
"""
REGISTRY = "261923651564.dkr.ecr.eu-central-1.amazonaws.com"


@pytest.fixture
def two(deployed: Operator) -> Operator:
    """An operator at a host where galos-sync v1 runs, and galos-map v1 is in the registry, its database empty."""
    deployed.sandbox.publish("v1", "galos-map")
    variables = f"DATABASE_URL={deployed.sandbox.database('map')}\n"
    deployed.host.execute(["sh", "-c", "cat >~/docker-compose.yml"], stdin=COMPOSE.format(registry=REGISTRY))
    deployed.host.execute(["sh", "-c", "cat >~/map.env"], stdin=variables)
    deployed.done("deploy")
    deployed.judge.databases["galos-map"] = "map"
    return deployed


def mapped(operator: Operator) -> list[str]:
    return operator.sandbox.query(APPLIED, database="map").split()


def containers(operator: Operator) -> dict[str, str]:
    """Service names and the IDs of their containers."""
    form = '{{index .Config.Labels "com.docker.compose.service"}} {{.Id}} {{.State.Status}}'
    rows = operator.host.shell(f"docker ps -q | xargs docker inspect -f '{form}'").splitlines()
    assert all(row.endswith(" running") for row in rows)
    return {row.split()[0]: row.split()[1] for row in rows}


def test_one_deploy_migrates_each_service_that_needs_it_and_stops_no_other(two: Operator) -> None:
    config = two.configured(MAP)
    told = two.done("-f", config, "setup", "deploy")
    assert "galos-map: ecr-login" not in told
    assert f"{REGISTRY}/galos-map" in two.host.shell("cat ~/.docker/config.json")
    two.judge.no_downtime(service="galos-sync")
    assert mapped(two) == V1
    assert told.index("sandbox  galos-sync") < told.index("sandbox  galos-map")

    two.sandbox.publish("v2", "galos-map")
    two.sandbox.publish("v2")
    two.done("-f", config, "deploy", "--service", "galos-map")
    two.judge.no_downtime(service="galos-sync")
    assert mapped(two) == V2
    assert applied(two) == V1
    for service, container in containers(two).items():
        entered = two.done("-f", config, "exec", "cat /etc/hostname", "--service", service)
        assert container.startswith(entered.strip())
    assert "name one with --service: galos-sync, galos-map" in two.refused(2, "-f", config, "exec", "true")

    document = json.loads(two.done("-f", config, "deploy", "--json"))
    assert [(one["service"], one["changed"], len(one["migrations"])) for one in document["hosts"][0]["services"]] == [
        ("galos-sync", True, 2),
        ("galos-map", False, 0),
    ]
    assert applied(two) == V2

    two.sandbox.publish("broken-migration", "galos-map")
    before = containers(two)
    told = two.refused(6, "-f", config, "deploy")
    assert "sandbox: galos-map: the migration failed" in told
    assert "Deployed before it: galos-sync." in told
    assert containers(two) == {"galos-sync": before["galos-sync"]}
    two.refused(5, "-f", config, "up", "--service", "galos-map")
    two.done("-f", config, "up", "--service", "galos-sync")


def test_a_migration_of_one_service_voids_what_is_remembered_of_the_next(two: Operator) -> None:
    """Both on one database: what galos-map answered before galos-sync migrated is worth nothing after."""
    config = two.configured(MAP)
    two.judge.databases["galos-map"] = two.judge.databases["galos-sync"]
    two.host.shell("cp ~/.env ~/map.env")
    two.done("-f", config, "deploy")
    two.sandbox.publish("v2")
    told = two.refused(5, "-f", config, "deploy")
    assert "galos-map: cannot tell whether migrations are pending" in told
    assert "was previously applied but is missing" in told


@pytest.mark.violates("checked", "galos-worker has no migrations of its own, so nothing is asked")
def test_services_of_one_repository_keep_each_other_s_releases(deployed: Operator) -> None:
    """galos-worker runs what galos-sync ran before: its image stays, though galos-sync keeps one release only."""
    worker = {"galos-worker": {"repository": "galos-sync", "tag": "v2", "migration": {"tool": "none"}}}
    deployed.sandbox.publish("v2")
    deployed.done("deploy")
    deployed.environment["FABRIC_GALOS_RELEASES_KEEP"] = "1"
    deployed.judge.databases["galos-worker"] = deployed.judge.databases["galos-sync"]
    deployed.judge.tags.add("v2")
    config = deployed.configured({"services": worker})
    first = image_id(deployed.host)
    file = (
        COMPOSE.format(registry=REGISTRY)
        .replace("galos-map", "galos-worker")
        .replace("/galos-worker", "/galos-sync:v2")
    )
    deployed.host.execute(["sh", "-c", "cat >~/docker-compose.yml"], stdin=file.replace("map.env", ".env"))
    deployed.done("-f", config, "deploy", "--service", "galos-worker")
    deployed.sandbox.publish("v3")
    deployed.done("-f", config, "deploy", "--service", "galos-sync")
    kept = deployed.host.shell("docker images --no-trunc --format '{{.ID}}' galos-ops/galos-sync").split()
    assert set(kept) == {first, image_id(deployed.host)}


def test_a_service_that_is_not_configured_is_named(two: Operator) -> None:
    told = two.refused(2, "deploy", "--service", "galos-maps")
    assert "No service is named 'galos-maps'" in told
    assert "next: use one of: galos-sync" in told
