"""The task class of this library: a task that runs on Docker hosts, never on the machine that it is typed on."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar, cast

import fabric
from fabric import Connection
from invoke.context import Context

from galos_ops.errors import CommandFailed, OpsError, UsageError
from galos_ops.redaction import masked_tree, publish
from galos_ops.tasks.logs import guard_logs

if TYPE_CHECKING:
    from galos_ops.config.settings import Settings
    from galos_ops.progress import Report

guard_logs()


class HostTask(fabric.Task):  # type: ignore[misc]
    """A task for the hosts of -H, else those of `galos.hosts`; raises `UsageError` without any.

    `path` is the name that a person types, `ecr.check` for `check`, once the task is in a namespace.
    """

    path: str | None = None

    def __call__(self, context: Context, *args: Any, **kwargs: Any) -> Any:
        from galos_ops.config.settings import Settings
        from galos_ops.ui.view import view

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
        from galos_ops.host.host import Host
        from galos_ops.workflows.ops import Ops

        dry = kwargs.get("dry_run", False)
        document: dict[str, Any] = {"schema": 1, "host": connection.original_host}
        publish({connection.original_host: asdict(settings)})
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
                print(json.dumps(masked_tree(document), ensure_ascii=False))


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
