"""A deploy, as the runbook has it: pull; when a migration is pending, stop and migrate; then start what was checked."""

from __future__ import annotations

import time
from dataclasses import dataclass

from galos_ops.engines import dependencies
from galos_ops.engines.facts import Container
from galos_ops.engines.pull_output import Layers, worth_showing
from galos_ops.engines.target import ID, Images, Target, local_images
from galos_ops.errors import CommandFailed, VerifyError
from galos_ops.host.release_log import Event, release
from galos_ops.migrations import guard
from galos_ops.migrations import runner as migrating
from galos_ops.migrations.tools import CLEAN, Answer
from galos_ops.progress import SAME, WARN, Report, short
from galos_ops.workflows import lifecycle as containers
from galos_ops.workflows.retention import record
from galos_ops.workflows.verify import verify

PULL_SECONDS = 1800
FULL = "look at the host's disk: {ssh:docker system df}"


@dataclass(frozen=True)
class Outcome:
    """What a deploy did to a service; images are IDs, times seconds, `downtime` None where nothing ran before."""

    host: str
    service: str
    image: str
    previous: str | None
    changed: bool
    migrations: tuple[str, ...]
    seconds: float
    downtime: float | None


def deploy(target: Target, report: Report, tag: str | None = None) -> Outcome:
    """Deploy one service; the lock is the caller's.

    Raises `GuardError`, `MigrationError` or `VerifyError` as the guard, the migration or the new container fails.
    """
    began = time.monotonic()
    guard.require_no_foreign_containers(target)
    dependencies.needed(target)
    resume_orphaned_migration(target, report)
    before = containers.running(target)
    images = pull(target, report, before, tag)
    answer = pending(target, report, images)
    stopped = time.monotonic()
    if answer.state == "pending":
        with report.step("down"):
            found = containers.look(target)
            containers.require_no_one_offs(target, found)
            containers.down(target, found)
        migrate(target, report, images, answer, before)
        return switch(target, report, images, before, began, tag=tag, migrations=answer.names, stopped=stopped)
    return switch(target, report, images, before, began, tag=tag)


def switch(
    target: Target,
    report: Report,
    images: Images,
    before: Container | None,
    began: float,
    *,
    event: Event = "deploy",
    tag: str | None = None,
    migrations: tuple[str, ...] = (),
    stopped: float | None = None,
) -> Outcome:
    """Start images that the guard let pass, watch them, record them.

    `stopped` is when the service was stopped for a migration, None without one; then the image that ran before starts
    again when the new one does not stay up. Raises `VerifyError`.
    """
    down = time.monotonic() if stopped is None else stopped
    try:
        after = containers.up(target, report, images, before)
        same = before is not None and after.id == before.id
        downtime = None if before is None else 0.0 if same else time.monotonic() - down
        verify(target, report, after, settled=same)
    except VerifyError as error:
        raise recover_from_failed_start(target, report, images, before, error, migrated=stopped is not None) from error
    previous = before.image if before else None
    seconds = time.monotonic() - began
    outcome = Outcome(target.host.name, target.name, after.image, previous, not same, migrations, seconds, downtime)
    conclude(target, report, outcome, event, tag)
    return outcome


def resume_orphaned_migration(target: Target, report: Report) -> None:
    """Wait for a migration whose client disconnected, showing its output; raises `MigrationError` if it failed."""
    if target.facts.named(target.migrator):
        with report.step("adopt", "a migration that an earlier run began"):
            migrating.judge(target, migrating.follow(target, report.output))


def pull(target: Target, report: Report, before: Container | None, tag: str | None = None) -> Images:
    """Fetch the images while the old container runs on, and learn their IDs; raises `CommandFailed`."""
    references = target.references()
    service, carrier = target.name, target.service.migration.service
    sources = list(references)
    lines = [target.compose.pull(dict.fromkeys((service, carrier)))]
    if tag and tag != target.service.tag:
        sources[0] = target.settings.image(target.service, tag)
        others = [target.compose.pull([carrier])] if len(references) > 1 else []
        lines = [f"docker pull {sources[0]}", *others]
    layers = Layers()

    def count(line: str) -> None:
        nonlocal layers
        layers = layers.after(line)
        report.progress(str(layers))

    with report.step("pull") as step:
        script = " >&2 && ".join([*lines, f"{ID} {' '.join(sources)}"])
        here = target.compose.here(script)
        result = target.host.change(here, doing="pull", timeout=PULL_SECONDS, check=False, on_line=count)
        if not result.ok:
            raise CommandFailed(
                f"{target.label}: could not pull {sources[0]}; what ran before is untouched.",
                evidence=worth_showing(result.output),
                hint=target.host.typed.fill(FULL if "no space left" in result.output else "{fab:ecr.check}"),
            )
        images = dict(zip(references, result.stdout.split(), strict=True))
        image, old = images[references[0]], before.image if before else None
        step.detail = short(image) if old in (None, image) else f"{short(old or '')} → {short(image)}"
        step.mark = SAME if old == image else step.mark
    return images


