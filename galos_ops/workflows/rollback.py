"""Back to an earlier release, unless a migration ran since."""

from __future__ import annotations

import time
from collections.abc import Sequence

from galos_ops.engines import dependencies
from galos_ops.engines.facts import Container
from galos_ops.engines.target import ID, Images, Unit
from galos_ops.errors import GuardError, NotReadyError, UsageError
from galos_ops.host.release_log import Release, read, started
from galos_ops.migrations import guard
from galos_ops.progress import Report, short
from galos_ops.workflows import deploy
from galos_ops.workflows import lifecycle as containers
from galos_ops.workflows.deploy import Outcome


def rollback(unit: Unit, report: Report, to: str | None = None) -> Outcome:
    """Start the image of an earlier release again: the one before what runs, or the newest that `to` names.

    Raises `GuardError` when a migration ran since, and `NotReadyError` when there is no such release or image.
    """
    began = time.monotonic()
    guard.alone(unit)
    dependencies.needed(unit)
    before, images, line = choose(unit, to)
    with report.step("pending") as step:
        answer = guard.check(unit, images)
        step.detail = deploy.describe(answer)
        if answer.state != "clean":
            raise guard.refuse(unit, answer)
    return deploy.switch(unit, report, images, before, began, event="rollback", tag=line.tag)


def choose(unit: Unit, to: str | None) -> tuple[Container | None, Images, Release]:
    """What runs, the images to go back to and the release they are of; raises as `rollback` does."""
    guard.nobody_migrates(unit)
    before = containers.running(unit)
    log = read(unit.host, unit.settings.directory, unit.name)
    line = target(unit, log, before.image if before else None, to)
    refuse_over_a_migration(unit, log, line)
    references = unit.references()
    if not unit.run(f"{ID} {line.image}", doing="look for the image", check=False).ok:
        raise NotReadyError(
            f"{unit.label}: the image {short(line.image)} of that release is gone from the host.",
            hint=f"with a tag that the registry has: {unit.host.typed.fab('deploy', tag='TAG')}",
        )
    images = {
        **{reference: unit.facts.images.get(reference, "") for reference in references},
        references[0]: line.image,
    }
    return before, images, line


def target(unit: Unit, log: Sequence[Release], runs: str | None, to: str | None) -> Release:
    """The release to go back to; raises `NotReadyError` without one and `UsageError` for a `to` that names none."""
    candidates = started(log)
    if to is not None:
        named = [one for one in candidates if to in (one.tag, one.time) or one.image.startswith((to, f"sha256:{to}"))]
        if not named:
            raise UsageError(
                f"--to is {to!r}; no release of {unit.name} has that tag, time or image.",
                hint=unit.host.typed.fab("history"),
            )
        return named[-1]
    current = runs or (candidates[-1].image if candidates else None)
    earlier = [one for one in candidates if one.image != current]
    if not earlier:
        raise NotReadyError(
            f"{unit.label}: there is no earlier release to go back to.",
            hint=f"with any tag of the repository: {unit.host.typed.fab('deploy', tag='TAG')}",
        )
    return earlier[-1]


def refuse_over_a_migration(unit: Unit, log: Sequence[Release], line: Release) -> None:
    """Raise `GuardError` when a migration began after a release: its code must not meet the newer schema."""
    since = list(log)[list(log).index(line) + 1 :]
    names = [name for one in since if one.event == "migrate" for name in one.migrations or ("a migration",)]
    if any(one.event == "migrate" for one in since):
        raise GuardError(
            f"{unit.label}: a migration ran since {short(line.image)}, which must not start on the newer schema.",
            evidence="\n".join(names),
            hint=f"publish an image with the fault corrected, then: {unit.host.typed.fab('deploy')}",
        )
