"""The docker-compose verbs, each with what the runbook says of it."""

from __future__ import annotations

import re

from tests.integration.breaking import undone
from tests.integration.conftest import REFERENCE, Operator, container, image_id


def test_start_after_a_pull_starts_the_old_image(deployed: Operator) -> None:
    old = image_id(deployed.host)
    deployed.sandbox.publish("v2")
    deployed.done("pull")
    new = image_id(deployed.host)
    deployed.done("stop")
    deployed.done("start")
    assert container(deployed.host) == f"running {old}"
    assert image_id(deployed.host) == new


def push(operator: Operator, more: str) -> None:
    """Send the .env with a longer DATABASE_URL, which means the same database."""
    ours = (operator.sandbox.directory / ".env").read_text()
    path = operator.sandbox.directory / ".env.other"
    path.write_text(re.sub(r"^DATABASE_URL=.*", rf"\g<0>{more}", ours, flags=re.MULTILINE))
    operator.environment["FABRIC_GALOS_ENV_FILE"] = str(path)
    assert "DATABASE_URL" in operator.done("env.push")


def test_start_starts_what_is_as_configured_and_nothing_else(any_compose: Operator) -> None:
    """The image is asked with today's .env; the container would work on the database of the one before."""
    operator = any_compose
    operator.done("setup", "deploy")
    operator.done("stop", "start")
    old = container(operator.host)
    operator.sandbox.publish("v2")
    operator.done("pull")
    operator.done("stop", "start")
    assert container(operator.host) == old, "docker-compose v1 hashes the image that the tag means, too"

    def refused(*words: str) -> None:
        told = operator.refused(5, *words)
        assert "galos-sync: its container was made with another .env or compose file than there is now" in told
        assert told.splitlines()[-1] == f"next: {operator.next('up')}"

    operator.done("stop")
    push(operator, "?application_name=one")
    mark = operator.judge.mark()
    refused("start")
    refused("start", "--dry-run")
    assert operator.judge.of_service(since=mark) == []
    assert container(operator.host).startswith("exited ")
    operator.done("deploy")
    operator.done("stop")
    push(operator, "?application_name=two")
    refused("start")
    operator.done("up")
    operator.done("stop", "start")
    assert container(operator.host) == f"running {image_id(operator.host)}"


def test_start_asks_the_image_of_the_container_itself(deployed: Operator) -> None:
    """Nothing is remembered of the old image; it answers clean, and the tag means the newer image again."""
    old = image_id(deployed.host)
    deployed.done("stop")
    deployed.sandbox.publish("v2")
    deployed.done("pull")
    new = image_id(deployed.host)
    deployed.host.shell("rm ~/.galos-ops/galos-sync.passed")
    deployed.done("start")
    assert container(deployed.host) == f"running {old}"
    assert image_id(deployed.host) == new


def test_start_refuses_an_image_whose_migrations_are_pending(deployed: Operator) -> None:
    deployed.done("stop")
    deployed.sandbox.database()
    deployed.host.shell("rm ~/.galos-ops/galos-sync.passed")
    told = deployed.refused(5, "start")
    assert "2 migrations of this image pending" in told
    assert container(deployed.host).startswith("exited ")


def test_up_on_a_host_without_the_image_pulls_it_and_asks_it(ready: Operator) -> None:
    told = ready.refused(5, "up")
    assert "2 migrations of this image pending" in told
    assert container(ready.host) == ""


def test_up_starts_nothing_while_a_migration_failed(deployed: Operator) -> None:
    deployed.sandbox.publish("broken-migration")
    deployed.refused(6, "deploy")
    mark = deployed.judge.mark()
    deployed.refused(5, "up")
    deployed.refused(1, "start")
    assert deployed.judge.of_service(since=mark) == []


def test_pull_of_one_service_leaves_the_others_alone(deployed: Operator) -> None:
    told = deployed.refused(2, "pull", "--service", "galos-snyc")
    assert "No service is named 'galos-snyc' in galos.services." in told
    assert "= pull" in deployed.done("pull", "--service", "galos-sync")


def test_down_of_one_service_keeps_what_else_the_project_runs(deployed: Operator) -> None:
    other = "  other:\n    image: {image}\n    init: true\n    entrypoint: [sleep, infinity]\n"
    image = f"{REFERENCE}:latest"
    deployed.host.execute(["sh", "-c", "cat >>~/docker-compose.yml"], stdin=other.format(image=image))
    with deployed.judge.by_hand("a person starts another service"):
        deployed.host.shell("cd && docker-compose up -d other")
    deployed.done("down", "--service", "galos-sync")
    names = deployed.host.shell("docker ps --format '{{.Label \"com.docker.compose.service\"}}'")
    assert names == "other"
    deployed.done("up")
    deployed.done("down")
    assert deployed.host.shell("docker ps -aq") == ""


def test_a_container_of_another_project_is_never_deployed_beside(deployed: Operator) -> None:
    other = "mkdir -p /srv/other && cp ~/docker-compose.yml ~/.env /srv/other"
    with undone(deployed.host, other, "cd /srv/other && docker-compose down && rm -rf /srv/other"):
        with deployed.judge.by_hand("another project runs the service"):
            deployed.host.shell("cd /srv/other && docker-compose up -d")
        deployed.sandbox.publish("v2")
        told = [deployed.refused(8, task) for task in ("up", "start", "migrate", "deploy")][-1]
    assert "another compose project on the host runs this service too: other-galos-sync-1" in told
    assert told.splitlines()[-1].endswith("sandbox 'docker stop other-galos-sync-1'")
