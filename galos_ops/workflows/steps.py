"""The steps that a flow is made of: `doing` takes them, `telling` says what each would do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from galos_ops.engines.dependencies import ordered
from galos_ops.engines.engine import Target
from galos_ops.engines.images.references import local_images
from galos_ops.engines.images.surplus import Surplus
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.engines.snapshot.snapshot import Container
from galos_ops.errors import VerifyError
from galos_ops.host.release_log import Release
from galos_ops.migrations import guard
from galos_ops.migrations.tools import Answer
from galos_ops.progress import SAME, WARN, Report, Step, short
from galos_ops.workflows.on_hosts import Placed, one_of_each


@dataclass(frozen=True)
class Outcome:
    """What a deploy did to a service; images are IDs, times seconds, `downtime` None where nothing ran before.

    `stopped` where it was stopped while migrations ran, its own or those of another service on its database.
    """

    host: str
    service: str
    image: str
    previous: str | None
    changed: bool
    migrations: tuple[str, ...]
    seconds: float
    downtime: float | None
    stopped: bool = False


@dataclass(frozen=True)
class Started:
    """An image that was started; `containers` are none where a dry run would make them, `same` if they ran before."""

    image: str
    containers: Sequence[Container]
    same: bool = False


@dataclass(frozen=True)
class Restarted:
    """What came of starting the previous image again: the state of the service as half a sentence."""

    state: str
    runs: bool = False


class Steps(Placed, Protocol):
    """The steps for one service; `looked` is the mark of a step that found what is wanted by looking."""

    @property
    def looked(self) -> str: ...

    def step(self, name: str, detail: str = "") -> AbstractContextManager[Step]:
        """Report a step."""

    def resume_orphaned_migrations(self) -> None:
        """Wait for migrations whose client disconnected, of any service; raises `MigrationError` if one failed."""

    def pull(self, tag: str | None = None, *, again: bool = False) -> ReleaseImages:
        """Fetch the images while the old container runs on, and learn their IDs; raises `CommandFailed`.

        What the registry was known to have does not count any more when it is asked `again`.
        """

    def answer(self, images: ReleaseImages, *, again: bool = False) -> Answer:
        """Ask the images for pending migrations, unless the answer is known, or `again`."""

    def remember(self, images: ReleaseImages) -> None:
        """Remember that the answer of these images is clean."""

    def require_no_one_offs(self, answer: Answer) -> None:
        """Raise `NotReadyError` while somebody's one-off container is in the way of a migration."""

    def down(self, answer: Answer) -> None:
        """Stop and delete the service's containers, unless somebody's one-off container is in the way."""

    def backup(self, answer: Answer) -> None:
        """Run `migration.backup`; raises `CommandFailed`."""

    def announce(self, images: ReleaseImages, answer: Answer) -> None:
        """Prove that everything is stopped, and log the migration before it begins on another host.

        Raises `GuardError` and `NotBegun`.
        """

    def withdraw(self, images: ReleaseImages) -> None:
        """Take back what `announce` has done, where nothing was migrated after all."""

    def migrate(self, images: ReleaseImages, answer: Answer) -> None:
        """Do as `announce` does, then run the migrations and check again; raises `MigrationError`.

        Raises `GuardError` and `NotBegun` where none was begun.
        """

    def lift_marker(self) -> None:
        """Let the host's services start again, once the migration of its fleet is over."""

    def restart_previous(self) -> Restarted:
        """Start the image that ran before, if it may start; raises nothing, as it follows a failure."""

    def up(self, images: ReleaseImages) -> Started:
        """Start the images that were checked; raises `VerifyError` and `GuardError`."""

    def start(self, containers: Sequence[Container]) -> Started:
        """Start stopped containers of one image as they are."""

    def verify(self, started: Started) -> None:
        """Raise `VerifyError` unless the containers stay up; those that ran before get one look."""

    def recover_from_failed_start(self, error: VerifyError, images: ReleaseImages, *, migrated: bool) -> VerifyError:
        """Restart the previous image, unless a migration ran, and return the error that says so."""

    def record(self, line: Release, images: ReleaseImages) -> None:
        """Log a release, keep its image, and remember that its answer is clean."""

    def prune(self, found: Surplus) -> None:
        """Remove what of ours the host need not keep."""

    def intend(self, sentence: str) -> None:
        """Say what the steps are about, where they are only told."""

    def conclude(self, sentence: str) -> None:
        """Say what was done."""

    def document(self, outcome: Outcome) -> dict[str, Any]:
        """Return what --json says of the service."""


