"""The tasks, thin: parse, call, report. `namespace()` is the collection for a tasks.py of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from invoke.collection import Collection

from galos_ops.config.loading import configuration, defaults
from galos_ops.tasks import mistakes, typed
from galos_ops.tasks.attaching import exec_, run_
from galos_ops.tasks.configuring import config
from galos_ops.tasks.holding import hold
from galos_ops.tasks.looking import doctor, history, images, logs, status
from galos_ops.tasks.preparing import check, credentials, diff, docker_config, helper, push, region, setup
from galos_ops.tasks.releasing import deploy, migrate, pending, prune, rollback
from galos_ops.tasks.running import down, pull, start, stop, up

__all__ = [
    "check", "config", "credentials", "deploy", "diff", "docker_config", "doctor", "down", "exec_", "helper", "history",
    "hold", "images", "logs", "migrate", "namespace", "pending", "prune", "pull", "push", "region", "rollback", "run_",
    "setup", "start", "status", "stop", "up",
]  # fmt: skip


def namespace(path: Path | str | None = None) -> Collection:
    """The collection of all tasks, configured by a fabfile.yml, or by the defaults without one."""
    looking = (status, history, logs, doctor, config)
    if error := typed.remainder_error((exec_.name, run_.name)):
        raise error
    releasing = (pending, migrate, deploy, rollback, prune)
    root = Collection(setup, pull, up, start, stop, down, *looking, *releasing, hold, exec_, run_)
    root.add_collection(Collection("ecr", credentials, region, helper, docker_config, check, images))
    root.add_collection(Collection("env", push, diff))
    for name in root.task_names:
        root[name].path = name
    tree = configuration(Path(path)) if path else {"galos": defaults()}
    sys.excepthook = mistakes.hook
    root.configure(tree)
    return root


def __getattr__(name: str) -> Any:
    """Make `ns` when it is asked for, so that `from galos_ops.tasks import ns` is a whole tasks.py.

    It is configured by the fabfile.yml beside the file that imports it: Invoke puts that folder first on `sys.path`.
    """
    if name != "ns":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    beside = Path(sys.path[0], "fabfile.yml")
    return namespace(beside if beside.is_file() else None)
