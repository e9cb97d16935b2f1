"""The task class of this library: a task that runs on Docker hosts, never on the machine that it is typed on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeVar, cast

import fabric
from invoke.parser.argument import Argument

from galos_ops.errors import UsageError
from galos_ops.progress import UNITS
from galos_ops.tasks import executor
from galos_ops.tasks.logs import guard_logs

Parse = Callable[[str, str], Any]
"""Returns what a text means that was typed for an option, which is given as a person types it."""
SERVICE = {"service": "one service of galos.services; without it, all of them"}
DRY = {"dry-run": "look at the host and show what would be done; change nothing"}
JSON = {"json": "one JSON document on standard output, everything else on standard error"}

guard_logs()


class HostTask(fabric.Task):  # type: ignore[misc]
    """A task for the hosts of -H, a `Connection` or a `Group`, else for those of `galos.hosts`.

    It is called once for all of them, and works on one after the other; one that is `looking` goes on past a host that
    fails, and one with its `own_output` leaves standard output to a command. Raises `UsageError` without any host.
    What is typed for an option of `parse` is parsed before anything begins. `path` is the name that a person types,
    `ecr.check` for `check`, once the task is in a namespace.
    """

    takes_hosts = True
    run = "run.Run"
    path: str | None = None
    help: dict[str, str]

    def __init__(
        self,
        *args: Any,
        parse: Mapping[str, Parse] | None = None,
        looking: bool = False,
        own_output: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.parse, self.looking, self.own_output = parse or {}, looking, own_output

    def get_arguments(self, *args: Any, **kwargs: Any) -> list[Argument]:
        """Return the task's options, with their help however often they are asked for: Invoke takes it away.

        What we parse ourselves is text to Invoke, whose own parsers raise what nobody catches.
        """
        kept = self.help.copy()
        try:
            found = cast("list[Argument]", super().get_arguments(*args, **kwargs))
        finally:
            self.help = kept
        for one in found:
            one.kind = str if (one.attr_name or one.name) in self.parse else one.kind
        return found

    def __call__(self, context: object, *args: Any, **kwargs: Any) -> Any:
        from galos_ops.tasks import typed

        module, _, name = self.run.partition(".")
        run = getattr(import_module(f"galos_ops.tasks.{module}"), name)
        line = typed.typed(self.path or self.name, typed.options(self.body, args, kwargs))
        result = run(self.body, line, args, kwargs, self.parse, self.looking, self.own_output).over(context)
        self.times_called += 1
        return result


class LocalTask(HostTask):
    """A task that connects to no host: its first parameter is a `Local`, and it is called once, whatever -H says."""

    run = "run.LocalRun"


class FleetTask(HostTask):
    """A task that works on all its hosts together: its first parameter is a `Fleet`."""

    run = "fleet_run.FleetRun"


class HoldingTask(HostTask):
    """A task that holds deploys back, which is meant for a whole fleet."""

    run = "holding_run.HoldingRun"


class ComparingTask(HostTask):
    """A task that looks at its hosts and compares them."""

    run = "comparing_run.ComparingRun"


Body = TypeVar("Body", bound=Callable[..., Any])


def host_task(help: dict[str, str] | None = None, **options: Any) -> Callable[[Body], HostTask]:
    """Make a task of a function whose first parameter is an `Ops`; `options` are those of `HostTask`."""
    executor.install()
    return cast("Callable[[Body], HostTask]", fabric.task(klass=HostTask, help=help or {}, **options))


def comparing_task(help: dict[str, str] | None = None) -> Callable[[Body], ComparingTask]:
    """Make a task of a function whose first parameter is an `Ops`, and which leaves there what it has `seen`."""
    executor.install()
    return cast("Callable[[Body], ComparingTask]", fabric.task(klass=ComparingTask, help=help or {}, looking=True))


def holding_task(help: dict[str, str] | None = None, **options: Any) -> Callable[[Body], HoldingTask]:
    """Make a task of a function whose first parameter is an `Ops`; `options` are those of `HostTask`."""
    executor.install()
    return cast("Callable[[Body], HoldingTask]", fabric.task(klass=HoldingTask, help=help or {}, **options))


def fleet_task(help: dict[str, str] | None = None, **options: Any) -> Callable[[Body], FleetTask]:
    """Make a task of a function whose first parameter is a `Fleet`; `options` are those of `HostTask`."""
    executor.install()
    return cast("Callable[[Body], FleetTask]", fabric.task(klass=FleetTask, help=help or {}, **options))


def local_task(help: dict[str, str] | None = None) -> Callable[[Body], LocalTask]:
    """Make a task of a function whose first parameter is a `Local`."""
    executor.install()
    return cast("Callable[[Body], LocalTask]", fabric.task(klass=LocalTask, help=help or {}))


def parse_duration(option: str, text: str) -> int:
    """Return the seconds of a time such as 90s, 10m, 2h, 1h30m or 1d that was typed; raises `UsageError`."""
    if not re.fullmatch(r"([0-9]{1,6}[smhd])+", text):
        raise UsageError(f"{option} is {text!r}; it must be a time such as 90s, 10m, 2h or 1d.")
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(\w)", text))


def parse_pattern(option: str, text: str) -> re.Pattern[str]:
    """Return the regular expression that was typed for an option; raises `UsageError`."""
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(f"{option} is {text!r}; it must be a regular expression: {error}.") from None


def parse_tag(option: str, text: str) -> str:
    """Return the tag or digest that was typed for an option; raises `UsageError`."""
    from galos_ops.config.settings import DIGEST, TAG

    if not (re.match(TAG, text) or re.match(DIGEST, text)):
        raise UsageError(f"{option} is {text!r}; it must be a Docker tag, or a digest: sha256: and 64 digits.")
    return text


def parse_command(option: str, text: str) -> list[str]:
    """Return the words of a command as a shell would have them; raises `UsageError` for none."""
    try:
        argv = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"The command cannot be read: {error}.", hint="put it in quotes, as one word") from error
    if not argv:
        raise UsageError("There is no command.", hint="put it in quotes, as one word: 'ls -l'")
    return argv


def parse_count(option: str, text: str) -> int:
    """Return the number, of at least 1, that was typed for an option; raises `UsageError`."""
    return parse_int_option(option, text, least=1)


def parse_int_option(option: str, text: str, least: int = 0) -> int:
    """Return the whole number that was typed for an option; raises `UsageError`."""
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) < least:
        raise UsageError(f"{option} is {text!r}; it must be a whole number, at least {least}.")
    return int(text)
