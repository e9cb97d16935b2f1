"""The stack file of a service, from what docker-compose v1 and v2 resolve; what it cannot say is refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from galos_ops.engines.snapshot.cluster import SUM
from galos_ops.engines.swarm import shape, stack
from tests.everything import EVERYTHING

IMAGE = "registry.example/galos-sync@sha256:" + "a" * 64

V2 = """
name: galos
services:
  db:
    image: postgres
  galos-sync:
    build: {context: /srv/galos}
    cap_drop: [ALL]
    command: null
    container_name: sync
    cpus: 0.5
    depends_on: {db: {condition: service_started, required: true}}
    deploy:
      replicas: 2
      resources: {limits: {pids: 50}}
      update_config: {order: start-first, failure_action: rollback}
    entrypoint: null
    environment: {DATABASE_URL: "postgres://me:p$$w@db/galos", QUOTED: "it's \\"so\\""}
    extra_hosts: [far=10.0.0.1]
    healthcheck: {test: [CMD, "true"], interval: 5s, start_interval: 1s}
    image: registry.example/galos-sync:latest
    mem_limit: "536870912"
    networks: {default: null, back: {aliases: [sync]}}
    ports: [{mode: ingress, target: 80, published: "8080", protocol: tcp, name: web}]
    restart: on-failure:3
    secrets: [{source: key, target: key}]
    volumes:
      - {type: volume, source: data, target: /data, volume: {}}
      - {type: bind, source: /srv, target: /srv, bind: {create_host_path: true}}
networks:
  default: {name: galos_default, ipam: {}}
  back: {name: shared, external: true}
  unused: {name: galos_unused}
