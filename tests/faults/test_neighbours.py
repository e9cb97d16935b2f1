"""What a service depends on: configured neighbours start behind their own guard only, others are left as they are."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

import pytest

from sandbox.sandbox import Sandbox
from tests.integration.breaking import undone
from tests.integration.conftest import FLAVOURS, Operator, container, fresh
from tests.integration.test_deploy import APPLIED, V1, V2, applied

REGISTRY = "261923651564.dkr.ecr.eu-central-1.amazonaws.com"
MAP = {
    "services": {"galos-map": {"repository": "galos-map", "migration": {"arguments": "--source galos_db/migrations"}}}
}
COMPOSE = f"""services:
  galos-sync:
    image: {REGISTRY}/galos-sync
    env_file: .env
    init: true
    depends_on: [galos-map]
  galos-map:
    image: {REGISTRY}/galos-map
    env_file: map.env
    init: true
"""
CACHE = f"""services:
  galos-sync:
    image: {REGISTRY}/galos-sync
    env_file: .env
    init: true
    depends_on:
      cache: {{condition: service_healthy}}
  cache:
    image: {REGISTRY}/galos-sync
    init: true
    entrypoint: [sh, -c, "sleep 1; touch /tmp/ready; sleep 100000"]
    healthcheck: {{test: [CMD, test, -e, /tmp/ready], interval: 1s}}
"""


def place(operator: Operator, name: str, text: str) -> None:
    operator.host.execute(["sh", "-c", f"cat >~/{name}"], stdin=text)


def containers(operator: Operator) -> dict[str, tuple[str, str]]:
    """The ID and the state of each service's container."""
    form = '{{index .Config.Labels "com.docker.compose.service"}} {{.Id}} {{.State.Status}}'
    rows = operator.host.shell(f"docker ps -aq | xargs -r docker inspect -f '{form}'").splitlines()
    return {service: (identity, state) for service, identity, state in map(str.split, rows)}


@pytest.fixture
def pair(any_compose: Operator) -> Iterator[Operator]:
    """An operator at a bare host whose compose file lets galos-sync depend on galos-map, both configured."""
    any_compose.sandbox.publish("v1", "galos-map")
    place(any_compose, "docker-compose.yml", COMPOSE)
    place(any_compose, "map.env", f"DATABASE_URL={any_compose.sandbox.database('map')}\n")
    any_compose.judge.databases["galos-map"] = "map"
    yield any_compose
    any_compose.host.shell("rm ~/map.env")


def test_a_neighbour_starts_behind_its_own_guard_only(pair: Operator) -> None:
    """The first deploy of both goes in the order of depends_on; later ones of one leave the other as it is."""
    config = ("-f", pair.configured(MAP))
    told = pair.done(*config, "setup", "deploy")
    assert told.rindex("  galos-map") < told.rindex("  galos-sync")
    first = containers(pair)
    assert {name: state for name, (_, state) in first.items()} == {"galos-sync": "running", "galos-map": "running"}
    assert (applied(pair), pair.sandbox.query(APPLIED, database="map").split()) == (V1, V1)

    pair.sandbox.publish("v2", "galos-map")
    pair.sandbox.publish("v2")
    pair.done(*config, "pull", "--service", "galos-map")
    pair.done(*config, "deploy", "--service", "galos-sync")
    pair.done(*config, "stop", "--service", "galos-sync")
    pair.done(*config, "start", "--service", "galos-sync")
    second = containers(pair)
    assert second["galos-map"] == first["galos-map"], "the neighbour's newer image was started unasked"
    assert second["galos-sync"][0] != first["galos-sync"][0]
    assert (applied(pair), pair.sandbox.query(APPLIED, database="map").split()) == (V2, V1)

    pair.sandbox.publish("broken-migration", "galos-map")
    pair.refused(6, *config, "deploy", "--service", "galos-map")
    mark = pair.judge.mark()
    for task in ("up", "start", "deploy", "rollback"):
        told = pair.refused(8, *config, task, "--service", "galos-sync")
        assert "galos-sync: it depends on galos-map, which does not run" in told
        command = shlex.split(told.splitlines()[-1].removeprefix("next: start that one first: "))
        assert command[-3:] == ["deploy", "--service", "galos-map"]
        assert sorted(command) == sorted(shlex.split(pair.next(*config, *command[-3:])))
    pair.refused(8, *config, "deploy", "--service", "galos-sync", "--dry-run")
    pair.judge.untouched(mark)
    assert containers(pair) == {"galos-sync": second["galos-sync"]}
    pair.done(*config, "stop", "--service", "galos-sync")
    for task in ("up", "start"):
        pair.refused(8, *config, task, "--service", "galos-sync")
    pair.refused(6, *config, "deploy")
    assert {name: state for name, (_, state) in containers(pair).items()} == {"galos-sync": "exited"}


