"""One run of a task: host after host, one report, one document, one exit code."""

from __future__ import annotations

import inspect
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from typing import Any, TextIO

from invoke.config import Config
from invoke.exceptions import Exit

from galos_ops.config.command_line import CommandLine, flag
from galos_ops.config.loading import checked
from galos_ops.config.settings import Settings
from galos_ops.errors import CommandFailed, OpsError, UsageError, gravest
from galos_ops.host.host import Host
from galos_ops.progress import Report
from galos_ops.redaction import masked_tree, publish
from galos_ops.tasks import destinations
from galos_ops.tasks.destinations import Destination
from galos_ops.tasks.hooks import TASKS, Hooks
from galos_ops.ui.plain import Plain
from galos_ops.ui.stream import discard
from galos_ops.ui.view import view

SCHEMA = 2
WORKFLOWS = ("galos_ops.workflows.deploy", "galos_ops.workflows.fleet")  # these import most of what tasks need


@dataclass
class Run:
    """A task and what it was called with.

    `goes_on` past a host that fails, as what only looks may; with its `own_output` standard output is not ours.
    """

    body: Callable[..., Any]
    typed: CommandLine
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    parse: Mapping[str, Callable[[str, str], Any]] = field(default_factory=dict)
    goes_on: bool = False
    own_output: bool = False
    document: dict[str, Any] = field(default_factory=dict)
    errors: list[OpsError] = field(default_factory=list)
    hooks: Hooks | None = None
    context: object = None

    @property
    def _json(self) -> bool:
        return bool(self.kwargs.get("json", False))

    def over(self, context: object) -> Any:
        """Run the task on every host that `context` stands for, and return the last result.

        With --json prints one document, whatever it ends in and wherever it is interrupted. Raises the `OpsError` of
        the gravest exit code, whose message holds that of every host that failed.
        """
        self.context = context
        self.document |= {"schema": SCHEMA, "task": self.typed.task, "hosts": [], "not_tried": [], "differences": []}
        ending = outcome(None)
        with interruptible():
            try:
                return self._begin(context)
            except KeyboardInterrupt:
                between = Interrupted("Interrupted between two hosts, or before the first.", hint=self.typed.again())
                error = gravest([*self.errors, between])
                ending = outcome(error)
                raise error from None
            except BaseException as error:
                ending = outcome(error)
                raise
            finally:
                if self._json:
                    self._tell(self.document | ending)
                if self.hooks:
                    with self._view() as report:
                        self.hooks.told(self.document | ending, report)

    def _begin(self, context: object) -> Any:
        settings = checked(plain(destinations.configuration(context).get("galos", {})), os.environ)
        self._read(settings)
        hosts = destinations.destinations(self.typed.task, context, settings.hosts)
        if not hosts:
            other = replace(self.typed, program="fab") if self.typed.program == "inv" else self.typed  # inv has no -H
            hint = other.again()
            raise UsageError(f"{self.typed.task} runs on a Docker host, and none is named.", hint=hint)
        publish({destination.name: asdict(settings) for destination in hosts})
        self.typed = replace(self.typed, host=",".join(destination.address for destination in hosts))
        with self._view() as report:
            if self.typed.task in TASKS and not self.kwargs.get("dry_run", False):
                self._ask(Hooks(settings.hooks, self.typed), [each.name for each in hosts], report)
            return self._each(hosts, settings, report)

    def _read(self, settings: Settings) -> None:
        """Parse what was typed for the task; raises `UsageError`."""
        names = list(inspect.signature(self.body).parameters)[1:]
        given = dict(zip(names, self.args, strict=False)) | self.kwargs
        for name, value in given.items():
            require_text(flag(name), value)
        read = {
            name: self.parse[name](flag(name), value) if name in self.parse and isinstance(value, str) else value
            for name, value in given.items()
        }
        settings.chosen(read.get("service"))
        self.args, self.kwargs = self.args[len(names) :], read

    def _ask(self, hooks: Hooks, names: list[str], report: Report) -> None:
        """Ask the hook `before`; one that lets the task begin hears how it ends."""
        hooks.before(self.document | {"not_tried": names} | outcome(None), report)
        self.hooks = hooks

    @contextmanager
    def _view(self) -> Iterator[Plain]:
        """Show the task; raises `CommandFailed` in the end where a part of it could not be."""
        stream = sys.stderr if self._json or self.own_output else sys.stdout
        with view(os.environ, terminal=stream.isatty())(stream) as report:
            yield report
        if report.unwritten:
            raise unwritable_error(report.unwritten, stream)

    def _tell(self, document: dict[str, Any]) -> None:
        """Print the document of --json; what keeps it from being printed is told where the task itself ended well."""
        try:
            print(json.dumps(masked_tree(document)), flush=True)
        except OSError as error:
            discard(sys.stdout)
            if document["exit"] == 0 and not isinstance(error, BrokenPipeError):
                raise unwritable_error(error, sys.stdout) from error

    def _each(self, hosts: list[Destination], settings: Settings, report: Report) -> Any:
        result, rest = None, hosts
        while rest:
            destination, *rest = rest
            row = {"host": destination.name, **outcome(self._interrupted(destination))}  # until it ends otherwise
            self.document["hosts"].append(row)
            self.document["not_tried"] = names = [each.name for each in rest]
            try:
                result = self._on(destination, settings, report, row)
                row |= outcome(None)
            except OpsError as error:
                self.errors.append(error)
                row |= outcome(error)
                if not self.goes_on or isinstance(error, STOPS):
                    if names and not isinstance(error, UsageError):
                        error.add(f"Not tried: {', '.join(names)}.")
                    break
            except Exception as error:
                row |= outcome(error)
                raise
        if self.errors:
            raise gravest(self.errors)
        return result

    def _on(self, destination: Destination, settings: Settings, report: Report, row: dict[str, Any]) -> Any:
        """Run the task on one host; `row` is what --json says of it."""
        import_workflows()
        host = self._host(destination)
        try:
            with host:
                return self._do({host: row}, settings, report)
        except KeyboardInterrupt as interrupt:
            raise told(self._interrupted(destination), interrupt) from None

    def _host(self, destination: Destination) -> Host:
        """Return a host, not connected yet."""
        typed = replace(self.typed, host=destination.address)
        return Host(destination.connection, typed, dry=bool(self.kwargs.get("dry_run", False)))

    def _do(self, rows: Mapping[Host, dict[str, Any]], settings: Settings, report: Report) -> Any:
        """Do the task on hosts that are connected; `rows` are what --json says of each."""
        from galos_ops.workflows.ops import Ops

        members = [Ops(host, settings, report, row) for host, row in rows.items()]
        result = self.body(self._subject(members), *self.args, **self.kwargs)
        if members[0].host.dry:
            report.say(f"dry run: nothing was changed on {', '.join(host.name for host in rows)}")
        return result

    def _subject(self, members: list[Any]) -> Any:
        """Return what the task's function gets first."""
        return members[0]

    def _interrupted(self, destination: Destination) -> Interrupted:
        again = replace(self.typed, host=destination.address).again()
        return Interrupted(
            f"{destination.name}: interrupted; a step that had begun on the host goes on to its end.",
            hint=f"it looks at the host first: {again}",
        )


