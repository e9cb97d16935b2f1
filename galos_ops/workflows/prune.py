"""Removing what of ours a host need not keep."""

from __future__ import annotations

from galos_ops.engines.images.surplus import Surplus, surplus
from galos_ops.host.release_log import read
from galos_ops.workflows.steps import Steps


def prune(steps: Steps) -> Surplus:
    """Remove images and one-off containers of ours that no kept release of a service needs, and return them."""
    target = steps.target
    found = surplus(target, read(target.host, target.settings.directory).releases)
    steps.prune(found)
    return found
