"""The steps of a flow, taken; the host's lock is held."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from galos_ops.engines import retention
from galos_ops.engines.engine import HeldTarget, ReleaseImages
from galos_ops.engines.snapshot import Container
from galos_ops.errors import CommandFailed, VerifyError
from galos_ops.host.release_log import Release
from galos_ops.migrations import guard
from galos_ops.migrations import runner as migrating
from galos_ops.migrations.tools import REMEMBERED, Answer
from galos_ops.progress import DONE, SAME, Report, Step, short
from galos_ops.workflows.steps import Outcome, Started, pull, verify


@dataclass(frozen=True)
class Doing:
    """Does what `Steps` says."""

    target: HeldTarget
    report: Report
    looked: ClassVar[str] = DONE

    def step(self, name: str, detail: str = "") -> AbstractContextManager[Step]:
        return self.report.step(name, detail)

    def resume_orphaned_migration(self) -> None:
        if self.target.snapshot.named(self.target.migrator):
            with self.step("adopt", "a migration that an earlier run began"):
                migrating.judge(self.target, migrating.follow(self.target, self.report.output))

    def pull(self, tag: str | None = None) -> ReleaseImages:
        return pull(self.target, self.report, tag)

    def answer(self, images: ReleaseImages, *, again: bool = False) -> Answer:
        if not again and guard.passed(self.target, images):
            return REMEMBERED
        return guard.check_and_remember(self.target, images)

    def require_no_one_offs(self, answer: Answer) -> None:  # noqa: ARG002
        guard.require_no_one_offs(self.target, self.target.engine.look(self.target))

    def down(self, answer: Answer) -> None:  # noqa: ARG002
        with self.step("down"):
            found = self.target.engine.look(self.target)
            guard.require_no_one_offs(self.target, found)
            self.target.engine.remove(self.target, found)

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
        image, before = images.service.id, {one.id for one in self.target.running}
        with self.step("up", short(image)) as step:
            after = self.target.engine.up(self.target, images)
            same = before == {one.id for one in after}
            if same:
                step.detail, step.mark = f"{short(image)} already runs", SAME
        return Started(image, after, same)

    def start(self, containers: Sequence[Container]) -> Started:
        image, same = containers[0].image, all(one.state == "running" for one in containers)
        with self.step("start", short(image)) as step:
            if same:
                step.detail, step.mark = f"{short(image)} already runs", SAME
            self.target.engine.start(self.target, containers)
        return Started(image, containers, same)

    def verify(self, started: Started) -> None:
        verify(self.target, self.report, started)

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
        before = self.target.running_image
        if before is None:
            return "there is no previous image to start in its place"
        previous, image = self.target.images_of(before), short(before)
        answer = guard.check_and_remember(self.target, previous)
        if answer.state != "clean":
            return f"the previous image {image} was not started: its migrations are {answer.state}"
        try:
            started = self.up(previous)
            self.verify(started)
        except VerifyError as error:
            return f"the previous image {image} does not run either: {error.sentence.rstrip('.')}"
        return f"the previous image {image} {'still runs' if started.same else 'runs again'}"

    def record(self, line: Release) -> None:
        with self.step("record"):
            retention.record(self.target, line)

    def intend(self, sentence: str) -> None:
        """Leave it to `conclude`."""

    def conclude(self, sentence: str) -> None:
        self.report.conclude(sentence)

    def document(self, outcome: Outcome) -> dict[str, Any]:
        return asdict(outcome)
