"""A Docker Swarm as one of its managers sees it: nodes, the services of stacks and their tasks, our own notes; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from galos_ops.engines.cluster_notes import NODE

STACK = "com.docker.stack.namespace"
SUM = "galos-ops.sum"  # a label of a service and of its containers: the sum of the file that they were made from
ENDED = frozenset(("complete", "shutdown", "failed", "rejected", "remove", "orphaned"))
"""The states of a task whose container does not run, on a node that answers."""

RETURNED_SECONDS = 60  # in which a node that was away stops what it ran meanwhile: measured 35
"""A task that was replaced while its node was away may be forgotten, and its container runs on until then."""

LOOKS = 5  # at what goes while it is inspected, as a task does that another one takes the place of

INFO = '{"id":{{json .Swarm.NodeID}},"manager":{{json .Swarm.ControlAvailable}},"error":{{json .Swarm.Error}}}'
NODES = (
    '{"id":{{json .ID}},"name":{{json .Description.Hostname}},"state":{{json .Status.State}},'
    '"availability":{{json .Spec.Availability}},"manager":{{json .ManagerStatus}}}'
)
SERVICES = (
    '{"id":{{json .ID}},"name":{{json .Spec.Name}},"labels":{{json .Spec.Labels}},"mode":{{json .Spec.Mode}},'
    '"image":{{json .Spec.TaskTemplate.ContainerSpec.Image}},"update":{{json .UpdateStatus}},'
    '"updated":{{json .UpdatedAt}}}'
)
TASKS = (
    '{"id":{{json .ID}},"service":{{json .ServiceID}},"slot":{{json .Slot}},"node":{{json .NodeID}},'
    '"desired":{{json .DesiredState}},"state":{{json .Status.State}},"since":{{json .Status.Timestamp}},'
    '"error":{{json .Status.Err}},"container":{{json .Status.ContainerStatus}},'
    '"image":{{json .Spec.ContainerSpec.Image}},"labels":{{json .Spec.ContainerSpec.Labels}}}'
)
NOTES = '{"name":{{json .Spec.Name}},"labels":{{json .Spec.Labels}}}'


@dataclass(frozen=True)
class Node:
    """A machine of the cluster; `state` is Docker's word: ready, down, unknown, disconnected."""

    id: str
    name: str
    state: str
    availability: str
    manager: bool = False
    leader: bool = False


@dataclass(frozen=True)
class StackService:
    """A service of a stack; `image` is the reference in its specification, `sum` that of the file it was made from."""

    id: str
    name: str
    stack: str
    replicas: int
    image: str
    sum: str
    update: str
    updated: str


@dataclass(frozen=True)
class Task:
    """What Swarm runs in a slot of a service; `state` and `desired` are Docker's words, `service` is its ID."""

    id: str
    service: str
    slot: int
    node: str
    desired: str
    state: str
    since: str
    error: str
    container: str
    image: str
    sum: str

    @property
    def alive(self) -> bool:
        return self.state not in ENDED

    @property
    def stopping(self) -> bool:
        """Whether it is to end."""
        return self.desired in ("shutdown", "remove")


