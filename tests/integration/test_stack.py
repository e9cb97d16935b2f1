"""What docker-compose v1, v2 and v5 resolve, given to the real `docker stack deploy` of Docker 20.10 and 26."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from galos_ops.engines.swarm import stack
from sandbox import swarm
from tests.everything import EVERYTHING
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
    secrets: [{source: key, mode: 0440}]
    tmpfs: ["/scratch:size=1m"]
    volumes: ["data:/data", {type: tmpfs, target: /cache, tmpfs: {size: 2097152}}]
    deploy:
      resources: {reservations: {memory: 16M}}
    cpus: 0.5
    mem_limit: 128m
    pids_limit: 100
  helper:
    image: $image
    entrypoint: [sleep, "600"]
configs: {motd: {file: ./motd}}
secrets: {key: {file: ./key}}
volumes: {data: {}}
"""
SPEC = "{{json .Spec.TaskTemplate}}"
REMOVED = """docker stack rm everything; docker network rm outside
while docker network ls --format '{{.Name}}' | grep -qxe outside -e everything_back_overlay; do sleep 0.1; done
docker volume rm -f s_data"""


@pytest.fixture
def alone(any_compose: Operator) -> Operator:
    """An operator at a host of each docker-compose that is a Swarm of one node."""
    swarm.form([any_compose.host])
    any_compose.environment["FABRIC_GALOS_ENGINE"] = "swarm"
    return any_compose


def test_all_that_a_stack_may_have_is_taken_by_the_real_client(alone: Operator) -> None:
    image = f"registry.example/web@sha256:{'a' * 64}"
    file = stack.render(yaml.safe_load(EVERYTHING), "web", image, "everything")
    host, deploy = alone.host, ["docker", "stack", "deploy", "--resolve-image", "never", "-c", "-", "everything"]
    with alone.judge.by_hand("a stack of its own comes and goes"):
        host.shell("docker network create --driver overlay outside")
        host.execute(deploy, stdin=file.decode())
        spec = json.loads(host.shell(f"docker service inspect -f '{SPEC}' everything_web"))["ContainerSpec"]
        host.shell(REMOVED)
    assert sorted(one["Target"] for one in spec["Mounts"]) == ["/cache", "/data", "/scratch", "/srv"]
    assert {one["File"]["Mode"] for one in (*spec["Secrets"], *spec["Configs"])} == {0o440}


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
    assert [one["File"]["Mode"] for one in spec["Secrets"]] == [0o440]
    assert len(spec["Configs"]) == 1
    mounted = {one["Target"]: (one["Type"], (one.get("TmpfsOptions") or {}).get("SizeBytes")) for one in spec["Mounts"]}
    assert mounted == {"/data": ("volume", None), "/cache": ("tmpfs", 2 << 20), "/scratch": ("tmpfs", 1 << 20)}
    assert template["Resources"]["Limits"] == {"NanoCPUs": 500_000_000, "MemoryBytes": 134_217_728, "Pids": 100}
    assert template["Resources"]["Reservations"] == {"MemoryBytes": 16_777_216}
    ports = json.loads(host.shell(f"docker service inspect -f '{{{{json .Endpoint.Ports}}}}' {SERVICE}"))
    assert [(one["PublishedPort"], one["TargetPort"]) for one in ports] == [(8080, 80)]
    assert host.shell("docker service ls --format '{{.Name}} {{.Replicas}}' | sort").splitlines() == [
        f"{SERVICE} 1/1",
        "root_helper 1/1",
    ]
    assert "nothing to do" in alone.done("deploy")
    for task in ("exec", "run"):
        done = alone(task, "sh -c 'cat; exit 42'", stdin="typed\n")
        assert (done.returncode, done.stdout) == (42, "typed\n"), done.stderr
    assert host.shell("docker ps -aq --filter name=-run-; ls ~/.galos-ops | grep run- || true") == ""
    alone.done("stop", "start")
    alone.done("stop")
    host.shell("echo NEWER=1 >>/root/.env")
    assert "its container was made with another .env or compose file" in alone.refused(5, "start")
    alone.done("up")
    shown = alone.done("logs", "--since", "1h", "--timestamps", "--grep", "v1: watching")
    assert re.search(r"^\d{4}-\d\d-\d\dT\S+ .*\| .*v1: watching", shown), shown
    alone.done("hold", "--for", "2h", "--because", "restoring")
    assert "restoring; nothing was changed" in alone.refused(4, "deploy")
    alone.done("hold", "--end")
    host.shell("sed -i 's/^    cap_drop:/    privileged: true\\n    cap_drop:/' /root/docker-compose.override.yml")
    mark = alone.judge.mark()
    told = alone.refused(8, "deploy")
    assert f"{alone.login}: galos-sync: a stack cannot have privileged; nothing was changed." in told
    alone.judge.no_downtime(since=mark)
    alone.done("down")
    host.shell("docker volume rm root_data")
    assert host.shell("docker service ls -q; docker network ls -q --filter label=com.docker.stack.namespace") == ""
