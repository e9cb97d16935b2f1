"""Several services on one database: while one of them migrates, none of them runs."""

from __future__ import annotations

import json

import pytest

from tests.faults.steps import BACKUP, held
from tests.integration.conftest import Operator, container, image_id, kept
from tests.integration.gate import gated
from tests.integration.test_deploy import V1, V2, applied, wait_for
from tests.integration.test_services import COMPOSE, REGISTRY, containers

MAP: dict[str, object] = {"repository": "galos-map", "migration": {"arguments": "--source galos_db/migrations"}}
NONE: dict[str, object] = {"repository": "galos-map", "migration": {"tool": "none"}}
ONE = COMPOSE.format(registry=REGISTRY).replace("map.env", ".env")


@pytest.fixture
def shared(bare: Operator, request: pytest.FixtureRequest) -> Operator:
    """An operator at a host where v1 of galos-sync and of galos-map run, on one database."""
    return both(bare, "v1", request)


@pytest.fixture
def newer(bare: Operator, request: pytest.FixtureRequest) -> Operator:
    """The same with v2, which slow-migration has one migration more than, and runs on its schema too."""
    bare.sandbox.migration_seconds(0)
    bare.sandbox.publish("v2")
    return both(bare, "v2", request)


def both(operator: Operator, version: str, request: pytest.FixtureRequest) -> Operator:
    operator.sandbox.publish(version, "galos-map")
    operator.judge.databases["galos-map"] = operator.judge.databases["galos-sync"]

    def deploy() -> None:
        request.getfixturevalue("ready")
        operator.host.execute(["sh", "-c", "cat >~/docker-compose.yml"], stdin=ONE)
        operator.done("-f", configured(operator), "setup", "deploy")

    kept([operator], f"both_{version}", deploy)
    assert containers(operator).keys() == {"galos-sync", "galos-map"}
    return operator


def configured(operator: Operator, row: dict[str, object] = MAP, **migration: object) -> str:
    """A file for `fab -f` with both services; galos-sync has these keys of `migration`."""
    return operator.configured({"services": {"galos-sync": {"migration": migration}, "galos-map": row}})


def map_is_somebody_else_s(operator: Operator) -> str:
    """A file with a galos-map that has no migrations of its own, so that no rule is about what its image carries."""
    operator.judge.others.add("galos-map")
    return configured(operator, NONE)


def images(operator: Operator) -> dict[str, str]:
    form = '{{index .Config.Labels "com.docker.compose.service"}} {{.Image}}'
    rows = operator.host.shell(
        f"docker ps -q --filter label=com.docker.compose.oneoff=False | xargs -r docker inspect -f '{form}'"
    ).splitlines()
    return dict(row.split() for row in rows)


def test_a_neighbour_that_could_not_start_again_is_refused_before_anything_stops(shared: Operator) -> None:
    shared.sandbox.publish("v2")
    shared.host.shell("sed -i 's#/galos-map$#/galos-map:1.2#' ~/docker-compose.yml")
    mark = shared.judge.mark()
    told = shared.refused(8, "-f", configured(shared), "deploy", "--service", "galos-sync")
    assert "galos-map: docker-compose.yml starts" in told
    assert shared.judge.of_service("kill", "die", since=mark, service="galos-sync") == []
    assert applied(shared) == V1


def test_a_deploy_of_both_is_one_stop_each_migration_once_and_one_start(shared: Operator) -> None:
    for repository in ("galos-sync", "galos-map"):
        shared.sandbox.publish("v2", repository)
    before = images(shared)
    document = json.loads(shared.done("-f", configured(shared), "deploy", "--json"))
    rows = {one["service"]: one for one in document["hosts"][0]["services"]}
    assert {name: (one["stopped"], one["changed"], len(one["migrations"])) for name, one in rows.items()} == {
        "galos-sync": (True, True, 2),
        "galos-map": (True, True, 0),
    }
    assert images(shared) == {name: one["image"] for name, one in rows.items()}
    assert before == {name: one["previous"] for name, one in rows.items()}
    assert shared.judge.migrations() == [("v2", 0)]
    for service in rows:
        assert shared.judge.of_service(service=service) == ["die", "destroy", "create", "start"]
    assert applied(shared) == V2


