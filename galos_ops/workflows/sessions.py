"""A command in a container, with the standard streams of whoever typed it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import cast

from galos_ops.config.command_text import masked_argv
from galos_ops.engines.engine import HeldTarget, Target
from galos_ops.engines.images.references import images_of
from galos_ops.engines.one_offs import one_off, sessions
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.errors import CommandEnded, OpsError, UsageError
from galos_ops.host.attached import ReaderGone, at_terminal, attach, undone_on_disconnect
from galos_ops.host.host import Host
from galos_ops.host.lock import STATE, fence
from galos_ops.host.release_log import Event, append, entry
from galos_ops.host.shell import in_directory
from galos_ops.migrations import guard
from galos_ops.redaction import masked, masked_output
from galos_ops.workflows.ops import Ops
from galos_ops.workflows.steps import Steps, pending, present


def only(ops: Ops, service: str | None) -> str:
    """Return the one service that is meant; raises `UsageError` where it could be several."""
    names = list(ops.settings.chosen(service))
    if len(names) > 1:
        raise UsageError(
            f"{ops.host.typed.task} is for one service, and there are {len(names)}.",
            hint=f"name one with --service: {', '.join(names)}",
        )
    return names[0]


def execute(ops: Ops, service: str | None, argv: list[str], *, raw: bool) -> None:
    """Run a command in a running container of a service, on the node of a cluster where it is.

    Raises `CommandEnded`, `NotReadyError` without one, and `ConnectError` for such a node.
    """
    target = next(ops.targets(only(ops, service)))
    entrance = target.engine.session(target)
    token, terminal = secrets.token_hex(8), at_terminal()
    script = sessions.execute(entrance.container, argv, token, terminal=terminal)
    end = sessions.kill(entrance.container, token)
    log = in_directory(target.settings.directory, _log(target, "exec", argv))
    if not entrance.node:
        _attach(target, target.host, script, log, end, terminal=terminal, raw=raw)
        return
    with _node(target, entrance.node) as node:
        target.host.change(log, doing="log the command")
        _attach(target, node, script, ":", end, terminal=terminal, raw=raw)


def run(ops: Ops, service: str | None, argv: list[str], *, raw: bool) -> None:
    """Run a command in a one-off container of the released image, which is guarded as a start is.

    Raises `CommandEnded`, and as `up` does.
    """
    chosen, terminal = only(ops, service), at_terminal()
    with ops.locked("run", chosen) as services:
        steps = next(services)
        target = cast("HeldTarget", steps.target)  # there is no dry run of it
        images = checked(steps)
        name = f"{target.name}-run-{secrets.token_hex(4)}"
        file = one_off.file(target.snapshot.tree(), target.name, images.service.id, "run")
        before = f"{fence(target.lock)}\n{sessions.handed(name, len(file))}\n{_log(target, 'run', argv)}"
        scripts = (sessions.one_off(target, name, argv, terminal=terminal), before, sessions.remove(name))
        there = (in_directory(target.settings.directory, each) for each in scripts)
        _attach(target, target.host, *there, stdin=file, terminal=terminal, raw=raw)


def checked(steps: Steps) -> ReleaseImages:
    """Return the released images, which may start; raises `GuardError` where they may not."""
    target = steps.target
    guard.require_no_foreign_containers(target)
    guard.require_no_running_migration(target)
    released = target.running_image or target.snapshot.recorded.get(target.name)
    images = images_of(target, released) if released else present(steps)
    guard.require_clean(target, pending(steps, images))
    steps.remember(images)
    return images


@contextmanager
def _node(target: Target, name: str) -> Iterator[Host]:
    """Connect to the node of a cluster on which a service runs."""
    node = target.host.another(name)
    with ExitStack() as stack:
        try:
            stack.enter_context(node)
        except OpsError as error:
            error.add(f"{target.name} runs on that node of the cluster, and not on {target.host.name}.")
            raise
        yield node


def _log(target: Target, event: Event, argv: list[str]) -> str:
    detail = masked(masked_argv(argv))
    return f"mkdir -p {STATE}\n{append(entry(event, detail, target.name))}"


def _attach(
    target: Target, host: Host, script: str, before: str, undo: str, *, stdin: bytes = b"", terminal: bool, raw: bool
) -> None:
    """Run a script with our streams after one that comes `before`; `undo` is for where we go before its end."""
    doing, mask = "run the command", bytes if raw else masked_output
    try:
        with undone_on_disconnect(host, before, undo, stdin=stdin, doing=doing):
            code = attach(host, script, doing=doing, terminal=terminal, mask=mask)
    except KeyboardInterrupt:
        raise CommandEnded(f"{target.label}: interrupted; the command was ended.", 130) from None
    except ReaderGone as gone:
        raise CommandEnded(f"{target.label}: nobody reads the output; the command was ended.", gone.exit_code) from None
    if code:
        raise CommandEnded(f"{target.label}: the command ended with exit {code}.", code)
