"""The stack file of one service: what `docker stack deploy` takes, made from the resolved compose file; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from galos_ops.engines.snapshot.cluster import SUM

VERSION = "3.8"  # the newest that the CLI of Docker 20.10 knows; without one it refuses the file
KEPT = frozenset((
    "cap_add", "cap_drop", "command", "configs", "credential_spec", "deploy", "dns", "dns_search", "entrypoint",
    "environment", "extra_hosts", "healthcheck", "hostname", "image", "init", "isolation", "labels", "logging",
    "networks", "ports", "read_only", "secrets", "stdin_open", "stop_grace_period", "stop_signal", "sysctls", "tmpfs",
    "tty", "ulimits", "user", "volumes", "working_dir",
))  # fmt: skip
"""The keys of a service that a stack file has, too."""
DROPPED = frozenset((
    "attach", "build", "container_name", "cpus", "depends_on", "develop", "expose", "mem_limit", "mem_reservation",
    "pids_limit", "platform", "profiles", "pull_policy", "restart", "scale",
))  # fmt: skip
"""Those that mean nothing to a cluster, or come back under `deploy`."""
LIMITS = {"cpus": ("limits", "cpus"), "mem_limit": ("limits", "memory"), "pids_limit": ("limits", "pids"),
          "mem_reservation": ("reservations", "memory")}  # fmt: skip
RESTARTS = {"no": "none", "on-failure": "on-failure", "always": "any", "unless-stopped": "any"}
REPLICATED = "replicated"
PORT = frozenset(("mode", "target", "published", "protocol", "name", "app_protocol"))
OWN_PORT = frozenset(("name", "app_protocol"))  # what a published port has in compose alone, and may lose
NETWORK = frozenset(("aliases",))
UNDER = ("networks", "volumes", "secrets", "configs")

Tree = Mapping[str, Any]


def unsupported(tree: Tree, service: str) -> list[str]:
    """Return the keys of a service that a stack cannot have and whose loss would change what the file means."""
    row = tree["services"][service]
    return [*_keys(row), *_ports(row), *_networks(row), *_deploy(row), *_sources(tree, row)]


def _keys(row: Tree) -> Iterator[str]:
    yield from (key for key, value in row.items() if value not in (None, [], {}, False) and key not in KEPT | DROPPED)


def _ports(row: Tree) -> Iterator[str]:
    for port in row.get("ports") or []:
        if isinstance(port, Mapping):
            yield from (f"ports: {key}" for key in port if key not in PORT)
            if not re.fullmatch(r"\d*", str(port.get("published") or "")):
                yield f"ports: published {port['published']}"
        elif str(port).count(":") > 1:
            yield f"ports: {port}"


def _networks(row: Tree) -> Iterator[str]:
    networks = row.get("networks") or {}
    if isinstance(networks, Mapping):
        rows = ((name, one or {}) for name, one in networks.items())
        yield from (f"networks.{name}: {key}" for name, one in rows for key in one if key not in NETWORK)


def _deploy(row: Tree) -> Iterator[str]:
    mode = (row.get("deploy") or {}).get("mode") or REPLICATED
    if mode != REPLICATED:
        yield f"deploy.mode: {mode}"


def _sources(tree: Tree, row: Tree) -> Iterator[str]:
    """What a secret or a config is made from on the host, other than a file."""
    for kind in ("secrets", "configs"):
        for name in _used(row, kind):
            found = (tree.get(kind) or {}).get(name) or {}
            yield from (f"{kind}.{name}: {key}" for key in ("environment", "content") if found.get(key))


def update_config(row: Tree) -> dict[str, Any]:
    """Return how a service of a resolved compose file is to be updated, as the file has it."""
    found: dict[str, Any] = (row.get("deploy") or {}).get("update_config") or {}
    return found


def replicas(row: Tree) -> int:
    """Return how many containers a service of a resolved compose file is to have."""
    wanted = (row.get("deploy") or {}).get("replicas", row.get("scale"))
    return 1 if wanted is None else int(wanted)


def render(tree: Tree, service: str, image: str, stack: str) -> bytes:
    """Return the stack file of one service, in one line of JSON, with its image by a reference that never moves.

    The networks have names of their own, as docker-compose keeps `STACK_default` for a bridge beside the stack.
    """
    row = tree["services"][service]
    made = {key: _converted(key, value) for key, value in row.items() if key in KEPT and value is not None}
    used = {kind: _used(row, kind) for kind in UNDER}
    made |= {"image": image, "deploy": _deployed(row)}
    above = {
        kind: {name: _above(kind, name, (tree.get(kind) or {}).get(name), stack) for name in names}
        for kind, names in used.items()
        if names
    }
    return _summed({"version": VERSION, **above}, service, made)


def summed(file: bytes) -> str:
    """Return the sum that is written in a stack file."""
    [row] = json.loads(file)["services"].values()
    found: str = row["labels"][SUM]
    return found


def _summed(top: Tree, service: str, row: dict[str, Any]) -> bytes:
    found = sha256(_json({**top, "services": {service: row}}).encode()).hexdigest()
    deploy = row["deploy"]
    labels, own = ({**_mapping(one.get("labels")), SUM: found} for one in (deploy, row))
    return _json(
        {**top, "services": {service: {**row, "labels": own, "deploy": {**deploy, "labels": labels}}}}
    ).encode()


def _json(tree: Tree) -> str:
    return json.dumps(tree, ensure_ascii=False, sort_keys=True, default=str)


def _deployed(row: Tree) -> dict[str, Any]:
    """What stands under `deploy`: with what older files say beside it, and an update that fails stops where it is.

    Swarm's own way back would start an image that nobody has asked.
    """
    given = dict(row.get("deploy") or {})
    resources = {part: dict(values or {}) for part, values in (given.get("resources") or {}).items()}
    for key, (part, name) in LIMITS.items():
        if row.get(key):
            resources.setdefault(part, {}).setdefault(name, row[key])
    for values in resources.values():
        values |= {"cpus": str(values["cpus"])} if values.get("cpus") else {}
    condition, _, attempts = ("no" if row.get("restart") is False else str(row.get("restart") or "")).partition(":")
    policy = {"condition": RESTARTS.get(condition, "any")} | ({"max_attempts": int(attempts)} if attempts else {})
    given.setdefault("restart_policy", policy)
    update = {**update_config(row), "failure_action": "pause"}
    given |= {"mode": REPLICATED, "replicas": replicas(row), "update_config": update}
    return given | ({"resources": resources} if resources else {})


def _converted(key: str, value: Any) -> Any:
    """The value of a key of a service as a stack file has it."""
    return CONVERTED.get(key, lambda value: value)(value)


def _port(port: Any) -> Any:
    if not isinstance(port, Mapping):
        return port
    kept = {key: value for key, value in port.items() if key not in OWN_PORT}
    return kept | ({"published": int(port["published"])} if port.get("published") else {})


def _volume(volume: Any) -> Any:
    if not isinstance(volume, Mapping):
        return volume
    bind = {key: value for key, value in (volume.get("bind") or {}).items() if key != "create_host_path"}
    rest = {key: value for key, value in volume.items() if key != "bind" and value not in (None, {})}
    return rest | ({"bind": bind} if bind else {})


CONVERTED: dict[str, Callable[[Any], Any]] = {
    "ports": lambda ports: list(map(_port, ports)),
    "volumes": lambda volumes: list(map(_volume, volumes)),
    "extra_hosts": lambda hosts: [one.replace("=", ":", 1) for one in hosts] if isinstance(hosts, list) else hosts,
    "healthcheck": lambda check: {key: value for key, value in check.items() if key != "start_interval"},
}


def _used(row: Tree, kind: str) -> list[str]:
    """The networks, volumes, secrets or configs that a service uses, by the names that the file has for them."""
    if kind == "networks":
        return list(row.get("networks") or ["default"])
    if kind == "volumes":
        return [name for one in row.get("volumes") or [] if (name := _volume_name(one))]
    return [str(one["source"] if isinstance(one, Mapping) else one) for one in row.get(kind) or []]


def _volume_name(volume: Any) -> str:
    if isinstance(volume, Mapping):
        return str(volume.get("source") or "") if volume.get("type") == "volume" else ""
    source, colon, _ = str(volume).partition(":")
    return source if colon and not source.startswith(("/", ".", "~")) else ""


def _above(kind: str, name: str, given: Any, stack: str) -> dict[str, Any]:
    """A network, volume, secret or config as it stands at the top of a stack file."""
    found = {key: value for key, value in (given or {}).items() if value not in (None, {}, [])}
    if found.get("external") or kind != "networks":
        return found
    found = {key: value for key, value in found.items() if (key, value) != ("driver", "bridge")}
    return {**found, "name": f"{stack}_{name}_overlay"}


def _mapping(labels: Any) -> dict[str, Any]:
    """Labels as a mapping, which a file may have as a list."""
    return dict(labels or {}) if not isinstance(labels, list) else dict(one.partition("=")[::2] for one in labels)