def test_a_deploy_of_one_stops_the_other_only_for_a_migration(newer: Operator) -> None:
    config, before = map_is_somebody_else_s(newer), containers(newer)
    newer.sandbox.publish("v3")
    newer.done("-f", config, "deploy", "--service", "galos-sync")
    newer.judge.no_downtime(service="galos-map")

    newer.sandbox.publish("slow-migration")
    mark = newer.judge.mark()
    newer.done("-f", config, "pull", "--service", "galos-sync")
    told = newer.done("-f", config, "deploy", "--service", "galos-sync", "--dry-run")
    assert told.index("stop and delete root-galos-map-1") < told.index("run 1: ") < told.rindex("sandbox  galos-map")
    newer.judge.no_downtime(mark)
    document = json.loads(newer.done("-f", config, "deploy", "--service", "galos-sync", "--json"))
    rows = {one["service"]: one for one in document["hosts"][0]["services"]}
    assert [rows["galos-map"][key] for key in ("stopped", "changed", "migrations")] == [True, False, []]
    assert rows["galos-map"]["image"] == rows["galos-map"]["previous"] == images(newer)["galos-map"]
    assert rows["galos-map"]["downtime"] > rows["galos-sync"]["downtime"] > 0
    assert newer.judge.of_service(since=mark, service="galos-map") == ["die", "destroy", "create", "start"]
    assert containers(newer).keys() == before.keys()


def test_one_that_does_not_know_the_new_schema_stays_down_and_is_told(shared: Operator) -> None:
    shared.sandbox.publish("v2")
    told = shared.refused(5, "-f", configured(shared), "deploy", "--service", "galos-sync")
    assert "galos-map: cannot tell whether migrations are pending" in told
    assert "was previously applied but is missing" in told
    assert "Down since 2" in told
    assert told.splitlines()[-1].endswith(" deploy --service galos-map")
    assert images(shared) == {"galos-sync": image_id(shared.host)}
    assert applied(shared) == V2


def test_what_fails_before_the_first_migration_starts_both_again(shared: Operator) -> None:
    shared.sandbox.publish("v2")
    before = images(shared)
    told = shared.refused(1, "-f", configured(shared, backup="exit 3"), "deploy", "--service", "galos-sync")
    assert "the backup failed and nothing was migrated" in told
    for name in before:
        assert f"{name}: the previous image {before[name][:15]} runs again." in told
    assert images(shared) == before
    assert applied(shared) == V1


def test_what_somebody_starts_between_the_stop_and_the_migration_keeps_that_away(shared: Operator) -> None:
    shared.sandbox.publish("v2")
    before, config = images(shared), configured(shared, backup=BACKUP)
    with held(shared, "backup") as command:
        running = shared.start("-f", config, "deploy", "--service", "galos-sync")
        command.reached()
        with shared.judge.by_hand("somebody starts a service"):
            shared.host.shell("cd && /usr/bin/docker-compose up -d galos-map")
        command.open()
        told, _ = running.communicate(timeout=300)
    assert running.returncode == 5, told
    assert "galos-sync: nothing was migrated, as root-galos-map-1 runs beside it." in told
    assert images(shared) == before
    assert applied(shared) == V1
    assert shared.judge.migrations() == []


def test_migrate_names_what_runs_and_removes_what_is_stopped(shared: Operator) -> None:
    """A stopped container with `restart: always` would run again when the engine restarts."""
    config = configured(shared)
    shared.sandbox.publish("v2")
    shared.done("-f", config, "pull", "--service", "galos-sync")
    shared.done("-f", config, "stop", "--service", "galos-sync")
    for words in (("migrate",), ("migrate", "--service", "galos-sync"), ("migrate", "--dry-run")):
        told = shared.refused(5, "-f", config, *words)
        assert "galos-sync: galos-map runs on its database, and nothing is migrated while it does" in told
    shared.done("-f", config, "stop", "--service", "galos-map")
    assert "2 applied" in shared.done("-f", config, "migrate", "--service", "galos-sync")
    assert shared.host.shell("docker ps -aq --filter label=com.docker.compose.service") == ""
    assert applied(shared) == V2


