"""What was typed before the task, read from the program that runs."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from galos_ops.config.command_line import CommandLine, Option
from galos_ops.errors import UsageError

FLAGS = {
    "search-root": "-r",
    "collection": "-c",
    "config": "-f",
    "ssh-config": "-S",
    "identity": "-i",
    "connect-timeout": "-t",
    "prompt-for-login-password": "--prompt-for-login-password",
    "prompt-for-passphrase": "--prompt-for-passphrase",
    "prompt-for-sudo-password": "--prompt-for-sudo-password",
}
"""What a next command repeats of Fabric's own flags, by the name under which Fabric has it."""

SSH_FLAGS = {"ssh-config": "-F", "identity": "-i"}
PROGRAMS = {"galos-ops": "galos_ops.tasks.program", "fab": "fabric.main", "inv": "invoke.main"}
UNREPEATED = ("json", "dry_run")


def remainder_error(tasks: Collection[str]) -> UsageError | None:
    """Return the error for one of some tasks whose remainder Fabric would run on the host itself."""
    for module in PROGRAMS.values():
        core = getattr(getattr(sys.modules.get(module), "program", None), "core", None)
        if core and core.remainder and (named := [word for word in core.unparsed if word in tasks]):
            line = typed(named[0], {"command": core.remainder})
            return UsageError(
                f"{named[0]} takes its command as one word; what follows -- would run on the host itself.",
                hint=replace(line, host=core[0].args.hosts.value or line.host).again(),
            )
    return None


def typed(task: str, options: Mapping[str, Option]) -> CommandLine:
    """Return the command line of a task without its host, as `fab` where no program runs."""
    for program, module in PROGRAMS.items():
        core = getattr(getattr(sys.modules.get(module), "program", None), "core", None)
        if core:
            args = {name: core[0].args[name].value for name in FLAGS if name in core[0].args}
            flags, ssh = _argv(FLAGS, args), _argv(SSH_FLAGS, args)
            return CommandLine(task=task, options=options, flags=flags, ssh_flags=ssh, program=program)
    return CommandLine(task=task, options=options)


def _argv(flags: Mapping[str, str], args: Mapping[str, Any]) -> tuple[str, ...]:
    """The flags that were given, in the order of the table; one that may be given again, so often."""
    argv: list[str] = []
    for name, flag in flags.items():
        value = args.get(name)
        for given in value if isinstance(value, list) else [value]:
            argv += [flag] if given is True else [flag, str(given)] if given else []
    return tuple(argv)


def options(body: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Option]:
    """Return the options of a call of a task that differ from their defaults, but --json and --dry-run."""
    parameters = inspect.signature(body).parameters
    given = inspect.signature(body).bind(None, *args, **kwargs).arguments
    return {
        name: value
        for name, value in list(given.items())[1:]
        if name not in UNREPEATED and value != parameters[name].default
    }