@dataclass(frozen=True)
class Cluster:
    """A cluster at one moment; `node` is the ID of the host that was asked, `manager` whether it is one.

    `tells` is whether all that was asked was answered, as a manager without a quorum answers nothing; `error` is what
    Docker says of that. `notes` are ours by their name: the IDs of the nodes that made them. `returned` are the names
    of the nodes that were away until just now, and may run what nobody knows of any more.
    """

    node: str = ""
    manager: bool = False
    tells: bool = False
    error: str = ""
    nodes: tuple[Node, ...] = ()
    services: tuple[StackService, ...] = ()
    tasks: tuple[Task, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    returned: tuple[str, ...] = ()

    def service(self, stack: str, name: str) -> StackService | None:
        """Return a service of a stack by the name that the compose file has for it."""
        return next((one for one in self.services if one.name == f"{stack}_{name}"), None)

    def node_name(self, id: str) -> str:
        """Return the name of a node, for a person; its ID where it is gone."""
        return next((one.name for one in self.nodes if one.id == id), id)

    def note(self, kind: str, stack: str) -> str:
        """Return the ID of the node that made a note, empty where there is none."""
        return self.notes.get(f"{kind}-{stack}", "")

    @property
    def silent(self) -> list[str]:
        """The names of the nodes of which nobody knows what they run."""
        return [one.name for one in self.nodes if one.state != "ready"]


def reference(image: str) -> str:
    """Return an image's reference by its digest, without the tag that it may have beside it."""
    name, at, digest = image.partition("@")
    return re.sub(r":[^:/]*$", "", name) + at + digest if at else image


def returned(form: str) -> str:
    """Return a script that prints a form, in which `\\1` is its ID, for each node that came back within a minute.

    What happened to a node the engine keeps for a while, among the last 256 events of any kind.
    """
    since, until = f'"$(($(date +%s) - {RETURNED_SECONDS}))"', '"$(date +%s.%N)"'
    states = '{{index .Actor.Attributes "state.old"}} {{index .Actor.Attributes "state.new"}}'
    return (
        f"docker events --since {since} --until {until} --filter type=node --format '{states} {{{{.Actor.ID}}}}' | "
        f"sed -n 's/^d[a-z]* ready \\(.*\\)/{form}/p'"
    )


def script() -> str:
    """Return a script that prints `cluster<TAB>KIND JSON` lines, and the images of services that are here.

    `told` comes when every question was answered: what goes while it is inspected is listed anew.
    """
    services = "docker service ls -q"
    kinds = {
        "service": (services, f"docker service inspect -f '{SERVICES}'"),
        "task": (services, "docker service ps -q --no-trunc", f"docker inspect --type task -f '{TASKS}'"),
        "node": ("docker node ls -q", f"docker node inspect -f '{NODES}'"),
        "note": (f"docker config ls -q --filter label={NODE}", f"docker config inspect -f '{NOTES}'"),
    }
    asked = "".join(_inspected(kind, *commands) for kind, commands in kinds.items())
    images = (
        "docker service ls -q 2>/dev/null | xargs -r docker service inspect "
        "-f '{{.Spec.TaskTemplate.ContainerSpec.Image}}' 2>/dev/null"
    )
    local = f"{images} | sort -u | sed 's/:[^:/@]*@/@/' | while read -r one; do image \"$one\"; done"
    back = returned('cluster\treturned {"id":"\\1"}')
    return (
        f"echo 'cluster\tasked {{}}'; docker info -f 'cluster\tinfo {INFO}' 2>/dev/null\n"
        f"( {asked}echo 'cluster\ttold {{}}' ) 2>/dev/null\n{local}\n{back} 2>/dev/null"
    )


def _inspected(kind: str, listing: str, *inspecting: str) -> str:
    """A script that prints a line for all that is listed, or ends where that is not told."""
    each = " && ".join(f"rows=$(echo $rows | xargs -r {command})" for command in inspecting)
    again = f"look=$((look + 1)); [ $look -lt {LOOKS} ] || exit"
    return (
        f"look=0; until {{ rows=$({listing}) || exit; {each}; }}; do {again}; done\n"
        f"[ -z \"$rows\" ] || printf '%s\\n' \"$rows\" | sed 's/^/cluster\t{kind} /'\n"
    )


def read(rows: Iterable[str]) -> Cluster | None:
    """Return what the script printed after `cluster`, None where it was not asked; raises `ValueError`."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        kind, _, text = row.partition(" ")
        found.setdefault(kind, []).append(json.loads(text))
    if not found:
        return None
    info, back = found.get("info", [{}])[0], {row["id"] for row in found.get("returned", [])}
    return Cluster(
        node=info.get("id") or "",
        manager=bool(info.get("manager", True)),
        tells="told" in found,
        error=info.get("error") or "",
        nodes=tuple(sorted(map(_node, found.get("node", [])), key=lambda node: node.name)),
        services=tuple(map(_service, found.get("service", []))),
        tasks=tuple(map(_task, found.get("task", []))),
        notes={row["name"]: (row["labels"] or {}).get(NODE, "") for row in found.get("note", [])},
        returned=tuple(row["name"] for row in found.get("node", []) if row["id"] in back),
    )


def _node(row: Mapping[str, Any]) -> Node:
    manager = row["manager"] or {}
    plain = {key: row[key] for key in ("id", "name", "state", "availability")}
    return Node(**plain, manager=bool(manager), leader=bool(manager.get("Leader")))


def _service(row: Mapping[str, Any]) -> StackService:
    labels, replicated = row["labels"] or {}, row["mode"].get("Replicated") or {}
    update = (row["update"] or {}).get("State") or ""
    stack, replicas = labels.get(STACK, ""), int(replicated.get("Replicas", 1))
    return StackService(
        row["id"], row["name"], stack, replicas, row["image"], labels.get(SUM, ""), update, row["updated"]
    )


def _task(row: Mapping[str, Any]) -> Task:
    labels, container = row["labels"] or {}, row["container"] or {}
    plain = {key: row[key] or "" for key in ("id", "service", "node", "desired", "state", "since", "error", "image")}
    return Task(
        **plain, slot=int(row["slot"] or 0), container=container.get("ContainerID") or "", sum=labels.get(SUM, "")
    )
