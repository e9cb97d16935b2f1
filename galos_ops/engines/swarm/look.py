"""Looking at a cluster from one of its managers: the script, what it found, and the errors where that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from galos_ops.engines.engine import Target
from galos_ops.engines.snapshot.probe import Scope, containers, swarm
from galos_ops.engines.snapshot.probe import script as of_parts
from galos_ops.engines.snapshot.probe_output import parse
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.errors import NotReadyError
from galos_ops.host.result import Result

LOOK = (containers, swarm)


def script(target: Target) -> str:
    """A script that ends with what the cluster runs, and what docker-compose does at home."""
    return of_parts(LOOK, Scope((), target.settings.directory, engine=target.settings.engine))


def look(target: Target, *, doing: str) -> Snapshot:
    """Look now; raises as `seen` does."""
    return seen(target, target.run(script(target), doing=doing, check=False))


def seen(target: Target, result: Result) -> Snapshot:
    """The target's snapshot with what such a script has found; raises `NotReadyError` where the cluster did not say."""
    found = parse(result.stdout, {part.__name__ for part in LOOK}) if result.ok else Snapshot()
    if not found.cluster or not found.cluster.tells:
        raise silent_cluster_error(target, found.cluster.error if found.cluster else result.output)
    return replace(target.snapshot, containers=found.containers, cluster=found.cluster)


def node(target: Target) -> str:
    """Return the ID of the node that is the host."""
    return target.snapshot.cluster.node if target.snapshot.cluster else "unknown"


def unknown_node_error(target: Target, nodes: Iterable[str]) -> NotReadyError:
    """The error for nodes of which nobody knows what they run, as they do not answer or did not until just now."""
    named = ", ".join(nodes)
    return NotReadyError(
        f"{target.label}: {named} does not answer, or not for a minute yet, so that nobody knows whether the service "
        "runs there; nothing is migrated until that is known.",
        hint=f"when it has been back for a minute, or was taken out of the cluster: {target.host.typed.again()}",
    )


def silent_cluster_error(target: Target, evidence: str) -> NotReadyError:
    """The error for a manager that does not tell what the cluster runs, as without a quorum of them."""
    return NotReadyError(
        f"{target.label}: the cluster does not tell what it runs; whether the service does is not known.",
        evidence=evidence,
        hint=f"when most of its managers are up: {target.host.typed.again()}",
    )
