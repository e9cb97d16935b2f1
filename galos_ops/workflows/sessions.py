"""A command in a container, with the standard streams of whoever typed it."""

from __future__ import annotations

import secrets
from typing import cast

from galos_ops.config.command_text import masked_argv
from galos_ops.engines.engine import HeldTarget, Target
from galos_ops.engines.images.references import images_of
from galos_ops.engines.one_offs import one_off, sessions
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.errors import CommandEnded, UsageError
from galos_ops.host.attached import at_terminal, attach, undone_on_disconnect
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
    """Run a command in a running container of a service; raises `CommandEnded`, and `NotReadyError` without one."""
    target = next(ops.targets(only(ops, service)))
    container = target.engine.session(target)
    token, terminal = secrets.token_hex(8), at_terminal()
    script = sessions.execute(container, argv, token, terminal=terminal)
    end = sessions.kill(container, token)
    _attach(target, script, _log(target, "exec", argv), end, terminal=terminal, raw=raw)


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
        script = sessions.one_off(target, name, argv, terminal=terminal)
        _attach(target, script, before, sessions.remove(name), stdin=file, terminal=terminal, raw=raw)


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


def _log(target: Target, event: Event, argv: list[str]) -> str:
    detail = masked(masked_argv(argv))
    return f"mkdir -p {STATE}\n{append(entry(event, detail, target.name))}"


def _attach(
    target: Target, script: str, before: str, undo: str, *, stdin: bytes = b"", terminal: bool, raw: bool
) -> None:
    doing, directory = "run the command", target.settings.directory
    mask = bytes if raw else masked_output
    first, last = (in_directory(directory, each) for each in (before, undo))
    try:
        with undone_on_disconnect(target.host, first, last, stdin=stdin, doing=doing):
            code = attach(target.host, in_directory(directory, script), doing=doing, terminal=terminal, mask=mask)
    except KeyboardInterrupt:
        raise CommandEnded(f"{target.label}: interrupted; the command was ended.", 130) from None
    if code:
        raise CommandEnded(f"{target.label}: the command ended with exit {code}.", code)
