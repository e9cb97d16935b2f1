"""How fab calls our tasks: once with all the hosts of -H."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import fabric
from invoke.config import Config
from invoke.exceptions import Exit, ParseError
from invoke.program import Program
from invoke.tasks import Call

from galos_ops.errors import OpsError

if TYPE_CHECKING:
    from galos_ops.tasks.destinations import Hosts, Parameters

COLLECTED_EVERY = 50_000
"""Objects that a program makes before Python looks for garbage among them: 700 else, a tenth of the time of a task."""


class HostsCall(Call):
    """A call of a task with all its hosts; `origin` is the call that was typed."""

    def __init__(self, *args: Any, origin: Call, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.origin = origin
        self.parameters: list[Parameters] = []

    def make_context(self, config: Config) -> Hosts:  # type: ignore[override]
        from galos_ops.tasks.destinations import Hosts

        return Hosts(config, tuple(self.parameters))


class Executor(fabric.Executor):  # type: ignore[misc]
    """Calls a task that `takes_hosts` once, where Fabric calls it once for each host of -H."""

    _last: HostsCall | None = None

    def parameterize(self, call: Call, connection_init_kwargs: Parameters) -> Call:
        """Return the same call for every host of a task; `expand_calls` keeps one of them."""
        if not getattr(call.task, "takes_hosts", False):
            return cast("Call", super().parameterize(call, connection_init_kwargs))
        if self._last is None or self._last.origin is not call:
            self._last = cast("HostsCall", call.clone(into=HostsCall, with_={"origin": call}))
        self._last.parameters.append(connection_init_kwargs)
        return self._last

    def expand_calls(self, calls: Iterable[Call], apply_hosts: bool = True) -> list[Call]:
        expanded = super().expand_calls(calls, apply_hosts)
        return list({id(call): call for call in expanded}.values())


def install() -> None:
    """Give fab, where it runs, our executor in place of Fabric's own; that of somebody else stays."""
    program = getattr(sys.modules.get("fabric.main"), "program", None)
    if program is not None and program.executor_class is fabric.Executor:
        program.executor_class = Executor
        adapt(program)


def adapt(program: Program) -> None:
    """Have a program name what is nearest to a task or an option that it does not know, with exit 2.

    For our tasks alone it passes over what it cannot make sense of in ssh_config, which ssh is asked about. What it has
    loaded is no garbage, and is not searched for any, at its end neither. What it says on a stream that was closed when
    it was started goes nowhere.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    gc.freeze()
    gc.set_threshold(COLLECTED_EVERY)
    for name in ("parse_core", "parse_tasks", "parse_cleanup"):
        setattr(program, name, partial(_suggested, program, getattr(program, name)))
    setattr(program, "update_config", partial(_configured, program, program.update_config))  # noqa: B010


def _configured(program: Program, update: Callable[[], None]) -> None:
    tasks = [program.collection[one.name] for one in program.tasks]
    if tasks and all(getattr(task, "takes_hosts", False) for task in tasks) and not program.core.remainder:
        from galos_ops.host.resolving import load_leniently

        program.config._set(_load_ssh_files=partial(load_leniently, program.config._load_ssh_files))
    try:
        update()
    except Exception as error:
        from galos_ops.tasks import mistakes

        raise mistakes.known(error) from error


def _suggested(program: Program, parse: Callable[..., None], *argv: Any) -> None:
    from galos_ops.tasks import mistakes

    try:
        parse(*argv)
    except ParseError as error:
        raise mistakes.unparsed_error(error, program) from None
    except OpsError:
        raise
    except Exit as error:
        if not error.message:
            raise  # the list, or the help, was shown
        raise mistakes.unlisted_error(error, program) from None
    except ValueError as error:
        raise mistakes.known(error) from None
