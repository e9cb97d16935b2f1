"""All conditions, in the order in which a person would repair what they find."""

from __future__ import annotations

from galos_ops.diagnostics.condition import Table
from galos_ops.diagnostics.conditions import containers, environment, keys, machine, project, registry, status, swarm

TABLE = Table(
    *machine.CONDITIONS,
    *registry.CONDITIONS,
    *keys.CONDITIONS,
    *environment.CONDITIONS,
    *project.CONDITIONS,
    *containers.CONDITIONS,
    *swarm.CONDITIONS,
    *status.CONDITIONS,
)
