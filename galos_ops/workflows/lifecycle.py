"""Starting a service: a new container of its image, or the stopped one as it is."""

from __future__ import annotations

import time

from galos_ops.engines import dependencies
from galos_ops.errors import CommandFailed
from galos_ops.migrations import guard
from galos_ops.workflows.steps import Steps, pending, present
from galos_ops.workflows.switching import switch


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
    switch(steps, images, began, event="up")


def start(steps: Steps) -> None:
    """Start the stopped container with the image it has, whatever its tag means; raises as `up` does.

    Raises `CommandFailed` where there is no container.
    """
    target = steps.target
    guard.require_no_foreign_containers(target)
    dependencies.needed(target)
    guard.require_no_running_migration(target)
    found = target.snapshot.of(target.name)
    if not found:
        raise CommandFailed(f"{target.label}: there is no container to start.", hint=target.host.typed.fab("up"))
    images = target.images_of(found[0].image)
    guard.require_clean(target, steps.answer(images))
    steps.verify(steps.start([one for one in found if one.image == images.service.id]))
    steps.remember(images)
