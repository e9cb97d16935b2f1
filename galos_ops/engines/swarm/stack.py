"""The stack file of one service: what `docker stack deploy` takes, made from the resolved compose file; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from galos_ops.engines.snapshot.cluster import SUM
from galos_ops.engines.swarm import mounts, shape

LIMITS = {"cpus": ("limits", "cpus"), "mem_limit": ("limits", "memory"), "pids_limit": ("limits", "pids"),
          "mem_reservation": ("reservations", "memory")}  # fmt: skip
QUANTITIES: Mapping[str, type] = {"cpus": str, "memory": str, "pids": int}
RESTARTS = {"no": "none", "on-failure": "on-failure", "always": "any", "unless-stopped": "any"}
REPLICATED = "replicated"

Tree = Mapping[str, Any]


def unsupported(tree: Tree, service: str) -> list[str]:
    """Return the keys of a service that a stack cannot have and whose loss would change what the file means."""
    row = tree["services"][service]
    above = (
        key
        for kind, of in shape.ABOVE.items()
        for name in _used(row, kind)
        for key in shape.lost(of, (tree.get(kind) or {}).get(name), kind, name)
    )
    return list(dict.fromkeys((*shape.lost(shape.SERVICE, row), *_values(row), *mounts.unsupported(row), *above)))


def _values(row: Tree) -> Iterator[str]:
    """Values that a stack cannot have, of keys that it can."""
    if row.get("entrypoint") in ([], [""], ""):
        yield "an empty entrypoint"
    mode = (row.get("deploy") or {}).get("mode") or REPLICATED
    if mode != REPLICATED:
        yield f"deploy.mode: {mode}"
    for port in row.get("ports") or []:
        if isinstance(port, Mapping):
            if not re.fullmatch(r"\d*", str(port.get("published") or "")):
                yield f"ports: published {port['published']}"
        elif str(port).count(":") > 1:
            yield f"ports: {port}"


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
    found = shape.kept(shape.SERVICE, row)
    made = {key: CONVERTED.get(key, lambda value: value)(value) for key, value in found.items() if key != "tmpfs"}
    made |= {"image": image, "deploy": _deployed({**row, "deploy": found.get("deploy")})}
    made |= {"volumes": mounted} if (mounted := mounts.mounts(found)) else {}
    above = {
        kind: {name: _above(kind, name, (tree.get(kind) or {}).get(name), stack) for name in names}
        for kind in shape.ABOVE
        if (names := _used(row, kind))
    }
    return _summed({"version": shape.VERSION, **above}, service, made)


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
    return json.dumps(tree, ensure_ascii=False, sort_keys=True)


def _deployed(row: Tree) -> dict[str, Any]:
    """What stands under `deploy`: with what older files say beside it, and an update that fails stops where it is.

    Swarm's own way back would start an image that nobody has asked.
    """
    given = dict(row.get("deploy") or {})
    resources = {part: dict(values or {}) for part, values in (given.get("resources") or {}).items()}
    for key, (part, name) in LIMITS.items():
        if row.get(key):
            resources.setdefault(part, {}).setdefault(name, row[key])
    for values in resources.values():  # as the schema of a stack file has them
        values |= {key: kind(values[key]) for key, kind in QUANTITIES.items() if values.get(key)}
    condition, _, attempts = ("no" if row.get("restart") is False else str(row.get("restart") or "")).partition(":")
    policy = {"condition": RESTARTS.get(condition, "any")} | ({"max_attempts": int(attempts)} if attempts else {})
    given.setdefault("restart_policy", policy)
    update = {**update_config(row), "failure_action": "pause"}
    given |= {"mode": REPLICATED, "replicas": replicas(row), "update_config": update}
    return given | ({"resources": resources} if resources else {})


def _port(port: Any) -> Any:
    published = isinstance(port, Mapping) and port.get("published")
    return {**port, "published": int(published)} if published else port


def _file(one: Any) -> Any:
    """A secret or config of a service; newer docker-compose writes a mode as it is typed, in octal digits."""
    octal = isinstance(one, Mapping) and isinstance(one.get("mode"), str)
    return {**one, "mode": int(one["mode"], 8)} if octal else one


CONVERTED: dict[str, Callable[[Any], Any]] = {
    "configs": lambda configs: list(map(_file, configs)),
    "extra_hosts": lambda hosts: [one.replace("=", ":", 1) for one in hosts] if isinstance(hosts, list) else hosts,
    "ports": lambda ports: list(map(_port, ports)),
    "secrets": lambda secrets: list(map(_file, secrets)),
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
    found: dict[str, Any] = shape.kept(shape.ABOVE[kind], given or {})
    if found.get("external") or kind != "networks":
        return found
    found = {key: value for key, value in found.items() if (key, value) != ("driver", "bridge")}
    return {**found, "name": f"{stack}_{name}_overlay"}


def _mapping(labels: Any) -> dict[str, Any]:
    """Labels as a mapping, which a file may have as a list."""
    return dict(labels or {}) if not isinstance(labels, list) else dict(one.partition("=")[::2] for one in labels)
