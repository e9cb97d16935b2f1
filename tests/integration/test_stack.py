"""What docker-compose v1, v2 and v5 resolve, given to the real `docker stack deploy` of Docker 20.10 and 26."""

from __future__ import annotations

import json

import pytest

from sandbox import swarm
from tests.integration.conftest import Operator

SERVICE = "root_galos-sync"
RICH = """
version: "3.8"
services:
  galos-sync:
    environment:
      QUOTED: 'it''s "so"'
      PRICE: 5$$ and $$HOME
    ports: ["8080:80"]
    extra_hosts: ["far:10.0.0.1"]
    healthcheck: {test: ["CMD", "true"], interval: 1s, retries: 3}
    depends_on: [helper]
    stop_grace_period: 3s
    cap_drop: [NET_RAW]
    configs: [motd]
    secrets: [key]
    volumes: ["data:/data"]
    deploy:
      resources: {limits: {cpus: "0.5", memory: 128M}}
  helper:
    image: $image
    entrypoint: [sleep, "600"]
configs: {motd: {file: ./motd}}
secrets: {key: {file: ./key}}
volumes: {data: {}}
"""
SPEC = "{{json .Spec.TaskTemplate}}"


@pytest.fixture
def alone(any_compose: Operator) -> Operator:
    """An operator at a host of each docker-compose that is a Swarm of one node."""
    swarm.form([any_compose.host])
    any_compose.environment["FABRIC_GALOS_ENGINE"] = "swarm"
    return any_compose


def test_the_service_starts_in_a_stack_as_the_compose_file_has_it(alone: Operator) -> None:
    host = alone.host
    alone.judge.others.add("helper")
    alone.done("setup")
    image = host.shell("sed -n 's/^ *image: //p' /root/docker-compose.yml")
    files = {"docker-compose.override.yml": RICH.replace("$image", image), "motd": "welcome\n", "key": "s3cret\n"}
    for name, text in files.items():
        host.execute(["sh", "-c", f"umask 077; cat >/root/{name}"], stdin=text)
    alone.done("deploy")
    template = json.loads(host.shell(f"docker service inspect -f '{SPEC}' {SERVICE}"))
    spec = template["ContainerSpec"]
    given = dict(one.split("=", 1) for one in spec["Env"])
    assert given["QUOTED"] == 'it\'s "so"'
    assert given["PRICE"] == "5$ and $HOME"
    assert given["DATABASE_URL"].startswith("postgres")
    assert "@sha256:" in spec["Image"]
    assert spec["Hosts"] == ["10.0.0.1 far"]
    assert spec["Healthcheck"]["Test"] == ["CMD", "true"]
    assert spec["StopGracePeriod"] == 3_000_000_000
    assert spec["CapabilityDrop"] == ["CAP_NET_RAW"]
    assert [one["File"]["Name"].rpartition("/")[2] for one in spec["Secrets"]] == ["key"]  # v1 has the whole path
    assert len(spec["Configs"]) == 1
    assert [one["Target"] for one in spec["Mounts"]] == ["/data"]
    assert template["Resources"]["Limits"] == {"NanoCPUs": 500_000_000, "MemoryBytes": 134_217_728}
    ports = json.loads(host.shell(f"docker service inspect -f '{{{{json .Endpoint.Ports}}}}' {SERVICE}"))
    assert [(one["PublishedPort"], one["TargetPort"]) for one in ports] == [(8080, 80)]
    assert host.shell("docker service ls --format '{{.Name}} {{.Replicas}}' | sort").splitlines() == [
        f"{SERVICE} 1/1",
        "root_helper 1/1",
    ]
    assert "nothing to do" in alone.done("deploy")
    host.shell("sed -i 's/^    cap_drop:/    privileged: true\\n    cap_drop:/' /root/docker-compose.override.yml")
    mark = alone.judge.mark()
    told = alone.refused(8, "deploy")
    assert f"{alone.login}: galos-sync: a stack cannot have privileged; nothing was changed." in told
    alone.judge.no_downtime(since=mark)
    alone.done("down")
    host.shell("docker volume rm root_data")
    assert host.shell("docker service ls -q; docker network ls -q --filter label=com.docker.stack.namespace") == ""