volumes: {data: {name: galos_data}}
secrets: {key: {name: galos_key, file: /srv/galos/key}}
"""

V1 = """
services:
  galos-sync:
    environment: {DATABASE_URL: postgres://db/galos}
    image: registry.example/galos-sync:latest
    ports: [8080:80/tcp]
    restart: 'no'
    volumes: [data:/data:rw, /srv:/srv:ro]
version: '3.9'
volumes: {data: {}}
"""

APART = {
    "services.credential_spec.file",  # instead of the registry
    "services.healthcheck.disable",  # instead of a test
    "secrets.driver",  # a plug-in's
    "secrets.driver_opts",
    *(f"{kind}.external" for kind in ("volumes", "secrets", "configs")),
}
"""What cannot stand beside the rest of it."""


def rendered(text: str, service: str = "galos-sync") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stack.render(yaml.safe_load(text), service, IMAGE, "galos"))
    return found


def test_what_v2_resolves_becomes_one_service_of_a_stack() -> None:
    tree = rendered(V2)
    row = tree["services"].pop("galos-sync")
    label = {SUM: row["labels"][SUM]}
    assert tree == {
        "version": "3.9",
        "services": {},
        "networks": {"default": {"name": "galos_default_overlay"}, "back": {"name": "shared", "external": True}},
        "volumes": {"data": {"name": "galos_data"}},
        "secrets": {"key": {"name": "galos_key", "file": "/srv/galos/key"}},
    }
    assert row == {
        "image": IMAGE,
        "cap_drop": ["ALL"],
        "environment": {"DATABASE_URL": "postgres://me:p$$w@db/galos", "QUOTED": 'it\'s "so"'},
        "extra_hosts": ["far:10.0.0.1"],
        "healthcheck": {"test": ["CMD", "true"], "interval": "5s"},
        "labels": label,
        "networks": {"default": None, "back": {"aliases": ["sync"]}},
        "ports": [{"mode": "ingress", "target": 80, "published": 8080, "protocol": "tcp"}],
        "secrets": [{"source": "key", "target": "key"}],
        "volumes": [
            {"type": "volume", "source": "data", "target": "/data"},
            {"type": "bind", "source": "/srv", "target": "/srv"},
        ],
        "deploy": {
            "mode": "replicated",
            "replicas": 2,
            "labels": label,
            "resources": {"limits": {"pids": 50, "cpus": "0.5", "memory": "536870912"}},
            "restart_policy": {"condition": "on-failure", "max_attempts": 3},
            "update_config": {"order": "start-first", "failure_action": "pause"},
        },
    }
    assert stack.unsupported(yaml.safe_load(V2), "galos-sync") == []


def shaped(of: shape.Shape, *path: str) -> set[str]:
    """The keys of a shape by their paths, those that may be lost left out."""
    if isinstance(of, str):
        return {".".join(path)} if of == shape.ANY else set()
    return {one for key, inner in of.items() for one in shaped(inner, *path, *([key] if key != shape.EACH else []))}


def used(of: shape.Shape, value: Any, *path: str) -> set[str]:
    """The same of those that a value has."""
    if isinstance(value, list):
        return {one for inner in value for one in used(of, inner, *path)}
    if isinstance(of, str) or value is None:
        return {".".join(path)}
    named = {key: (of.get(key) or of[shape.EACH], [key] if key in of else []) for key in value}
    return {one for key, (inner, name) in named.items() for one in used(inner, value[key], *path, *name)}


def test_the_file_with_everything_has_all_that_a_stack_may_have() -> None:
    """`tests/integration/test_stack.py` gives it to the real client."""
    tree = yaml.safe_load(EVERYTHING)
    assert stack.unsupported(tree, "web") == []
    shapes = {"services": shape.SERVICE, **shape.ABOVE}
    known = {one for kind, of in shapes.items() for one in shaped(of, kind)}
    tried = {one for kind, of in shapes.items() for row in tree[kind].values() for one in used(of, row, kind)}
    assert known - tried == APART


def test_what_v1_resolves_becomes_one_service_of_a_stack() -> None:
    tree = rendered(V1)
    row = tree["services"]["galos-sync"]
    assert tree["volumes"] == {"data": {}}
    assert tree["networks"] == {"default": {"name": "galos_default_overlay"}}
    assert row["ports"] == ["8080:80/tcp"]
    assert row["volumes"] == ["data:/data:rw", "/srv:/srv:ro"]
    assert row["deploy"]["restart_policy"] == {"condition": "none"}
    assert row["deploy"]["replicas"] == 1
    assert stack.unsupported(yaml.safe_load(V1), "galos-sync") == []


@pytest.mark.parametrize(
    ("restart", "policy"),
    [
        ("always", {"condition": "any"}),
        ("unless-stopped", {"condition": "any"}),
        ("no", {"condition": "none"}),
        (False, {"condition": "none"}),  # what YAML 1.1 makes of a bare no
        ("on-failure", {"condition": "on-failure"}),
        (None, {"condition": "any"}),
    ],
)
def test_when_a_container_starts_again_is_said_as_swarm_says_it(restart: object, policy: dict[str, str]) -> None:
    tree = {"services": {"web": {"image": "web", "restart": restart}}}
    assert json.loads(stack.render(tree, "web", IMAGE, "s"))["services"]["web"]["deploy"]["restart_policy"] == policy


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"privileged": True}, "privileged"),
        ({"network_mode": "host"}, "network_mode"),
        ({"devices": ["/dev/fuse"]}, "devices"),
        ({"shm_size": "1g"}, "shm_size"),
        ({"a_key_of_tomorrow": 1}, "a_key_of_tomorrow"),
        ({"ports": ["127.0.0.1:8080:80/tcp"]}, "ports: 127.0.0.1:8080:80/tcp"),
        ({"ports": [{"target": 80, "published": "8080", "host_ip": "127.0.0.1"}]}, "ports: host_ip"),
        ({"ports": [{"target": 80, "published": "8080-8090"}]}, "ports: published 8080-8090"),
        ({"networks": {"back": {"ipv4_address": "10.0.0.2"}}}, "networks.back: ipv4_address"),
        ({"networks": {"six": None}}, "networks.six: enable_ipv6"),
        ({"networks": {"range": None}}, "networks.range.ipam.config: gateway"),
        ({"deploy": {"mode": "global"}}, "deploy.mode: global"),
        ({"deploy": {"resources": {"reservations": {"devices": [{}]}}}}, "deploy.resources.reservations: devices"),
        ({"deploy": {"update_config": {"a_key_of_tomorrow": 1}}}, "deploy.update_config: a_key_of_tomorrow"),
        ({"secrets": [{"source": "key"}]}, "secrets.key: environment"),
        ({"configs": ["site"]}, "configs.site: content"),
        ({"volumes": [{"type": "volume", "volume": {"subpath": "a/b"}}]}, "volumes.volume: subpath"),
        ({"volumes": [{"type": "bind", "bind": {"selinux": "z"}}]}, "volumes.bind: selinux"),
        ({"volumes": [{"type": "bind", "bind": {"recursive": "disabled"}}]}, "volumes.bind: recursive"),
        ({"volumes": [{"type": "tmpfs", "tmpfs": {"mode": 0o700}}]}, "volumes.tmpfs: mode"),
        ({"volumes": [{"type": "tmpfs", "tmpfs": {"size": "half"}}]}, "volumes.tmpfs: size half"),
        ({"volumes": [{"type": "image", "source": "x", "target": "/x"}]}, "volumes: type image"),
        ({"volumes": ["/srv:/srv:ro,z"]}, "volumes: /srv:/srv:ro,z"),
        ({"tmpfs": ["/run", "/tmp:size=64m,exec"]}, "tmpfs: /tmp:size=64m,exec"),
        ({"tmpfs": "/tmp:size=50%"}, "tmpfs: /tmp:size=50%"),
        ({"credential_spec": {"config": "spec"}}, "credential_spec: config"),
        ({"entrypoint": [], "command": ["sh"]}, "an empty entrypoint"),
    ],
)
def test_what_would_be_lost_on_the_way_is_named(row: dict[str, Any], named: str) -> None:
    six, between = {"enable_ipv6": True}, {"ipam": {"config": [{"subnet": "10.9.0.0/24", "gateway": "10.9.0.1"}]}}
    above = {
        "secrets": {"key": {"environment": "KEY"}},
        "configs": {"site": {"content": "x"}},
        "networks": {"six": six, "range": between},
    }
    assert stack.unsupported({"services": {"web": {"image": "web", **row}}, **above}, "web") == [named]


def test_keys_that_say_nothing_are_not_in_the_way() -> None:
    row = {"image": "web", "privileged": False, "devices": [], "network_mode": None, "x-mine": 1}
    row |= {"deploy": {"x-mine": 1, "resources": {"reservations": {"devices": None}}}}
    row |= {"volumes": ["/srv:/srv:ro,rshared", {"type": "bind", "bind": {"create_host_path": True}}, "/data"]}
    assert stack.unsupported({"services": {"web": row}}, "web") == []
    made = json.loads(stack.render({"services": {"web": row}}, "web", IMAGE, "s"))["services"]["web"]
    assert "x-mine" not in made | made["deploy"]
    assert made["volumes"] == ["/srv:/srv:ro,rshared", {"type": "bind"}, "/data"]


def made(row: dict[str, Any]) -> dict[str, Any]:
    """The service that a stack file has for a service of a resolved compose file."""
    found: dict[str, Any] = json.loads(stack.render({"services": {"web": row}}, "web", IMAGE, "s"))
    assert stack.unsupported({"services": {"web": row}}, "web") == []
    return found["services"]["web"]  # type: ignore[no-any-return]


def test_a_tmpfs_is_a_volume_as_a_stack_loses_it_otherwise() -> None:
    row = made({"tmpfs": ["/run", "/tmp:rw,noexec,size=64m"], "volumes": ["data:/data"]})
    small = {"type": "tmpfs", "target": "/tmp", "tmpfs": {"size": 67_108_864}}
    assert row["volumes"] == ["data:/data", {"type": "tmpfs", "target": "/run"}, small]
    assert "tmpfs" not in row
    assert made({"tmpfs": "/run"})["volumes"] == [{"type": "tmpfs", "target": "/run"}]


@pytest.mark.parametrize(
    ("size", "number"), [(1048576, 1048576), ("1048576", 1048576), ("1g", 1 << 30), ("2MiB", 2 << 20)]
)
def test_the_size_of_a_tmpfs_is_a_number(size: object, number: int) -> None:
    row = made({"volumes": [{"type": "tmpfs", "target": "/t", "tmpfs": {"size": size}}]})
    assert row["volumes"] == [{"type": "tmpfs", "target": "/t", "tmpfs": {"size": number}}]


@pytest.mark.parametrize("mode", [0o440, "0440", "0o440"])
@pytest.mark.parametrize("kind", ["secrets", "configs"])
def test_the_mode_of_a_secret_or_config_is_a_number(kind: str, mode: object) -> None:
    assert made({kind: [{"source": "key", "mode": mode}]})[kind] == [{"source": "key", "mode": 0o440}]


def test_quantities_are_what_the_schema_has_for_them() -> None:
    row = made({"mem_limit": 536870912, "cpus": 0.5, "pids_limit": "100", "mem_reservation": "64m"})
    assert row["deploy"]["resources"] == {
        "limits": {"memory": "536870912", "cpus": "0.5", "pids": 100},
        "reservations": {"memory": "64m"},
    }


def test_the_sum_changes_with_what_would_start_and_with_nothing_else() -> None:
    tree = yaml.safe_load(V2)
    first = stack.summed(stack.render(tree, "galos-sync", IMAGE, "galos"))
    tree["services"]["db"]["image"] = "postgres:17"
    assert stack.summed(stack.render(tree, "galos-sync", IMAGE, "galos")) == first
    assert stack.summed(stack.render(tree, "galos-sync", IMAGE.replace("a", "b"), "galos")) != first
    tree["services"]["galos-sync"]["environment"]["QUOTED"] = "otherwise"
    assert stack.summed(stack.render(tree, "galos-sync", IMAGE, "galos")) != first


def test_a_stack_file_is_one_line() -> None:
    tree = {"services": {"web": {"image": "web", "environment": {"TEXT": "one\ntwo"}}}}
    assert b"\n" not in stack.render(tree, "web", IMAGE, "s")
