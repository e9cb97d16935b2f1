"""Back to an earlier release, unless a migration ran since."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from galos_ops.engines import dependencies
from galos_ops.engines.engine import Target
from galos_ops.engines.images import retention
from galos_ops.engines.images.references import images_of, redeploying
from galos_ops.errors import GuardError, NotReadyError, UsageError
from galos_ops.host.release_log import Release, joined, read, started
from galos_ops.migrations import guard
from galos_ops.progress import short
from galos_ops.workflows.steps import Outcome, Steps, pending
from galos_ops.workflows.switching import record, switch

TIME = re.compile(r"\d{4}-\d\d-\d\d")
IMAGE = re.compile(r"(sha256:)?[0-9a-f]{4,64}")


def rollback(steps: Steps, to: str | None = None) -> Outcome:
    """Start the image of an earlier release again: the one before what runs, or the one that `to` means.

    Raises `GuardError` when a migration ran since, `NotReadyError` when there is no such release or image, and
    `UsageError` for a `to` that does not mean one release.
    """
    began = time.monotonic()
    guard.require_no_foreign_containers(steps.target)
    dependencies.needed(steps.target)
    guard.require_no_running_migration(steps.target)
    line = choose(steps.target, to)
    steps.intend(f"back to {short(line.image)}: {line.tag}, released {line.time}")
    images = images_of(steps.target, line.image)
    guard.require_clean(steps.target, pending(steps, images, again=True))
    return record(steps, images, switch(steps, images, began), "rollback", line.tag)


def choose(target: Target, to: str | None) -> Release:
    """Return the release to go back to; raises as `rollback` does."""
    log = [one for one in joined(read(target.host, target.settings.directory).releases) if one.service == target.name]
    line = chosen_release(target, log, target.running_image, to)
    require_no_migration_since(target, log, line)
    if not retention.kept(target, line.image):
        raise NotReadyError(
            f"{target.label}: the image {short(line.image)} of that release is gone from the host.",
            hint=f"with a tag that the registry has: {target.alone('deploy', tag='TAG')}",
        )
    return line


def chosen_release(target: Target, log: Sequence[Release], runs: str | None, to: str | None) -> Release:
    """Return the release to go back to, of several of one image the newest.

    Raises `NotReadyError` where there is none, and `UsageError` for a `to` that does not mean one image.
    """
    candidates = started(log)
    if to is not None:
        named = [one for one in candidates if means(to, one)]
        images = {one.image for one in named}
        if len(images) != 1:
            reason = "several releases of {} have" if images else "no release of {} has"
            shown = {one.image: f"{short(one.image)}  {one.tag}  {one.time}" for one in named or candidates}
            raise UsageError(
                f"--to is {to!r}; {reason.format(target.name)} that tag, time or image.",
                evidence="\n".join(shown.values()),
                hint=f"name one by its image: {target.alone('rollback', to='IMAGE')}",
            )
        return named[-1]
    # what was stopped for a migration that did not end well is itself the release before
    last = candidates[-1].image if candidates and not migrations_since(log, candidates[-1]) else None
    earlier = [one for one in candidates if one.image != (runs or last)]
    if not earlier:
        raise NotReadyError(
            f"{target.label}: there is no earlier release to go back to.",
            hint=f"with any tag of the repository: {target.alone('deploy', tag='TAG')}",
        )
    return earlier[-1]


def migrations_since(log: Sequence[Release], line: Release) -> list[Release]:
    """Return the migrations that began after a release."""
    return [one for one in list(log)[list(log).index(line) + 1 :] if one.migrates]


def means(to: str, line: Release) -> bool:
    """Whether a person's words mean a release: its tag, its time up to the day or further, or four digits of its image.

    A time is taken as `history` shows it, too, with a space in it.
    """
    by_time = TIME.match(to) and line.time.startswith(to.replace(" ", "T"))
    by_image = IMAGE.fullmatch(to) and line.image.startswith(f"sha256:{to.removeprefix('sha256:')}")
    return bool(to == line.tag or by_time or by_image)


def require_no_migration_since(target: Target, log: Sequence[Release], line: Release) -> None:
    """Raise `GuardError` when a migration began after a release: its code must not meet the newer schema."""
    names = [name for one in migrations_since(log, line) for name in one.migrations or ("a migration",)]
    if names:
        back = redeploying(target, line.image)
        if not back and line.tag != target.service.tag:  # a tag that moves means the newest image by now
            back = target.alone("deploy", tag=line.tag)
        way = f"or start that one if its own check is clean: {back}" if back else f"then: {target.alone('deploy')}"
        raise GuardError(
            f"{target.label}: a migration ran since {short(line.image)}, which must not start on the newer schema.",
            evidence="\n".join(dict.fromkeys(names)),
            hint=f"publish a corrected image, {way}",
        )
