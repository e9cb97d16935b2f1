"""The task class of this library: a task that runs on Docker hosts, never on the machine that it is typed on."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import fabric
from fabric import Connection
from invoke.context import Context

from galos_ops.compose import Compose
from galos_ops.errors import CommandFailed, OpsError, UsageError, masked
from galos_ops.facts import PROJECT, Facts, Requirement, gather, require
from galos_ops.host import Change, Host
from galos_ops.lock import holding, lock, refuse
from galos_ops.logs import guard_logs
from galos_ops.report import SAME, WOULD, Report
from galos_ops.settings import Settings
from galos_ops.unit import Unit
from galos_ops.view import view

guard_logs()


@dataclass
class Ops:
    """What a task body gets in place of Fabric's context: one connected host, the settings, the report.

    `document` is what a task tells with --json; it is printed when the task ends, well or badly.
    """

    host: Host
    settings: Settings
    report: Report
    document: dict[str, Any] = field(default_factory=dict)
    _token: str = ""

    def facts(self) -> Facts:
        """Look at the host, ready or not."""
        images = (self.settings.image(service) for service in self.settings.services.values())
        return gather(self.host, images, self.settings.directory)

    def ready(self, facts: Facts, requirements: tuple[Requirement, ...] = PROJECT) -> Compose:
        """The compose of this host; raises `NotReadyError` for the first requirement that is not met."""
        return require(self.host.name, self.settings.directory, facts, requirements)

    def units(self, name: str | None) -> Iterator[Unit]:
        """The named service on this host, or all of them, each as it is when its turn comes."""
        for chosen, service in self.settings.chosen(name).items():
            facts = self.facts()
            yield Unit(self.host, self.settings, chosen, service, facts, self.ready(facts), self._token)

    def change(self, name: str, make: Callable[[], Change]) -> bool:
        """Take a step that is safe to repeat and report it; true when it changed the host, or in a dry run would."""
        with self.report.step(name) as step:
            done = make()
            step.detail, step.mark = done.detail, (WOULD if self.host.dry else step.mark) if done.changed else SAME
        for line in done.diff if self.host.dry else ():
            self.report.output(line)
        return done.changed

    @contextmanager
    def locked(self, task: str, service: str | None, wait: int | None = None) -> Iterator[None]:
        """Hold the host, for the named service or all of them.

        Raises `LockedError` when another holds it for longer than `wait` seconds. A dry run holds nothing and does not
        wait, but is refused all the same: what it would tell is about to change.
        """
        seconds = self.settings.lock.wait if wait is None else wait
        self.report.title(self.host.name, next(iter(self.settings.chosen(service))))
        if self.host.dry:
            with self.report.step("lock", "free") as step:
                step.mark = WOULD
                who = holding(self.host, self.settings.directory)
                if who:
                    raise refuse(self.host, who)
            yield
            return
        with ExitStack() as held:
            with self.report.step("lock"):
                self._token = held.enter_context(
                    lock(self.host, self.settings.directory, task, seconds, self.report.say)
                )
            yield
        self._token = ""


class HostTask(fabric.Task):  # type: ignore[misc]
    """A task for the hosts of -H, else those of `galos.hosts`; raises `UsageError` without any.

    `path` is the name that a person types, `ecr.check` for `check`, once the task is in a namespace.
    """

    path: str | None = None

    def __call__(self, context: Context, *args: Any, **kwargs: Any) -> Any:
        _found(context.config)
        settings = Settings.of(plain(context.config.get("galos", {})))
        stream = sys.stderr if kwargs.get("json", False) else sys.stdout
        kind = view(os.environ, terminal=stream.isatty())
        result = None
        for connection in self._connections(context, settings):
            with kind(stream) as report:
                result = self._on(connection, settings, report, args, kwargs)
        self.times_called += 1
        return result

    def _connections(self, context: Context, settings: Settings) -> Iterator[Connection]:
        if isinstance(context, Connection):
            yield context
            return
        names = [name.strip() for name in settings.hosts.split(",") if name.strip()]
        if not names:
            name = self.path or self.name
            raise UsageError(f"{name} runs on a Docker host, and none is named.", hint=f"fab -H HOST {name}")
        for name in names:
            yield Connection(name, config=context.config.clone())

    def _on(self, connection: Connection, settings: Settings, report: Report, args: Any, kwargs: dict[str, Any]) -> Any:
        dry = kwargs.get("dry_run", False)
        document: dict[str, Any] = {"schema": 1, "host": connection.original_host}
        try:
            with interruptible(), Host(connection, dry=dry) as host:
                ops = Ops(host, settings, report, document)
                result = self.body(ops, *args, **kwargs)
                if dry:
                    report.say(f"dry run: nothing was changed on {host.name}")
                return result
        except KeyboardInterrupt:
            raise CommandFailed(
                f"{connection.original_host}: interrupted; a step that had begun on the host goes on to its end.",
                hint=f"fab -H {connection.original_host} {self.path or self.name}, which looks at the host first",
            ) from None
        except OpsError as error:
            evidence = error.evidence.splitlines()
            document["error"] = {
                "exit": error.code,
                "sentence": error.sentence,
                "evidence": evidence,
                "next": error.hint,
            }
            raise
        finally:
            if kwargs.get("json", False):
                print(masked(json.dumps(document, ensure_ascii=False)))


def _found(config: Any) -> None:
    """Raise `UsageError` for a file of -f that is not there, which Invoke passes over in silence."""
    if config._runtime_path and not config._runtime_found:
        raise UsageError(f"There is no {config._runtime_path}.", hint="name a file that is there after -f")


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


def plain(tree: Any) -> Any:
    """A configuration tree as plain dicts, out of Invoke's proxies."""
    return {key: plain(tree[key]) for key in tree} if hasattr(tree, "keys") else tree


Body = TypeVar("Body", bound=Callable[..., Any])


def host_task(help: dict[str, str] | None = None) -> Callable[[Body], HostTask]:
    """Make a task of a function whose first parameter is an `Ops`."""
    return cast("Callable[[Body], HostTask]", fabric.task(klass=HostTask, help=help or {}))


def whole(option: str, text: str, least: int = 0) -> int:
    """The whole number that was typed for an option; raises `UsageError`."""
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) < least:
        raise UsageError(f"{option} is {text!r}; it must be a whole number, at least {least}.")
    return int(text)
