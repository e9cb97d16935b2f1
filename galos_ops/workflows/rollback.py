"""Back to an earlier release, unless a migration ran since."""

from __future__ import annotations

import time
from collections.abc import Sequence

from galos_ops.engines import dependencies, retention
from galos_ops.engines.engine import Target
from galos_ops.errors import GuardError, NotReadyError, UsageError
from galos_ops.host.release_log import Release, read, started
from galos_ops.migrations import guard
from galos_ops.progress import short
from galos_ops.workflows.deploy import switch
from galos_ops.workflows.steps import Outcome, Steps, pending


def rollback(steps: Steps, to: str | None = None) -> Outcome:
    """Start the image of an earlier release again: the one before what runs, or the newest that `to` names.

    Raises `GuardError` when a migration ran since, and `NotReadyError` when there is no such release or image.
    """
    began = time.monotonic()
    guard.require_no_foreign_containers(steps.target)
    dependencies.needed(steps.target)
    guard.require_no_running_migration(steps.target)
    line = choose(steps.target, to)
    steps.intend(f"back to {short(line.image)}: {line.tag}, released {line.time}")
    images = steps.target.images_of(line.image)
    guard.require_clean(steps.target, pending(steps, images, again=True))
    return switch(steps, images, began, event="rollback", tag=line.tag)


def choose(target: Target, to: str | None) -> Release:
    """Return the release to go back to; raises as `rollback` does."""
    log = read(target.host, target.settings.directory, target.name)
    line = chosen_release(target, log, target.running_image, to)
    require_no_migration_since(target, log, line)
    if not retention.kept(target, line.image):
        raise NotReadyError(
            f"{target.label}: the image {short(line.image)} of that release is gone from the host.",
            hint=f"with a tag that the registry has: {target.host.typed.fab('deploy', tag='TAG')}",
        )
    return line


def chosen_release(target: Target, log: Sequence[Release], runs: str | None, to: str | None) -> Release:
    """The release to go back to; raises `NotReadyError` without one and `UsageError` for a `to` that names none."""
    candidates = started(log)
    if to is not None:
        named = [one for one in candidates if to in (one.tag, one.time) or one.image.startswith((to, f"sha256:{to}"))]
        if not named:
            raise UsageError(
                f"--to is {to!r}; no release of {target.name} has that tag, time or image.",
                hint=target.host.typed.fab("history"),
            )
        return named[-1]
    current = runs or (candidates[-1].image if candidates else None)
    earlier = [one for one in candidates if one.image != current]
    if not earlier:
        raise NotReadyError(
            f"{target.label}: there is no earlier release to go back to.",
            hint=f"with any tag of the repository: {target.host.typed.fab('deploy', tag='TAG')}",
        )
    return earlier[-1]


def require_no_migration_since(target: Target, log: Sequence[Release], line: Release) -> None:
    """Raise `GuardError` when a migration began after a release: its code must not meet the newer schema."""
    since = list(log)[list(log).index(line) + 1 :]
    names = [name for one in since if one.event == "migrate" for name in one.migrations or ("a migration",)]
    if any(one.event == "migrate" for one in since):
        raise GuardError(
            f"{target.label}: a migration ran since {short(line.image)}, which must not start on the newer schema.",
            evidence="\n".join(names),
            hint=f"publish an image with the fault corrected, then: {target.host.typed.fab('deploy')}",
        )
