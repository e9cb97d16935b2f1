"""The steps of a flow, taken; the host's lock is held."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from galos_ops.engines import containers
from galos_ops.engines.snapshot import Container
from galos_ops.engines.target import HeldTarget, ReleaseImages
from galos_ops.errors import CommandFailed, VerifyError
from galos_ops.host.release_log import Release
from galos_ops.migrations import guard
from galos_ops.migrations import runner as migrating
from galos_ops.migrations.tools import REMEMBERED, Answer
from galos_ops.progress import DONE, SAME, Report, Step, short
from galos_ops.workflows import retention
from galos_ops.workflows.pulling import pull
from galos_ops.workflows.steps import Outcome, Started
from galos_ops.workflows.verify import verify


@dataclass(frozen=True)
class Doing:
    """Does what `Steps` says."""

    target: HeldTarget
    report: Report
    looked: ClassVar[str] = DONE

    def step(self, name: str, detail: str = "") -> AbstractContextManager[Step]:
        return self.report.step(name, detail)

    def resume_orphaned_migration(self) -> None:
        if self.target.facts.named(self.target.migrator):
            with self.step("adopt", "a migration that an earlier run began"):
                migrating.judge(self.target, migrating.follow(self.target, self.report.output))

    def pull(self, tag: str | None = None) -> ReleaseImages:
        return pull(self.target, self.report, tag)

    def answer(self, images: ReleaseImages, *, again: bool = False) -> Answer:
        if not again and guard.passed(self.target, images):
            return REMEMBERED
        return guard.check_and_remember(self.target, images)

    def require_no_one_offs(self, answer: Answer) -> None:  # noqa: ARG002
        containers.require_no_one_offs(self.target, containers.look(self.target))

    def down(self, answer: Answer) -> None:  # noqa: ARG002
        with self.step("down"):
            found = containers.look(self.target)
            containers.require_no_one_offs(self.target, found)
            stopped = self.target.change(containers.stop(self.target, found), doing="stop")
            containers.require_stopped(self.target, stopped)

    def backup(self, images: ReleaseImages, answer: Answer) -> None:  # noqa: ARG002
        try:
            with self.step("backup"):
                migrating.backup(self.target, self.target.service.migration.backup or "", self.report.output)
        except CommandFailed as error:
            raise CommandFailed(
                f"{self.target.label}: the backup failed and nothing was migrated; {self._start_previous()}.",
                evidence=error.evidence,
                hint=f"correct migration.backup or what it needs, then: {self.target.host.typed.again()}",
            ) from error

    def migrate(self, images: ReleaseImages, answer: Answer) -> None:
        with self.step("migrate") as step:
            migrating.migrate(self.target, images, answer.names, self.report.output)
            step.detail = f"{len(answer.names) or 'all'} applied"

    def up(self, images: ReleaseImages) -> Started:
        before = self.target.running
        with self.step("up", short(images.service.id)) as step:
            after = containers.up(self.target, images)
            same = before is not None and before.id == after.id
            if same:
                step.detail, step.mark = f"{short(after.image)} already runs", SAME
        return Started(after.image, after, same)

    def start(self, container: Container) -> None:
        with self.step("start", short(container.image)) as step:
            if container.state == "running":
                step.detail, step.mark = f"{short(container.image)} already runs", SAME
            containers.start(self.target, container)

    def verify(self, started: Started) -> None:
        if started.container:
            verify(self.target, self.report, started.container, settled=started.same)

    def recover_from_failed_start(self, error: VerifyError, images: ReleaseImages, *, migrated: bool) -> VerifyError:  # noqa: ARG002
        if migrated:
            why = "the previous image must not start on the new schema"
            state = f"a migration ran, so {why} and nothing was rolled back"
        else:
            state = self._start_previous()
        return VerifyError(
            f"{error.sentence.rstrip('.')}; {state}.",
            evidence=error.evidence,
            hint=f"publish a corrected image, then: {self.target.host.typed.fab('deploy')}",
        )

    def _start_previous(self) -> str:
        """Start the image that ran before, if it may start, and tell the state of the host as half a sentence."""
        before = self.target.running
        if before is None:
            return "there is no previous image to start in its place"
        previous, image = self.target.images_of(before.image), short(before.image)
        answer = guard.check_and_remember(self.target, previous)
        if answer.state != "clean":
            return f"the previous image {image} was not started: its migrations are {answer.state}"
        try:
            with self.step("up", image):
                after = containers.up(self.target, previous)
            verify(self.target, self.report, after, settled=False)
        except VerifyError as error:
            return f"the previous image {image} does not run either: {error.sentence.rstrip('.')}"
        return f"the previous image {image} runs again"

    def record(self, line: Release) -> None:
        with self.step("record"):
            retention.record(self.target, line)

    def intend(self, sentence: str) -> None:
        """Leave it to `conclude`."""

    def conclude(self, sentence: str) -> None:
        self.report.conclude(sentence)

    def document(self, outcome: Outcome) -> dict[str, Any]:
        return asdict(outcome)
