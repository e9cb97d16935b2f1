"""An operations runbook for a Dockerized service, made executable: Fabric tasks with a guarded deploy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from galos_ops.config.settings import Settings as Settings
    from galos_ops.errors import OpsError as OpsError
    from galos_ops.tasks import namespace as namespace
    from galos_ops.tasks.host_task import host_task as host_task

__version__ = "0.1.0"
__all__ = ["OpsError", "Settings", "__version__", "host_task", "namespace"]

_HOMES = {
    "OpsError": "errors",
    "Settings": "config.settings",
    "host_task": "tasks.host_task",
    "namespace": "tasks",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use: `import galos_ops` alone loads nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
