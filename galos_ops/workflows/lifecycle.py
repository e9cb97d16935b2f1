"""Starting a service: a new container of its image, or the stopped one as it is."""

from __future__ import annotations

import time

from galos_ops.engines import dependencies
from galos_ops.engines.images.references import images_of
from galos_ops.errors import CommandFailed
from galos_ops.migrations import guard
from galos_ops.workflows.steps import Steps, pending, present
from galos_ops.workflows.switching import record, switch


def up(steps: Steps) -> None:
    """Start the image on the host, pulled where it is not there, and record it where the release log has another one.

    Raises `GuardError` and `VerifyError`.
    """
    began = time.monotonic()
    guard.require_no_foreign_containers(steps.target)
    dependencies.needed(steps.target)
    guard.require_no_running_migration(steps.target)
    images = present(steps)
    guard.require_clean(steps.target, pending(steps, images))
    record(steps, images, switch(steps, images, began), "up")


def start(steps: Steps) -> None:
    """Start the stopped container with the image it has, whatever its tag means; raises as `up` does.

    Raises `GuardError` too for one that is not as configured, which nobody asked, `CommandFailed` where there is none.
    """
    target = steps.target
    guard.require_no_foreign_containers(target)
    dependencies.needed(target)
    guard.require_no_running_migration(target)
    found = target.snapshot.current(target.name)
    if not found:
        raise CommandFailed(f"{target.label}: there is no container to start.", hint=target.host.typed.fab("up"))
    images = images_of(target, found[0].image)
    chosen = [one for one in found if one.image == images.service.id]
    guard.require_clean(target, steps.answer(images))
    guard.require_as_configured(target, chosen)
    steps.verify(steps.start(chosen))
    steps.remember(images)