def test_a_service_that_is_named_stops_whatever_its_database(shared: Operator) -> None:
    url = shared.sandbox.database("map")
    shared.host.execute(["sh", "-c", "cat >~/map.env"], stdin=f"DATABASE_URL={url}\n")
    shared.host.execute(["sh", "-c", "cat >~/docker-compose.yml"], stdin=COMPOSE.format(registry=REGISTRY))
    shared.judge.databases["galos-map"] = "map"
    shared.done("-f", configured(shared), "deploy")
    mark = shared.judge.mark()
    shared.sandbox.publish("v2")
    shared.done("-f", configured(shared), "deploy", "--service", "galos-sync")
    shared.judge.no_downtime(mark, service="galos-map")

    shared.sandbox.migration_seconds(0)
    shared.sandbox.publish("slow-migration")
    mark = shared.judge.mark()
    shared.done("-f", configured(shared, stops=["galos-map"]), "deploy", "--service", "galos-sync")
    assert shared.judge.of_service(since=mark, service="galos-map") == ["die", "destroy", "create", "start"]
    shared.host.shell("rm ~/map.env")


def test_an_orphaned_migration_of_another_service_is_resumed_before_anything_else(newer: Operator) -> None:
    config = map_is_somebody_else_s(newer)
    with gated(newer.sandbox) as gate:
        running = newer.start("-f", config, "deploy", "--service", "galos-sync")
        gate.reached()
        running.kill()
        running.wait()
        for task in ("up", "start", "rollback"):
            told = newer.refused(5, "-f", config, task, "--service", "galos-map")
            assert "galos-sync: a migration that an earlier run began is still running on the host" in told
            assert told.splitlines()[-1].endswith(" deploy --service galos-sync")
        waiting = newer.start("-f", config, "deploy", "--service", "galos-map")
        wait_for(newer, "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -q 'docker logs -f galos-sync-[m]igration'")
        assert images(newer) == {}
        gate.open()
        told, _ = waiting.communicate(timeout=300)
    assert waiting.returncode == 5, told
    assert told.index("adopt") < told.index("pull") < told.index("deployed ")
    assert "galos-sync: it is down: an earlier run began its migration" in told
    assert told.splitlines()[-1].endswith(" deploy --service galos-sync")
    assert images(newer).keys() == {"galos-map"}
    newer.done("-f", config, "deploy")
    assert container(newer.host) == f"running {image_id(newer.host)}"


@pytest.mark.parametrize("down", [False, True])
def test_what_a_dead_client_left_stopped_starts_again_unless_somebody_stopped_it_for_good(
    newer: Operator, down: bool
) -> None:
    config = map_is_somebody_else_s(newer)
    before = images(newer)
    with gated(newer.sandbox) as gate:
        running = newer.start("-f", config, "deploy", "--service", "galos-sync")
        gate.reached()
        running.kill()
        running.wait()
    if down:
        newer.done("-f", config, "down", "--service", "galos-map")
    newer.done("-f", config, "deploy", "--service", "galos-sync", "--wait", "100")
    expected = {"galos-sync": image_id(newer.host), "galos-map": before["galos-map"]}
    assert images(newer) == {name: image for name, image in expected.items() if name != "galos-map" or not down}
    assert newer.host.shell("ls ~/.galos-ops/*.stopped", check=False) == ""


def test_all_containers_of_a_service_stop_and_start(deployed: Operator) -> None:
    operator, host = deployed, deployed.host
    host.shell("cd && printf '    deploy: {replicas: 2}\\n' >>docker-compose.yml")
    operator.done("deploy")
    ids = "docker ps -q --filter label=com.docker.compose.service=galos-sync"
    assert len(host.shell(ids).split()) == 2
    operator.sandbox.publish("v2")
    operator.done("deploy")
    assert len(host.shell(ids).split()) == 2
    assert set(container(host).split()) == {"running", image_id(host)}


def test_a_rollback_after_another_service_migrated_is_decided_by_its_own_check(newer: Operator) -> None:
    """The log has no migration of its own since that release."""
    config = configured(newer)
    newer.sandbox.publish("v3")
    newer.done("-f", config, "deploy", "--service", "galos-sync")
    newer.sandbox.publish("slow-migration", "galos-map")
    newer.refused(5, "-f", config, "deploy", "--service", "galos-map")
    told = newer.refused(5, "-f", config, "rollback", "--service", "galos-sync")
    assert "galos-sync: cannot tell whether migrations are pending" in told
    assert images(newer).keys() == {"galos-map"}
