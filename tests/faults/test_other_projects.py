"""Containers that another docker-compose, or another compose project, made of the same service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.layers import File
from sandbox.sandbox import Sandbox
from tests.faults.conftest import Case
from tests.integration.conftest import FLAVOURS, Operator, container, fresh, image_id
from tests.integration.test_deploy import V2, applied

COMPOSE = "/usr/local/bin/docker-compose"  # found before the one in /usr/bin
NAMES = "docker ps -a --format '{{.Names}}'"


@contextmanager
def replaced(operator: Operator, flavour: str) -> Iterator[None]:
    """Meanwhile the host has the docker-compose of another one."""
    donor = operator.sandbox.host(FLAVOURS[flavour]).container
    binary = donor.docker.output("exec", donor.name, "sh", "-c", 'cat "$(command -v docker-compose)"')
    try:
        operator.host.container.place({COMPOSE: File(binary, 0o755)})
        yield
    finally:
        operator.host.shell(f"rm -f {COMPOSE}")


def test_a_container_of_one_docker_compose_is_replaced_by_another(sandbox: Sandbox) -> None:
    """v1 names it `root_galos-sync_1`, the later ones `root-galos-sync-1`; two of them never run side by side."""
    name = FLAVOURS["v1"]
    operator = Operator(sandbox, fresh(sandbox, name), name)
    operator.judge.begin()
    operator.done("setup", "deploy")
    assert operator.host.shell(NAMES) == "root_galos-sync_1"
    sandbox.migration_seconds(0)
    for flavour, release in (("v2", "v2"), ("v5", "slow-migration")):
        sandbox.publish(release)
        mark = operator.judge.mark()
        with replaced(operator, flavour):
            operator.done("deploy")
        assert operator.judge.migrations(mark) == [(release, 0)]
        assert container(operator.host) == f"running {image_id(operator.host)}"
        assert operator.host.shell(NAMES) == "root-galos-sync-1"
    operator.done("deploy")
    assert container(operator.host) == f"running {image_id(operator.host)}"
    assert operator.host.shell(NAMES) == "root_galos-sync_1"
    assert applied(operator)[: len(V2)] == V2


def test_another_project_in_the_same_directory_is_never_deployed_beside(case: Case) -> None:
    host = case.operator.host
    with case.operator.judge.by_hand("another project runs the service"):
        host.shell("cd && docker-compose -p other up -d")
    mark = case.operator.judge.mark()
    told = case.operator.refused(8, "deploy")
    assert "another compose project on the host runs this service too: other-galos-sync-1" in told
    assert told.splitlines()[-1].endswith("sandbox 'docker stop other-galos-sync-1'")
    case.operator.judge.untouched(mark)
    host.shell("docker rm -f other-galos-sync-1")
    case.converges()


@pytest.mark.parametrize("any_compose", ["v1", "v2"], indirect=True)
def test_what_a_person_made_of_a_compose_file_in_another_folder_is_the_service(any_compose: Operator) -> None:
    operator, host = any_compose, any_compose.host
    operator.done("setup", "deploy")
    named = "mkdir deploy && mv docker-compose.yml .env deploy && echo COMPOSE_FILE=deploy/docker-compose.yml >.env"
    with operator.judge.by_hand("a person's files and docker-compose"):
        host.shell(f"cd && docker-compose down && {named} && docker-compose up -d")
    try:
        theirs = host.shell("docker ps -q --no-trunc")
        assert "already runs" in operator.done("deploy")
        assert host.shell("docker ps -q --no-trunc") == theirs
        operator.done("down", "deploy")
        assert container(host) == f"running {image_id(host)}"
        operator.done("down")
        assert container(host) == ""
    finally:
        host.shell("rm -rf ~/deploy")


def test_a_newer_stopped_container_of_another_project_is_not_taken_for_ours(case: Case) -> None:
    host = case.operator.host
    case.operator.done("deploy")
    ours = host.shell("docker ps -q --no-trunc")
    host.shell("mkdir -p /srv/else && cp ~/docker-compose.yml ~/.env /srv/else")
    with case.operator.judge.by_hand("other projects make containers of the service"):
        host.shell("cd /srv/else && docker-compose create && cd && docker-compose -p other create")
    assert "nothing to do: sha256:" in case.operator.done("deploy")
    case.operator.sandbox.publish("v3")
    case.operator.done("deploy")
    [now] = host.shell("docker ps -q --no-trunc").split()
    assert now != ours
    assert now == host.shell("cd && docker-compose ps -q --no-trunc")
