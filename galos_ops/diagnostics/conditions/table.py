"""All checks, in the order in which a person would mend what they find."""

from __future__ import annotations

from galos_ops.diagnostics.condition import Check
from galos_ops.diagnostics.conditions import containers, environment, keys, machine, project, registry

CHECKS: tuple[Check, ...] = (
    *machine.CHECKS,
    *registry.CHECKS,
    *keys.CHECKS,
    *environment.CHECKS,
    *project.CHECKS,
    *containers.CHECKS,
)