@dataclass(frozen=True)
class Group:
    """The steps for services that a task takes together, on one host or on several.

    `chosen` are what the task is about; the others only stop while one of them migrates. `hold_elsewhere` holds the
    hosts of the fleet that are not among these, and those that markers name, and gives the steps for services there.
    """

    chosen: Sequence[Steps]
    others: Sequence[Steps]
    hold_elsewhere: Callable[[Iterable[str], Collection[str], Iterable[str]], list[Steps]] = lambda *_: []

    def elsewhere(self, stopping: Collection[str] = ()) -> list[Steps]:
        """Hold the rest of the fleet, and return the steps for the same services there, as they are now.

        Raises `GuardError` where another migration may go on, or one runs that is `stopping` here, and `ConnectError`,
        `LockedError` and `NotReadyError`.
        """
        names = dict.fromkeys(steps.target.name for steps in self.all)
        marked = [steps.target.snapshot.migrating or "" for steps in self.hosts]
        return self.hold_elsewhere(names, stopping, marked)

    @property
    def hosts(self) -> list[Steps]:
        """One of each host."""
        return one_of_each(self.chosen)

    @property
    def all(self) -> list[Steps]:
        """All of them, in the order in which they start: each service, on every host, after those it depends on."""
        every = [*self.chosen, *self.others]
        names = ordered((steps.target.name for steps in every), every[0].target.snapshot.rows())
        return [steps for name in names for steps in every if steps.target.name == name]

    def stopping(self, migrating: Iterable[Steps]) -> list[Steps]:
        """Return those that must not run while some of them migrate, in the order in which they start."""
        names = {name for steps in migrating for name in steps.target.stops}
        return [steps for steps in self.all if steps.target.name in names]


def pending(steps: Steps, images: ReleaseImages, *, again: bool = False) -> Answer:
    """Ask the images for pending migrations, and report the answer; raises `GuardError` when it is unknown."""
    with steps.step("pending") as step:
        answer = steps.answer(images, again=again)
        if answer.state == "unknown":
            raise guard.pending_migrations_error(steps.target, answer)
        marks = {"clean": SAME if answer.remembered else steps.looked, "pending": WARN}
        step.detail, step.mark = answer.summary, marks.get(answer.state, step.mark)
    return answer


def pull(target: Target, report: Report, tag: str | None = None, *, again: bool = False) -> ReleaseImages:
    """Fetch the images, which needs no lock, and report what that changes; raises `CommandFailed`."""
    target = unanswered(target) if again else target
    report.title(target.host.name, target.name)
    with report.step("pull") as step:
        images = target.engine.pull(target, tag, report.progress)
        image, old = images.service.id, target.running_image
        step.detail = short(image) if old in (None, image) else f"{short(old or '')} → {short(image)}"
        step.mark = SAME if old == image else step.mark
    return images


def unanswered(target: Target) -> Target:
    """Return the same without what the registry said when the host was looked at."""
    return replace(target, snapshot=replace(target.snapshot, registry={}))


def verify(target: Target, report: Report, started: Started) -> None:
    """Watch what was started, and report it; raises `VerifyError`."""
    seconds = None if started.same else target.settings.verify.seconds
    with report.step("verify", f"running for {seconds} s" if seconds else "running"):
        target.engine.watch(target, started.containers, seconds)


def present(steps: Steps) -> ReleaseImages:
    """Return the images that `up` would start; pulled where the host does not have them."""
    return local_images(steps.target) or steps.pull()
