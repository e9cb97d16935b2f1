"""From what runs to what was checked: start it, watch it; then record it."""

from __future__ import annotations

import time

from galos_ops.engines.release_images import ReleaseImages
from galos_ops.errors import OpsError, VerifyError
from galos_ops.host.release_log import Event, release
from galos_ops.progress import short
from galos_ops.workflows.steps import Outcome, Started, Steps


def switch(
    steps: Steps,
    images: ReleaseImages,
    began: float,
    *,
    migrations: tuple[str, ...] = (),
    stopped: float | None = None,
) -> Outcome:
    """Start images that the guard let pass, and watch them; `record` comes next.

    `stopped` is when the service was stopped for a migration, None without one; then the image that ran before starts
    again when the new one does not stay up, unless it is the one that runs. Raises `VerifyError`.
    """
    target, previous = steps.target, steps.target.running_image
    down = time.monotonic() if stopped is None else stopped
    started: Started | None = None
    try:
        started = steps.up(images)
        kept = started.same or (stopped is None and target.engine.rolls(target))
        downtime = None if previous is None else 0.0 if kept else time.monotonic() - down
        steps.verify(started)
    except VerifyError as error:
        if started and started.same:
            raise
        try:
            recovered = steps.recover_from_failed_start(error, images, migrated=stopped is not None)
        except KeyboardInterrupt as interrupt:
            raise KeyboardInterrupt(error.sentence, *interrupt.args) from None
        raise recovered from error
    seconds = time.monotonic() - began
    other = bool(migrations) or previous != started.image
    return Outcome(
        host=target.host.name,
        service=target.name,
        image=started.image,
        previous=previous,
        changed=not started.same and (other or stopped is None),
        migrations=migrations,
        seconds=seconds,
        downtime=downtime,
        stopped=stopped is not None,
    )


def record(
    steps: Steps, images: ReleaseImages, outcome: Outcome, event: Event = "deploy", tag: str | None = None
) -> Outcome:
    """Record what changed, and say it; also what an earlier run started and did not live to record.

    An `up` of the image that the release log has last is no release. A failure says that the service runs.
    """
    target, image = steps.target, short(outcome.image)
    last = target.snapshot.recorded.get(target.name)
    known = last == outcome.image and (event == "up" or not outcome.changed)
    if known:
        steps.remember(images)
    else:
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
        try:
            steps.record(line, images)
        except OpsError as error:
            error.add(f"{target.name} runs all the same; the next deploy records it.")
            raise
    down = "" if outcome.downtime is None else f" · service down for {outcome.downtime:.1f} s"
    if outcome.changed:
        done = {"deploy": "deployed", "rollback": "rolled back to", "up": "started"}[event]
        steps.conclude(f"{done} {image} in {outcome.seconds:.1f} s{down}")
    elif outcome.stopped:
        steps.conclude(f"{image} runs again{down}")
    elif known:
        steps.report.conclude(f"nothing to do: {image} already runs")
    else:
        steps.conclude(f"{image} already runs; it was not in the release log, and is now")
    return outcome
