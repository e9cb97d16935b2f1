"""Conditions of a cluster: of the host as its manager, of its nodes, and of what the stack makes of the service.

Where the engine is no Swarm all of them hold.
"""

from __future__ import annotations

from functools import partial

from galos_ops.diagnostics.condition import Condition, Subject, step, those, when
from galos_ops.engines.cluster_notes import HOME
from galos_ops.engines.snapshot.cluster import StackService, Task
from galos_ops.engines.snapshot.probe_output import moment
from galos_ops.errors import NotReadyError, VerifyError

TOKEN_SECONDS = 12 * 3600  # how long a token of ECR lasts


def untold(subject: Subject) -> bool:
    """Whether a manager does not tell what the cluster runs, as without a quorum of them."""
    return bool(subject.snapshot.cluster and not subject.snapshot.cluster.tells)


def home(subject: Subject) -> str | None:
    """The name of another node that is the stack's home."""
    found = subject.snapshot.cluster
    node = found.note(HOME, subject.snapshot.project_name) if found else ""
    return found.node_name(node) if found and node not in ("", found.node) else None


def elsewhere(subject: Subject) -> str | None:
    """Where the stack is at home, and whether that node is there at all."""
    name, found = home(subject), subject.snapshot.cluster
    if name is None or found is None:
        return None
    there = any(one.name == name and one.state == "ready" for one in found.nodes)
    return f"the stack is at home on {name}{'' if there else ', which does not answer'}"


def not_supported(subject: Subject) -> list[str]:
    snapshot, service = subject.snapshot, subject.service
    if not snapshot.cluster or service not in snapshot.rows():
        return []
    from galos_ops.engines.swarm import stack

    return [f"{service}: {key}" for key in stack.unsupported(snapshot.tree(), service)]


def service(subject: Subject) -> StackService | None:
    found = subject.snapshot.cluster
    return found.service(subject.snapshot.project_name, subject.service) if found else None


def silent(subject: Subject) -> list[str]:
    return subject.snapshot.cluster.silent if subject.snapshot.cluster else []


def by_tag(subject: Subject) -> str | None:
    one = service(subject)
    return f"it runs {one.image}" if one and "@" not in one.image else None


def rolls_back(subject: Subject) -> bool:
    if not subject.snapshot.cluster:
        return False
    from galos_ops.engines.swarm import stack

    row = subject.snapshot.rows().get(subject.service) or {}
    return stack.update_config(row).get("failure_action") == "rollback"


def old_token(subject: Subject) -> bool:
    one = service(subject)
    updated = moment(one.updated) if one else None
    return updated is not None and subject.snapshot.age(updated) > TOKEN_SECONDS


def tasks(subject: Subject) -> list[Task]:
    one, found = service(subject), subject.snapshot.cluster
    return [task for task in found.tasks if task.service == one.id] if one and found else []


def without_image(subject: Subject) -> list[str]:
    found = subject.snapshot.cluster
    missing = (task.node for task in tasks(subject) if task.state == "rejected" and "No such image" in task.error)
    return [found.node_name(node) for node in dict.fromkeys(missing)] if found else []


def fewer(subject: Subject) -> str | None:
    one = service(subject)
    running = sum(task.state == "running" and task.desired == "running" for task in tasks(subject))
    return f"{running} of {one.replicas} containers run" if one and running < one.replicas else None


def paused(subject: Subject) -> str | None:
    one = service(subject)
    return f"its update is {one.update}" if one and one.update.startswith(("paused", "rollback")) else None


fault = partial(Condition, after=("daemon-down",))
of_service = partial(Condition, each=True, after=("swarm-silent", "compose-file-malformed"))

CONDITIONS = (
    fault(
        "swarm-not-manager",
        "Only a manager can say what the cluster runs, and change it.",
        "name a manager with -H, or make one of {host}: {ssh:docker swarm init}",
        when(lambda it: it.snapshot.cluster and not it.snapshot.cluster.manager, "it is no manager of a Swarm"),
        sentence="the host is no manager of a Swarm",
    ),
    fault(
        "swarm-silent",
        "Without a quorum of managers nobody knows what runs, and nothing can be started, stopped or migrated.",
        "bring most of its managers back",
        when(untold, "the cluster does not tell what it runs"),
        evidence=lambda it: it.snapshot.cluster.error if it.snapshot.cluster else "",
        after=("swarm-not-manager",),
    ),
    fault(
        "swarm-home-elsewhere",
        "The lock and the log are there; two managers that deploy would not see each other.",
        "deploy from there, or, if it is gone for good, take away the config galos-ops-home-STACK, then: {fab:setup}",
        elsewhere,
        after=("swarm-silent",),
    ),
    fault(
        "node-silent",
        "Nobody knows what it runs, so nothing is stopped or migrated until it is back or removed.",
        "bring it back, or, if it is off for good, take it out of the cluster",
        those(silent, "{} does not answer"),
        after=("swarm-silent",),
        line="cluster",
        error=NotReadyError,
    ),
    of_service(
        "stack-unsupported",
        "docker stack deploy would leave it out, and the service would run as something else than the file says.",
        "take it out of the compose file, or keep galos.engine: compose",
        those(not_supported, "a stack cannot have {}"),
    ),
    of_service(
        "image-by-tag",
        "Somebody changed the service by hand: a node that starts it again may fetch another image, unchecked.",
        "{fab:deploy}",
        by_tag,
        severity="warning",
    ),
    of_service(
        "update-rolls-back",
        "Swarm would start the image before by itself, which nobody has asked; deploy writes pause in its place.",
        "write failure_action: pause under deploy.update_config",
        when(rolls_back, "deploy.update_config.failure_action is rollback"),
        severity="warning",
    ),
    of_service(
        "token-old",
        "A node without the image cannot fetch it any more; a deploy, even of nothing new, hands out another token.",
        "{fab:deploy}",
        when(old_token, "the registry's token in the service is older than 12 hours"),
        severity="warning",
    ),
    of_service(
        "image-missing-on-node",
        "Swarm tries the same again and again there.",
        "{fab:deploy}",
        those(without_image, "{} has not got the image"),
        severity="warning",
    ),
    step(
        "replicas-run",
        fewer,
        "swarm-silent",
        fix="{fab:logs}, then: {fab:up}",
        each=True,
        line="container",
        error=VerifyError,
    ),
    step("update-over", paused, "swarm-silent", fix="{fab:deploy}", each=True, line="container", error=VerifyError),
)