def present(target: Target, report: Report) -> Images:
    """The images that `up` would start; pulled where the host does not have them."""
    return local_images(target) or pull(target, report, containers.running(target))


def pending(target: Target, report: Report, images: Images) -> Answer:
    """Ask the images for pending migrations, unless the answer is known; raises `GuardError` when it is unknown."""
    with report.step("pending") as step:
        if guard.passed(target, images):
            step.detail, step.mark = "none, as checked before", SAME
            return CLEAN
        answer = guard.check(target, images)
        if answer.state == "unknown":
            raise guard.pending_migrations_error(target, answer)
        step.detail = describe(answer)
        step.mark = WARN if answer.state == "pending" else step.mark
    return answer


def describe(answer: Answer) -> str:
    """The answer of a check in a few words: `none`, or the count and the names."""
    if answer.state != "pending":
        return {"clean": "none", "unknown": "unknown"}[answer.state]
    return f"{len(answer.names)}: {', '.join(answer.names)}" if answer.names else "some"


def migrate(target: Target, report: Report, images: Images, answer: Answer, before: Container | None) -> None:
    """Back up, then migrate, the service being down; raises `CommandFailed` for the backup and `MigrationError`."""
    if target.service.migration.backup:
        try:
            with report.step("backup"):
                migrating.backup(target, target.service.migration.backup, report.output)
        except CommandFailed as error:
            raise CommandFailed(
                f"{target.label}: the backup failed and nothing was migrated; "
                f"{start_again(target, report, images, before)}.",
                evidence=error.evidence,
                hint=f"correct migration.backup or what it needs, then: {target.host.typed.again()}",
            ) from error
    with report.step("migrate") as step:
        migrating.migrate(target, images, answer.names, report.output)
        step.detail = f"{len(answer.names) or 'all'} applied"


def recover_from_failed_start(
    target: Target, report: Report, images: Images, before: Container | None, error: VerifyError, *, migrated: bool
) -> VerifyError:
    """What a failed start ends in: the previous image again, or, after a migration, the reason why not."""
    if migrated:
        state = "a migration ran, so the previous image must not start on the new schema and nothing was rolled back"
    else:
        state = start_again(target, report, images, before)
    return VerifyError(
        f"{error.sentence.rstrip('.')}; {state}.",
        evidence=error.evidence,
        hint=f"publish a corrected image, then: {target.host.typed.fab('deploy')}",
    )


def start_again(target: Target, report: Report, images: Images, before: Container | None) -> str:
    """Start the image that ran before, if it may start, and tell the state of the host as half a sentence."""
    if before is None:
        return "there is no previous image to start in its place"
    previous = {**images, next(iter(images)): before.image}
    answer = guard.check(target, previous)
    if answer.state != "clean":
        return f"the previous image {short(before.image)} was not started: its migrations are {answer.state}"
    try:
        verify(target, report, containers.up(target, report, previous, None), settled=False)
    except VerifyError as error:
        return f"the previous image {short(before.image)} does not run either: {error.sentence.rstrip('.')}"
    return f"the previous image {short(before.image)} runs again"


def conclude(target: Target, report: Report, outcome: Outcome, event: Event, tag: str | None) -> None:
    """Record what changed, and say it; also what an earlier run started and did not live to record."""
    last = target.facts.recorded.get(target.name)
    if not outcome.changed and last == outcome.image:
        report.conclude(f"nothing to do: {short(outcome.image)} already runs")
        return
    line = release(
        event,
        target.name,
        tag or target.service.tag,
        outcome.image,
        previous=outcome.previous if outcome.changed else last,
        migrations=outcome.migrations,
        seconds=round(outcome.seconds, 1),
        downtime=round(outcome.downtime or 0.0, 1),
    )
    with report.step("record"):
        record(target, line)
    if not outcome.changed:
        report.conclude(f"{short(outcome.image)} already runs; it was not in the release log, and is now")
        return
    done = {"deploy": "deployed", "rollback": "rolled back to"}[event]
    down = "" if outcome.downtime is None else f" · service down for {outcome.downtime:.1f} s"
    report.conclude(f"{done} {short(outcome.image)} in {outcome.seconds:.1f} s{down}")