def test_a_dry_run_of_the_first_deploy_of_two_tells_their_order(pair: Operator) -> None:
    config = ("-f", pair.configured(MAP))
    pair.done(*config, "setup")
    document = json.loads(pair.done(*config, "deploy", "--dry-run", "--json"))
    assert [one["service"] for one in document["hosts"][0]["services"]] == ["galos-map", "galos-sync"]
    assert containers(pair) == {}


def test_what_somebody_else_looks_after_is_started_and_never_recreated(any_compose: Operator) -> None:
    operator = any_compose
    operator.judge.others.add("cache")
    place(operator, "docker-compose.yml", CACHE)
    operator.done("setup", "deploy")
    first = containers(operator)
    assert {name: state for name, (_, state) in first.items()} == {"galos-sync": "running", "cache": "running"}

    place(operator, "docker-compose.yml", CACHE.replace("init: true\n    entry", "init: false\n    entry"))
    operator.sandbox.publish("v2")
    assert "cache" not in operator.done("deploy", "--dry-run")
    operator.done("deploy")
    second = containers(operator)
    assert second["cache"] == first["cache"], "it was recreated or restarted"
    assert second["galos-sync"][0] != first["galos-sync"][0]

    with operator.judge.by_hand("the cache is somebody else's"):
        operator.host.shell(f"docker stop -t 0 {first['cache'][0]}")
    operator.done("stop")
    assert "start cache, which galos-sync depends on" in operator.done("start", "--dry-run")
    operator.done("start")
    assert containers(operator) == second
    operator.done("down", "--service", "galos-sync")
    assert containers(operator) == {"cache": first["cache"]}


def test_a_dependency_that_runs_to_its_end_is_refused_by_its_name(deployed: Operator) -> None:
    once = CACHE.replace("service_healthy", "service_completed_successfully")
    place(deployed, "docker-compose.yml", once)
    deployed.sandbox.publish("v2")
    for words in (("deploy",), ("up",), ("deploy", "--dry-run")):
        told = deployed.refused(8, *words)
        assert "galos-sync: it depends on cache, which would run to its end unchecked" in told
    deployed.judge.untouched()


HOOK = """    {hook}:
      - {{command: [touch, /hook/{hook}], user: root}}
"""
HOOKED = f"""services:
  galos-sync:
    image: {REGISTRY}/galos-sync
    env_file: .env
    init: true
    volumes: [/srv/hook:/hook]
"""


@pytest.fixture
def newest(sandbox: Sandbox) -> Iterator[Operator]:
    """An operator at a host with docker-compose v5, where v1 runs and may leave something in a folder."""
    operator = Operator(sandbox, fresh(sandbox, FLAVOURS["v5"]), FLAVOURS["v5"])
    operator.judge.begin()
    with undone(operator.host, "mkdir -m 777 /srv/hook", "rm -rf /srv/hook"):
        place(operator, "docker-compose.yml", HOOKED)
        operator.done("setup", "deploy")
        yield operator


@pytest.mark.parametrize("hook", ["pre_start", "post_start", "pre_stop"])
def test_a_lifecycle_hook_is_refused_by_its_name_and_never_run(newest: Operator, hook: str) -> None:
    runs = container(newest.host)
    place(newest, "docker-compose.yml", HOOKED + HOOK.format(hook=hook))
    newest.sandbox.publish("v2")
    mark = newest.judge.mark()
    for words in (("deploy",), ("up",), ("start",), ("deploy", "--dry-run")):
        told = newest.refused(8, *words)
        assert f"galos-sync: the lifecycle hook {hook} of galos-sync would be run by docker-compose" in told
        assert "a migration belongs into galos.services.galos-sync.migration" in told
    newest.judge.untouched(mark)
    assert container(newest.host) == runs
    found = newest("doctor")
    assert (found.returncode, f"lifecycle-hook: the lifecycle hook {hook} of galos-sync" in found.stdout) == (8, True)

    newest.done("pull")
    assert "20260806140000 allow stars without orbits" in newest.refused(5, "pending")
    newest.done("stop", "migrate")
    assert applied(newest) == V2
    ran = newest.host.shell("ls /srv/hook").split()
    assert set(ran) <= {"pre_stop"}, "a hook ran that was not of the service's own container"
    place(newest, "docker-compose.yml", HOOKED)
    newest.done("deploy")
