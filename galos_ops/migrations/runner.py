"""Running migrations: in a container that lives on when we do not, judged by its exit code and a second check."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from galos_ops.engines import migrator
from galos_ops.engines.engine import HeldTarget, ReleaseImages, Target
from galos_ops.errors import CommandFailed, CommandTimedOut, MigrationError
from galos_ops.host.lock import MARKER, STATE
from galos_ops.host.release_log import Outcome, append, release
from galos_ops.host.result import OnLine, Result
from galos_ops.host.shell import ExitCode
from galos_ops.migrations import evidence, guard
from galos_ops.migrations import tools as migration
from galos_ops.migrations.causes import KILLED, LATE, NEVER_STARTED, cause

FORGET = f"rm -f {STATE}/*.passed"  # a migration changes what any image would answer


def announce(target: HeldTarget, images: ReleaseImages, names: tuple[str, ...]) -> None:
    """Prove that nothing runs that must not, and log the migration before it begins; `names` are the pending ones.

    Raises `GuardError` and `CommandFailed`.
    """
    line = release("migrate", target.name, target.service.tag, images.migrations.id, migrations=names)
    script = f"{target.engine.prove_stopped(target.stops)}\n{FORGET}\n{_mark(target)}\n{append(line)}"
    result = target.change(script, doing="log the migration", check=False)
    if result.exited == ExitCode.STILL_RUNS:
        raise guard.still_runs_error(target, result)
    if not result.ok:
        raise target.host.failed("log the migration", result)


def _mark(target: Target) -> str:
    """A script that notes for a fleet, or a cluster, that nothing must start until the migration is over."""
    fleet = target.host.typed.fleet
    marked = f"umask 077; printf '%s\\n' {shlex.quote(fleet)} >{MARKER} || exit 1" if fleet else ""
    return "\n".join(filter(None, (marked, target.engine.claim(target)))) or ":"


def lift_marker(target: HeldTarget) -> None:
    """Let the services of the host, or of its cluster, start again."""
    released = "\n".join(filter(None, (f"rm -f {MARKER}", target.engine.release(target))))
    target.change(released, doing="note that the migration is over")


def migrate(target: HeldTarget, images: ReleaseImages, on_line: OnLine) -> None:
    """Run the migrations and check again; raises `MigrationError` unless the second answer is clean.

    Raises `GuardError` where something runs that must not meanwhile; then nothing was begun.
    """
    words = migration.argv(target.service.migration, "run")
    if target.service.migration.where == "host":
        result = _on_host(target, images, words, on_line)
    else:
        with going_on(target):
            _begin(target, images, words)
        result = follow(target, images.migrations.id, on_line)
    judge(target, result)
    answer = guard.check_and_remember(target, images)
    if answer.state != "clean":
        reason, said = f"it ended well, but the check says {answer.state}", answer.evidence or "\n".join(answer.names)
        evidence.keep(target, images.migrations.id, "failed", reason, f"{result.output}\n{said}")
        raise _failed(target, reason, said)


def _begin(target: HeldTarget, images: ReleaseImages, words: list[str]) -> None:
    """Start the container that migrates, under its fixed name and on its own: it lives on when we do not."""
    result = migrator.begin(target, images.migrations.id, words)
    if result.exited == ExitCode.STILL_RUNS:
        raise guard.still_runs_error(target, result)
    if not result.ok:
        reason = "it never started"
        evidence.keep(target, images.migrations.id, "failed", reason, result.output)
        raise _failed(target, reason, result.output, NEVER_STARTED)


def _on_host(target: HeldTarget, images: ReleaseImages, words: list[str], on_line: OnLine) -> Result:
    """Run the migration in a shell on the host, once the same script has proved that nothing runs."""
    proof, seconds = target.engine.prove_stopped(target.stops), target.service.migration.timeout
    try:
        result = target.on_host(words, doing="migrate", timeout=seconds, on_line=on_line, first=proof)
    except CommandTimedOut as error:
        raise _timed_out(target, images.migrations.id, error) from error
    if result.exited == ExitCode.STILL_RUNS:
        raise guard.still_runs_error(target, result)
    keep(target, images.migrations.id, result)
    return result


@contextmanager
def going_on(target: Target) -> Iterator[None]:
    """Make of an interrupt the sentence about what it leaves running: the container that migrates."""
    try:
        yield
    except KeyboardInterrupt:
        name = target.migrator
        raise CommandFailed(
            f"{target.label}: interrupted; the migration goes on in the container {name}, and {guard.stopped(target)}.",
            hint=f"follow it on the host with {migrator.following(name)}, or wait for its end: "
            f"{target.typed.fab('deploy')}",
        ) from None


def follow(target: HeldTarget, image: str, on_line: OnLine) -> Result:
    """Show the output of the container that migrates, wait for its end and return how it ended.

    That is kept on the host, and the container removed. Raises `MigrationError` when it takes too long, and
    `CommandFailed` for Ctrl-C, which leaves it running.
    """
    try:
        with going_on(target):
            result = migrator.follow(target, on_line)
    except CommandTimedOut as error:
        raise _timed_out(target, image, error, then=migrator.end(target)) from error
    keep(target, image, result, then=migrator.remove(target))
    return result


def resume(target: HeldTarget, on_line: OnLine) -> None:
    """Follow a migration whose client disconnected to its end; raises `MigrationError` unless it ended well."""
    judge(target, follow(target, _image(target), on_line))


def kill(target: Target) -> None:
    """End a migration that runs, and keep how it ended; whoever follows it is told that it failed."""
    target.halt(migrator.stop(target), doing="stop the migration")
    result = migrator.follow(target)
    why = f"exit {result.exited}: {KILLED}"
    evidence.keep(target, _image(target), "failed", why, result.output, then=f"{FORGET}\n{migrator.remove(target)}")


def _image(target: Target) -> str:
    """The image of the container that migrates."""
    return next(one.image for one in target.snapshot.containers if one.name == target.migrator)


def keep(target: HeldTarget, image: str, result: Result, *, then: str = ":") -> None:
    """Keep on the host how a migration ended that ran to its end, then run a script."""
    outcome: Outcome = "succeeded" if result.ok else "failed"
    evidence.keep(target, image, outcome, reason(result), result.output, then=then)


def _timed_out(target: HeldTarget, image: str, error: CommandTimedOut, *, then: str = ":") -> MigrationError:
    """Keep that a migration took too long, run the script that stops it, and return the error."""
    seconds = target.service.migration.timeout
    evidence.keep(target, image, "failed", f"{LATE}: stopped after {seconds} s", error.evidence, then=then)
    return MigrationError(
        f"{target.label}: the migration was not done after {seconds} s and was stopped; {guard.stopped(target)}.",
        evidence=error.evidence,
        hint=f"look at the database, then: {target.typed.fab('pending')}",
    )


def reason(result: Result) -> str:
    """Why a migration ended as it did, in a few words: its exit code, and what that and its output mean."""
    code, words = f"exit {result.exited}", "" if result.ok else cause(result.exited, result.output).words
    return f"{code}: {words}" if words else code


def judge(target: Target, result: Result) -> None:
    """Raise `MigrationError` for a migration that did not end well."""
    if not result.ok:
        raise _failed(target, reason(result), result.output, result.exited)


def _failed(target: Target, reason: str, output: str, exited: int = 0) -> MigrationError:
    return MigrationError(
        f"{target.label}: the migration failed ({reason}); {guard.stopped(target)} until it succeeds.",
        evidence=output,
        hint=target.typed.fill(cause(exited, output).fix),
    )


def backup(target: HeldTarget, command: str, on_line: OnLine) -> None:
    """Run the backup command on the host, in the project's directory; raises `CommandFailed`."""
    doing, seconds = "back up the database", target.service.migration.timeout
    result = target.on_host(["sh", "-c", command], doing=doing, timeout=seconds, on_line=on_line)
    if not result.ok:
        raise target.host.failed(doing, result)
