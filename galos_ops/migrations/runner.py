"""Running migrations: in a container that lives on when we do not, judged by its exit code and a second check."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from galos_ops.engines import notes
from galos_ops.engines.engine import HeldTarget, Target
from galos_ops.engines.images.references import redeploying
from galos_ops.engines.one_offs import migrator
from galos_ops.engines.one_offs.migrator import Ended
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.errors import CommandFailed, CommandTimedOut, MigrationError, NotBegun, OpsError
from galos_ops.host.lock import MARKER
from galos_ops.host.release_log import NOT_BEGUN, Outcome, append, release
from galos_ops.host.result import OnLine, Result
from galos_ops.host.shell import ExitCode
from galos_ops.migrations import evidence, guard, on_host
from galos_ops.migrations import tools as migration
from galos_ops.migrations.causes import KILLED, LATE, NEVER_STARTED, SQL, cause
from galos_ops.migrations.tools import CLEAN, Answer

FORGET = f"rm -f {notes.path(notes.ANY, notes.PASSED)}"  # a migration changes what any image would answer


def announce(target: HeldTarget, images: ReleaseImages, names: tuple[str, ...]) -> None:
    """Prove that nothing runs that must not, and log the migration that is about to begin on another host.

    `names` are the pending ones. Raises `GuardError` and `NotBegun`.
    """
    script = _announcement(target, images, names)
    _require_begun(target, target.change(script, doing="log the migration", check=False))


def _announcement(target: Target, images: ReleaseImages, names: tuple[str, ...]) -> str:
    """A script that voids answers and logs the migration; `STILL_RUNS` where something runs that must not meanwhile.

    Where it cannot do that, it ends with `NOT_BEGUN`.
    """
    line = release("migrate", target.name, target.service.tag, images.migrations.id, migrations=names)
    logged = f"{FORGET}\n{_mark(target)}\n{append(line)}"
    undone = f"{{ ( {_unmark(target)} ); exit {ExitCode.NOT_BEGUN}; }}"
    return f"{target.engine.prove_stopped(target.stops)}\n( {logged}\n) || {undone}"


def _require_begun(target: Target, result: Result) -> None:
    """Raise `GuardError` or `NotBegun` for the result of a script that an announcement ended."""
    if result.exited == ExitCode.STILL_RUNS:
        raise guard.still_runs_error(target, result)
    if result.exited == ExitCode.NOT_BEGUN:
        failed = target.host.failed("log the migration", result)
        raise NotBegun(failed.sentence, evidence=failed.evidence, hint=failed.hint)


def _mark(target: Target) -> str:
    """A script that notes for a fleet, or a cluster, that nothing must start until the migration is over."""
    fleet = target.host.typed.fleet
    new = f"{MARKER}.new"
    written = f"printf '%s\\n' {shlex.quote(fleet)} >{new} && sync {new} && mv {new} {MARKER}"
    marked = f"umask 077; {written} || {{ rm -f {new}; exit 1; }}" if fleet else ""
    return "\n".join(filter(None, (marked, target.engine.claim(target)))) or ":"


def _lift(target: Target) -> str:
    return "\n".join(filter(None, (f"rm -f {MARKER}", target.engine.release(target))))


def _unmark(target: Target) -> str:
    """A script that takes back what `_mark` has noted; what an earlier run noted stays."""
    return ":" if target.snapshot.under_migration else _lift(target)


def lift_marker(target: HeldTarget) -> None:
    """Let the services of the host, or of its cluster, start again."""
    target.change(_lift(target), doing="note that the migration is over")


def withdraw(target: HeldTarget, images: ReleaseImages) -> None:
    """Take back what `announce` has noted and logged of a migration that did not begin."""
    line = release("migrate", target.name, target.service.tag, images.migrations.id, outcome=NOT_BEGUN)
    target.change(f"{_unmark(target)}\n{append(line)}", doing="log that nothing was migrated")


def migrate(target: HeldTarget, images: ReleaseImages, names: tuple[str, ...], on_line: OnLine) -> None:
    """Log the migrations, run them and check again; raises `MigrationError` unless the second answer is clean.

    `names` are the pending ones. Raises `GuardError` where something runs that must not meanwhile, and `NotBegun`;
    then nothing was begun.
    """
    image, first = images.migrations.id, _announcement(target, images, names)
    migrating = _on_host if target.service.migration.where == "host" else _in_container
    ended = migrating(target, image, first, on_line)
    keep(target, image, ended.migration, then=migrator.remove(target))
    try:
        judge(target, ended.migration)
    except MigrationError as error:
        if back := _way_back(target, images, names, ended.migration):
            error.add(back)
        raise
    answer = _answer_after(target, images, ended)
    if answer.state != "clean":
        reason, said = f"it ended well, but the check says {answer.state}", answer.evidence or "\n".join(answer.names)
        evidence.keep(target, image, "failed", reason, f"{ended.migration.output}\n{said}")
        raise _failed(target, reason, said)


def _answer_after(target: Target, images: ReleaseImages, ended: Ended) -> Answer:
    """What the check says after a migration: in the same container, else, and to tell why not, in one of its own."""
    answer = ended.check and migration.read(target.service.migration, ended.check)
    return CLEAN if answer == CLEAN else guard.check(target, images)


def _in_container(target: HeldTarget, image: str, first: str, on_line: OnLine) -> Ended:
    """Migrate in a container."""
    argv, check = migration.argv(target.service.migration, "run"), migration.argv(target.service.migration, "check")
    with _timely(target, image), going_on(target):
        ended = migrator.run(target, image, argv, check, first=first, on_line=on_line)
    result = ended.migration
    _require_begun(target, result)
    if result.exited in (ExitCode.NOT_RUN, ExitCode.WRONG_IMAGE):
        evidence.keep(target, image, "failed", "it never started", result.output)
        raise _failed(target, "it never started", result.output, NEVER_STARTED)
    return ended


def _on_host(target: HeldTarget, image: str, first: str, on_line: OnLine) -> Ended:
    """Migrate in a shell on the host."""
    argv, seconds = migration.argv(target.service.migration, "run"), target.service.migration.timeout
    try:
        result = on_host.run(target, argv, doing="migrate", timeout=seconds, on_line=on_line, first=first)
    except CommandTimedOut as error:
        raise _timed_out(target, image, error) from error
    _require_begun(target, result)
    return Ended(result)


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


@contextmanager
def _timely(target: HeldTarget, image: str) -> Iterator[None]:
    """Make of a migration that takes too long a `MigrationError`, and end its container."""
    try:
        yield
    except CommandTimedOut as error:
        raise _timed_out(target, image, error, then=migrator.end(target)) from error


def resume(target: HeldTarget, on_line: OnLine) -> None:
    """Follow a migration whose client disconnected to its end; raises `MigrationError` unless it ended well.

    Raises `CommandFailed` for Ctrl-C, which leaves it running.
    """
    image = _image(target)
    with _timely(target, image), going_on(target):
        result = migrator.follow(target, on_line).migration
    keep(target, image, result, then=migrator.remove(target))
    judge(target, result)


def kill(target: Target) -> None:
    """End a migration that runs, and keep how it ended; whoever follows it is told that it failed."""
    target.halt(migrator.stop(target), doing="stop the migration")
    result = migrator.follow(target).migration
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


def _way_back(target: Target, images: ReleaseImages, names: tuple[str, ...], result: Result) -> str:
    """Say how the image before starts again, where the migration itself failed and the image still has all of it due.

    What a tool did outside a transaction it does not record. Where nothing can be told, what is said of the failure is
    all there is to say.
    """
    before = target.stopped_image
    if not before or before == images.service.id or cause(result.exited, result.output) != SQL:
        return ""
    with suppress(OpsError):
        back = redeploying(target, before)
        if not back or not names or guard.ask(target, images).names != names:
            return ""
        return f"None of it is recorded as applied: {back}, where the tables are as before, starts the image before."
    return ""


def _failed(target: Target, reason: str, output: str, exited: int = 0) -> MigrationError:
    return MigrationError(
        f"{target.label}: the migration failed ({reason}); {guard.stopped(target)} until it succeeds.",
        evidence=output,
        hint=target.typed.fill(cause(exited, output).fix),
    )


def backup(target: HeldTarget, command: str, on_line: OnLine) -> None:
    """Run the backup command on the host, in the project's directory; raises `CommandFailed`."""
    doing, seconds = "back up the database", target.service.migration.timeout
    result = on_host.run(target, ["sh", "-c", command], doing=doing, timeout=seconds, on_line=on_line)
    if not result.ok:
        raise target.host.failed(doing, result)
