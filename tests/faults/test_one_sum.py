"""What was checked is what starts, whatever somebody changes in between, and nobody's next command undoes it."""

from __future__ import annotations

import shlex

import pytest

from tests.faults.conftest import Case
from tests.faults.steps import held
from tests.integration.conftest import REFERENCE, Operator, container, image_id
from tests.integration.test_deploy import V1, V2, applied

BY_HAND = "docker-compose up -d galos-sync"
COMPOSE = f"""services:
  galos-sync:
    image: {REFERENCE}
    env_file: [.env, odd.env]
    init: true
    profiles: [app]
    stop_grace_period: 2s
    healthcheck: {{test: "true || exit 1", interval: 1s500ms}}
    ports: ["127.0.0.1:18080:80", "18443:443/udp"]
    ulimits: {{nofile: {{soft: 1000, hard: 2000}}}}
    logging: {{driver: json-file, options: {{max-size: "10m"}}}}
    labels: {{odd: "a$$b"}}
    environment: {{HALF: "$$HOME", NUMBER: 0777, TIME: "12:30:45", NOTHING: ""}}
    extra_hosts: ["other:10.0.0.1"]
"""
OF_ENV = f"""services:
  galos-sync:
    image: {REFERENCE}
    env_file: .env
    init: true
    secrets: [token]
secrets:
  token: {{environment: TOKEN}}
"""
MIGRATOR = f"""services:
  galos-sync:
    image: {REFERENCE}
    env_file: .env
    init: true
  migrator:
    image: {REFERENCE}:v2
    env_file: .env
    profiles: [by-hand]
"""


def place(operator: Operator, name: str, text: str) -> None:
    operator.host.execute(["sh", "-c", f"cat >~/{name}"], stdin=text)


def variables(operator: Operator) -> dict[str, str]:
    """What the container of the service has in its environment."""
    form = "{{range .Config.Env}}{{println .}}{{end}}"
    find = "docker ps -q --filter label=com.docker.compose.service=galos-sync"
    rows = operator.host.shell(f"docker inspect -f '{form}' $({find})").splitlines()
    return dict(row.partition("=")[::2] for row in rows if row)


def identity(operator: Operator) -> str:
    return operator.host.shell("docker ps -q --no-trunc --filter label=com.docker.compose.service=galos-sync")


@pytest.mark.parametrize("after", ["pending", "migrate"])
def test_what_is_changed_after_the_check_starts_with_the_next_deploy(case: Case, after: str) -> None:
    """`.env`, the compose file and `latest`, all of them at once."""
    operator, host = case.operator, case.operator.host
    running = case.deploy(after=after)
    running.reached()
    checked = image_id(host)
    host.shell("cd && echo PUSHED=1 >>.env && sed -i 's/init: true/environment: {EDITED: 1}/' docker-compose.yml")
    operator.sandbox.publish("crashing")
    host.shell("docker pull -q " + REFERENCE)
    running.go_on()
    assert running.end() == 0, running.told
    assert container(host) == f"running {checked}"
    assert not {"PUSHED", "EDITED"} & variables(operator).keys()
    assert applied(operator) == V2
    operator.sandbox.publish("v2")
    operator.done("deploy")
    assert variables(operator).keys() >= {"PUSHED", "EDITED"}
    case.judge()


@pytest.mark.violates("guard", "docker-compose looks up the tag once more when it starts; what it started is stopped")
@pytest.mark.violates("checked", "so another image runs for that moment")
def test_an_image_whose_tag_moves_while_docker_compose_starts_it_is_stopped_again(case: Case) -> None:
    host = case.operator.host
    old = container(host).split()[1]
    with held(case.operator, "up") as command:
        running = case.deploy()
        command.reached()
        host.shell(f"docker tag {old} {REFERENCE}:latest")
        command.open()
        assert running.end() == 5, running.told
    assert f"docker-compose started {old[:15]}, not the" in running.told
    assert container(host) == ""
    case.operator.done("deploy")


def test_a_service_behind_a_profile_is_deployed_and_a_person_s_up_recreates_nothing(any_compose: Operator) -> None:
    operator, host = any_compose, any_compose.host
    place(operator, "docker-compose.yml", COMPOSE)
    place(operator, "odd.env", "DOLLAR=$$x\n")
    operator.done("setup", "deploy")
    ours = identity(operator)
    assert ours
    with operator.judge.by_hand("what a person types"):
        host.shell(f"cd && {BY_HAND}")
    assert identity(operator) == ours
    assert "already runs" in operator.done("deploy")
    assert identity(operator) == ours
    with operator.judge.by_hand("what a person types"):
        host.shell(f"cd && docker rm -f $(docker ps -aq) && {BY_HAND}")
    theirs = identity(operator)
    assert "already runs" in operator.done("deploy")
    operator.done("up")
    assert identity(operator) == theirs
    operator.done("stop")
    operator.done("start")
    assert identity(operator) == theirs
    operator.done("down")
    assert host.shell("docker ps -aq; docker network ls -q --filter type=custom") == ""
    host.shell("rm ~/odd.env")


@pytest.mark.parametrize("any_compose", ["v2", "v5"], indirect=True)
def test_a_secret_out_of_env_reaches_what_asks_what_migrates_and_what_starts(any_compose: Operator) -> None:
    """docker-compose v1 knows no such secret."""
    operator, host = any_compose, any_compose.host
    operator.done("setup")
    place(operator, "docker-compose.yml", OF_ENV)
    host.shell("echo 'TOKEN=out-of-env' >>~/.env")
    operator.done("deploy")
    assert host.shell("cd && docker-compose exec -T galos-sync cat /run/secrets/token") == "out-of-env"
    assert operator.done("run", "--raw", "cat /run/secrets/token") == "out-of-env"
    assert "already runs" in operator.done("deploy")


def test_migrations_in_an_image_of_their_own_are_asked_in_every_task(deployed: Operator) -> None:
    """They come by another reference than the service's own."""
    place(deployed, "docker-compose.yml", MIGRATOR)
    deployed.sandbox.publish("v2")
    deployed.judge.tags.add("v2")
    config = ("-f", deployed.configured({"services": {"galos-sync": {"migration": {"service": "migrator"}}}}))
    deployed.done(*config, "pull")
    assert applied(deployed) == V1
    for task in ("up", "start", "pending"):
        told = deployed.refused(5, *config, task)
        assert "2 migrations of this image pending" in told
        assert " pull " not in told
    deployed.done(*config, "down")
    assert " pull " not in deployed.done(*config, "migrate")
    assert applied(deployed) == V2
    for words in (("up",), ("stop", "start"), ("pending",), ("status",)):
        assert " pull " not in deployed.done(*config, *words), shlex.join(words)
