"""A deploy, as the runbook has it: pull; when a migration is pending, stop and migrate; then start what was checked."""

from __future__ import annotations

import time

from galos_ops.engines import dependencies
from galos_ops.engines.engine import ReleaseImages
from galos_ops.errors import VerifyError
from galos_ops.host.release_log import Event, release
from galos_ops.migrations.guard import require_no_foreign_containers, service_runs_error
from galos_ops.migrations.tools import Answer
from galos_ops.progress import short
from galos_ops.workflows.steps import Outcome, Started, Steps, pending, present


def deploy(steps: Steps, tag: str | None = None) -> Outcome:
    """Deploy one service; the lock is the caller's.

    Raises `GuardError`, `MigrationError` or `VerifyError` as the guard, the migration or the new container fails.
    """
    began = time.monotonic()
    require_no_foreign_containers(steps.target)
    dependencies.needed(steps.target)
    steps.resume_orphaned_migration()
    images = steps.pull(tag)
    answer = pending(steps, images)
    if answer.state == "clean":
        return switch(steps, images, began, tag=tag)
    stopped = time.monotonic()
    steps.down(answer)
    run_migrations(steps, images, answer)
    return switch(steps, images, began, tag=tag, migrations=answer.names, stopped=stopped)


def migrate(steps: Steps) -> None:
    """Run what is pending while the service is down; raises `GuardError` while it runs, and `MigrationError`."""
    require_no_foreign_containers(steps.target)
    steps.resume_orphaned_migration()
    if steps.target.running:
        raise service_runs_error(steps.target)
    images = present(steps)
    answer = pending(steps, images)
    if answer.state == "clean":
        steps.report.say("nothing to do: no migration is pending")
        return
    steps.require_no_one_offs(answer)
    run_migrations(steps, images, answer)
    steps.conclude(f"migrated; the service is down until: {steps.target.host.typed.fab('up')}")


def run_migrations(steps: Steps, images: ReleaseImages, answer: Answer) -> None:
    """Back up, then migrate, the service being down; raises `CommandFailed` for the backup and `MigrationError`."""
    if steps.target.service.migration.backup:
        steps.backup(images, answer)
    steps.migrate(images, answer)


def switch(
    steps: Steps,
    images: ReleaseImages,
    began: float,
    *,
    event: Event = "deploy",
    tag: str | None = None,
    migrations: tuple[str, ...] = (),
    stopped: float | None = None,
) -> Outcome:
    """Start images that the guard let pass, watch them, record them.

    `stopped` is when the service was stopped for a migration, None without one; then the image that ran before starts
    again when the new one does not stay up, unless it is the one that runs. Raises `VerifyError`.
    """
    target, previous = steps.target, steps.target.running_image
    down = time.monotonic() if stopped is None else stopped
    started: Started | None = None
    try:
        started = steps.up(images)
        downtime = None if previous is None else 0.0 if started.same else time.monotonic() - down
        steps.verify(started)
    except VerifyError as error:
        if started and started.same:
            raise
        raise steps.recover_from_failed_start(error, images, migrated=stopped is not None) from error
    seconds = time.monotonic() - began
    outcome = Outcome(
        target.host.name, target.name, started.image, previous, not started.same, migrations, seconds, downtime
    )
    record(steps, outcome, event, tag)
    return outcome


def record(steps: Steps, outcome: Outcome, event: Event, tag: str | None) -> None:
    """Record what changed, and say it; also what an earlier run started and did not live to record.

    An `up` of the image that the release log has last is no release.
    """
    target, image = steps.target, short(outcome.image)
    last = target.snapshot.recorded.get(target.name)
    known = last == outcome.image and (event == "up" or not outcome.changed)
    if not known:
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
        steps.record(line)
    if outcome.changed:
        done = {"deploy": "deployed", "rollback": "rolled back to", "up": "started"}[event]
        down = "" if outcome.downtime is None else f" · service down for {outcome.downtime:.1f} s"
        steps.conclude(f"{done} {image} in {outcome.seconds:.1f} s{down}")
    elif known:
        steps.report.conclude(f"nothing to do: {image} already runs")
    else:
        steps.conclude(f"{image} already runs; it was not in the release log, and is now")
