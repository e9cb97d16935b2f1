"""The steps that a flow is made of: `doing` takes them, `telling` says what each would do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from galos_ops.engines.engine import ReleaseImages, Target
from galos_ops.engines.snapshot import Container
from galos_ops.errors import VerifyError
from galos_ops.host.release_log import Release
from galos_ops.migrations import guard
from galos_ops.migrations.tools import Answer
from galos_ops.progress import SAME, WARN, Report, Step, short


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


@dataclass(frozen=True)
class Started:
    """An image that was started; `containers` are none where a dry run would make them, `same` if they ran before."""

    image: str
    containers: Sequence[Container]
    same: bool = False


class Steps(Protocol):
    """The steps for one service; `looked` is the mark of a step that found what is wanted by looking."""

    @property
    def target(self) -> Target: ...

    @property
    def report(self) -> Report: ...

    @property
    def looked(self) -> str: ...

    def step(self, name: str, detail: str = "") -> AbstractContextManager[Step]:
        """Report a step."""

    def resume_orphaned_migration(self) -> None:
        """Wait for a migration whose client disconnected, showing its output; raises `MigrationError` if it failed."""

    def pull(self, tag: str | None = None) -> ReleaseImages:
        """Fetch the images while the old container runs on, and learn their IDs; raises `CommandFailed`."""

    def answer(self, images: ReleaseImages, *, again: bool = False) -> Answer:
        """Ask the images for pending migrations, unless the answer is known, or `again`."""

    def require_no_one_offs(self, answer: Answer) -> None:
        """Raise `NotReadyError` while somebody's one-off container is in the way of a migration."""

    def down(self, answer: Answer) -> None:
        """Stop and delete the service's containers, unless somebody's one-off container is in the way."""

    def backup(self, images: ReleaseImages, answer: Answer) -> None:
        """Run `migration.backup`; where that fails, start what ran before and raise `CommandFailed`."""

    def migrate(self, images: ReleaseImages, answer: Answer) -> None:
        """Run the migrations and check again; raises `MigrationError`."""

    def up(self, images: ReleaseImages) -> Started:
        """Start the images that were checked; raises `VerifyError` and `GuardError`."""

    def start(self, containers: Sequence[Container]) -> Started:
        """Start stopped containers of one image as they are."""

    def verify(self, started: Started) -> None:
        """Raise `VerifyError` unless the containers stay up; those that ran before get one look."""

    def recover_from_failed_start(self, error: VerifyError, images: ReleaseImages, *, migrated: bool) -> VerifyError:
        """Restart the previous image, unless a migration ran, and return the error that says so."""

    def record(self, line: Release) -> None:
        """Log a release and keep its image."""

    def intend(self, sentence: str) -> None:
        """Say what the steps are about, where they are only told."""

    def conclude(self, sentence: str) -> None:
        """Say what was done."""

    def document(self, outcome: Outcome) -> dict[str, Any]:
        """Return what --json says of the service."""


def pending(steps: Steps, images: ReleaseImages, *, again: bool = False) -> Answer:
    """Ask the images for pending migrations, and report the answer; raises `GuardError` when it is unknown."""
    with steps.step("pending") as step:
        answer = steps.answer(images, again=again)
        if answer.state == "unknown":
            raise guard.pending_migrations_error(steps.target, answer)
        marks = {"clean": SAME if answer.remembered else steps.looked, "pending": WARN}
        step.detail, step.mark = answer.summary, marks.get(answer.state, step.mark)
    return answer


def pull(target: Target, report: Report, tag: str | None = None) -> ReleaseImages:
    """Fetch the images, which needs no lock, and report what that changes; raises `CommandFailed`."""
    with report.step("pull") as step:
        images = target.engine.pull(target, tag, report.progress)
        image, old = images.service.id, target.running_image
        step.detail = short(image) if old in (None, image) else f"{short(old or '')} → {short(image)}"
        step.mark = SAME if old == image else step.mark
    return images


def verify(target: Target, report: Report, started: Started) -> None:
    """Watch what was started, and report it; raises `VerifyError`."""
    seconds = None if started.same else target.settings.verify.seconds
    with report.step("verify", f"running for {seconds} s" if seconds else "running"):
        target.engine.watch(target, started.containers, seconds)


def present(steps: Steps) -> ReleaseImages:
    """Return the images that `up` would start; pulled where the host does not have them."""
    return steps.target.local_images() or steps.pull()
