"""Setting up a host: each step of the runbook's first two sections, in its order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from galos_ops.diagnostics.ready import ENGINE
from galos_ops.engines.snapshot.probe import PROJECT, Scope, gather
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.host.shell import shell_path
from galos_ops.progress import Change
from galos_ops.provisioning import dotenv as dotenv_file
from galos_ops.provisioning import ecr
from galos_ops.provisioning.compose_file import compose_file
from galos_ops.provisioning.files import done_or_would
from galos_ops.workflows.ops import Ops


def setup(ops: Ops) -> None:
    """Prepare a host; the second run changes nothing. Raises as the steps do, and `NotReadyError`."""
    host, settings = ops.host, ops.settings
    ops.report.title(host.name, "setup")
    ours = dotenv_file.local(settings) if settings.env_command else None  # it may fail before anything is changed
    snapshot = ops.snapshot()
    changed = [] if snapshot.directories else [ops.change("directory", lambda: directory(ops))]
    if changed:
        # for a directory that is not there yet, the rest of the host is as it is from anywhere else
        home = Scope((), "~", engine=settings.engine)
        snapshot = replace(gather(host, PROJECT, home), environment=None) if host.dry else ops.snapshot()
    ops.ready(snapshot, ENGINE)
    steps: dict[str, Callable[[], Change]] = {
        "ecr.credentials": lambda: ecr.credentials(host, settings, ops.report.say),
        "ecr.region": lambda: ecr.region(host, settings),
        "ecr.helper": lambda: ecr.helper(host),
        "ecr.docker-config": lambda: ecr.docker_config(host, settings),
        "env.push": lambda: push_environment(ops, snapshot, ours),
        "compose file": lambda: compose_file(host, settings),
        "ecr.check": lambda: proof(ops, any(changed)),
    }
    ops.report.width = max(map(len, steps))
    with ops.holding("setup"), ops.noted("setup") as done:
        done += ["directory"] * len(changed)
        for name, make in steps.items():
            changed.append(ops.change(name, make))
            done += [name] if changed[-1] else []
    if not any(changed):
        ops.report.say("nothing to do: the host was ready already")
    elif not host.dry:
        ops.report.say("the host is ready")


def directory(ops: Ops) -> Change:
    """The service's directory, which the host does not have; raises `CommandFailed` where it cannot be made."""
    path = ops.settings.directory
    if ops.host.dry:
        ops.host.run(f"! [ -e {shell_path(path)} ]", doing=f"make {path}: something else has that name")
    else:
        ops.host.change(f"umask 077; mkdir -p -- {shell_path(path)}", doing=f"make {path}")
    return Change(True, f"{path} {done_or_would(ops.host, 'made')}")


def push_environment(ops: Ops, snapshot: Snapshot, ours: dotenv_file.Checked | None) -> Change:
    """`env.push`, except where there is nothing to send and the host has its own .env already."""
    if ours is None and snapshot.environment is not None and not Path(ops.settings.env_file).exists():
        return Change(False, f"no {ops.settings.env_file} here; the host keeps its own")
    return dotenv_file.push(ops.host, ops.settings, ours)


def proof(ops: Ops, unready: bool) -> Change:
    """`ecr.check`, which a dry run must leave out while the steps before it are only planned."""
    if ops.host.dry and unready:
        return Change(True, "the registry would be asked from the host, once all this is in place")
    return ecr.check(ops.host, ops.settings, ops.settings.services)
