"""What the managers of a cluster tell each other of a stack: notes of ours, each a docker config with its own name."""

from __future__ import annotations

import secrets

from galos_ops.errors import NotReadyError
from galos_ops.host.host import Host
from galos_ops.host.shell import ExitCode

HOME, CLAIM = "galos-ops-home", "galos-ops-migrating"
"""What we note: where a stack is at home, and that a migration is under way."""
NODE = "galos-ops.node"  # a label of such a note: the ID of the node that made it


def home(stack: str, node: str) -> str:
    """Return a script that ends with `ExitCode.NOT_HOME` where a stack is at home on another node than this one.

    Where nothing is noted of that yet, it is from now on at home on this one; where that cannot be told, as without a
    quorum of managers, the script ends with `ExitCode.HOME_UNKNOWN`.
    """
    asked = f"home=$(docker config inspect -f '{{{{index .Spec.Labels \"{NODE}\"}}}}' {HOME}-{stack}"
    return (
        f"{asked} 2>/dev/null) || {{ {_make(HOME, stack, node)}\n{asked}); }} || exit {ExitCode.HOME_UNKNOWN}\n"
        f'[ "$home" = {node} ] || {{ echo "home: node $home" >&2; exit {ExitCode.NOT_HOME}; }}'
    )


def not_home_error(host: Host, doing: str, evidence: str) -> NotReadyError:
    """The error for a step on a host that is not the one any more where the stack is at home."""
    return NotReadyError(
        f"{host.name}: another manager of the cluster is the one that changes it by now; nothing was done to {doing}.",
        evidence=evidence,
        hint=f"it names that one: {host.typed.again()}",
    )


def unknown_home_error(host: Host, doing: str, evidence: str) -> NotReadyError:
    """The error for a step on a host that cannot tell where the stack is at home."""
    return NotReadyError(
        f"{host.name}: the cluster does not tell which of its managers changes it; nothing was done to {doing}.",
        evidence=evidence,
        hint=f"when most of its managers are up: {host.typed.again()}",
    )


def claim(stack: str, node: str) -> str:
    """Return a script that notes that a migration is under way."""
    return f"{_make(CLAIM, stack, node)}\ndocker config inspect {CLAIM}-{stack} >/dev/null || exit 1"


def release(stack: str) -> str:
    """Return a script that takes that back."""
    note = f"{CLAIM}-{stack}"
    return f"docker config rm {note} >/dev/null 2>&1 || ! docker config inspect {note} >/dev/null 2>&1 || exit 1"


def _make(kind: str, stack: str, node: str) -> str:
    """A script that notes something for the cluster, unless somebody has: a config has a name of its own there."""
    label = f"--label {NODE}={node}"
    return f"echo {secrets.token_hex(4)} | docker config create {label} {kind}-{stack} - >/dev/null 2>&1"