def unwritable_error(error: OSError, stream: TextIO) -> CommandFailed:
    """The error for one of our output streams that takes nothing, as on a full disk."""
    from galos_ops.host import attached

    return attached.unwritable_error(error, stream.fileno())


def require_text(option: str, value: object) -> None:
    """Raise `UsageError` for bytes that are not UTF-8, as a terminal of another encoding gives them."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise UsageError(f"{option} is {value!r}; it must be UTF-8 text.") from None


def told(error: Interrupted, interrupt: KeyboardInterrupt) -> Interrupted:
    """The error for an interrupt, with what a workflow has to say of where it came."""
    for sentence in interrupt.args:
        error.add(str(sentence))
    return error


@dataclass
class Local:
    """What the body of a task gets that connects to no host: the configuration, the report, the document."""

    config: Config
    report: Report
    document: dict[str, Any]
    typed: CommandLine


@dataclass
class LocalRun(Run):
    """The same for a task that connects to no host, whatever hosts it is given."""

    def _begin(self, context: object) -> Any:
        with self._view() as report:
            local = Local(destinations.configuration(context), report, self.document, self.typed)
            return self.body(local, *self.args, **self.kwargs)


class Interrupted(CommandFailed):
    """The person, or CI, has stopped the task."""


STOPS = (UsageError, Interrupted)
"""What is not about the host where it is met: no task goes on after it."""


def outcome(error: BaseException | None) -> dict[str, Any]:
    """How a host, or a whole task, ended, as the document has it."""
    if error is None:
        return {"exit": 0, "error": None}
    code = error.code if isinstance(error, Exit) else 1
    if not isinstance(error, OpsError):
        error = CommandFailed(f"A fault of the task itself: {type(error).__name__}.")
    row = {"exit": code, "sentence": error.sentence, "evidence": error.evidence.splitlines(), "next": error.hint}
    return {"exit": code, "error": row}


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM, which CI sends to cancel a job, end a task as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def import_workflows() -> None:
    """Import what a task needs once it is connected, while the connection is made."""
    threading.Thread(target=lambda: [*map(import_module, WORKFLOWS)], daemon=True).start()


def plain(tree: Any) -> Any:
    """A configuration tree as plain dicts, out of Invoke's proxies."""
    return {key: plain(tree[key]) for key in tree} if hasattr(tree, "keys") else tree
