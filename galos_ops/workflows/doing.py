"""The steps of a flow, taken; the host's lock is held."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from galos_ops.engines import stopped
from galos_ops.engines.engine import HeldTarget
from galos_ops.engines.images import retention, surplus
from galos_ops.engines.images.references import images_of
from galos_ops.engines.images.surplus import Surplus
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.engines.snapshot.snapshot import Container
from galos_ops.errors import CommandFailed, ConnectError, LockedError, OpsError, VerifyError
from galos_ops.host.release_log import Release
from galos_ops.migrations import guard
from galos_ops.migrations import runner as migrating
from galos_ops.migrations.tools import REMEMBERED, Answer
from galos_ops.progress import DONE, SAME, Report, Step, short
from galos_ops.workflows.steps import Outcome, Restarted, Started, pull, verify


@dataclass(frozen=True)
class Doing:
    """Does what `Steps` says."""

    target: HeldTarget
    report: Report
    looked: ClassVar[str] = DONE

    def step(self, name: str, detail: str = "") -> AbstractContextManager[Step]:
        self.report.title(self.target.host.name, self.target.name)
        return self.report.step(name, detail)

    def resume_orphaned_migrations(self) -> None:
        for target in guard.orphaned(self.target):
            with replace(self, target=target).step("adopt", "a migration that an earlier run began"):
                migrating.resume(target, self.report.output)
            if target.name != self.target.name:
                self.report.say(f"it ended well; {target.name} is down until: {target.typed.fab('deploy')}")

    def pull(self, tag: str | None = None, *, again: bool = False) -> ReleaseImages:
        return pull(self.target, self.report, tag, again=again)

    def answer(self, images: ReleaseImages, *, again: bool = False) -> Answer:
        if not again and guard.passed(self.target, images):
            return REMEMBERED
        return guard.check(self.target, images)

    def remember(self, images: ReleaseImages) -> None:
        if remembering := guard.remember(self.target, images):
            self.target.change(remembering, doing="remember a clean answer")

    def require_no_one_offs(self, answer: Answer) -> None:  # noqa: ARG002
        guard.require_no_one_offs(self.target, self.target.engine.look(self.target))

    def down(self, answer: Answer) -> None:  # noqa: ARG002
        with self.step("down"):
            found = self.target.engine.look(self.target)
            guard.require_no_one_offs(self.target, found)
            image = self.target.running_image
            note = ":" if image is None else stopped.remember(self.target.name, image)
            self.target.engine.remove(self.target, found, first=note)

    def backup(self, answer: Answer) -> None:  # noqa: ARG002
        try:
            with self.step("backup"):
                migrating.backup(self.target, self.target.service.migration.backup or "", self.report.output)
        except CommandFailed as error:
            raise CommandFailed(
                f"{self.target.label}: the backup failed and nothing was migrated.",
                evidence=error.evidence,
                hint=f"correct migration.backup or what it needs, then: {self.target.host.typed.again()}",
            ) from error

    def announce(self, images: ReleaseImages, answer: Answer) -> None:
        migrating.announce(self.target, images, answer.names)

    def withdraw(self, images: ReleaseImages) -> None:
        migrating.withdraw(self.target, images)

    def lift_marker(self) -> None:
        migrating.lift_marker(self.target)

    def migrate(self, images: ReleaseImages, answer: Answer) -> None:
        with self.step("migrate") as step:
            migrating.migrate(self.target, images, answer.names, self.report.output)
            step.detail = f"{len(answer.names) or 'all'} applied"

    def up(self, images: ReleaseImages) -> Started:
        image, before = images.service.id, {one.id for one in self.target.running if one.state != "paused"}
        order = self.target.engine.order(self.target) if before else ""
        with self.step("up", ", ".join(filter(None, (short(image), order)))) as step:
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
            started = self.target.engine.start(self.target, containers)
        return Started(image, started, same)

    def verify(self, started: Started) -> None:
        verify(self.target, self.report, started)

    def recover_from_failed_start(self, error: VerifyError, images: ReleaseImages, *, migrated: bool) -> VerifyError:
        if migrated or self.target.previous_image != self.target.stopped_image:
            again = images.service.id == self.target.stopped_image
            why = "the previous image must not start on the new schema"
            state = "a migration ran" if again else f"a migration ran, so {why} and nothing was rolled back"
        else:
            state = self.restart_previous().state
        return VerifyError(
            f"{error.sentence.rstrip('.')}; {state}.",
            evidence=error.evidence,
            hint=f"publish a corrected image, then: {self.target.typed.fab('deploy')}",
        )

    def restart_previous(self) -> Restarted:
        before = self.target.previous_image
        if before is None:
            return Restarted("there is no previous image to start in its place")
        image = f"the previous image {short(before)}"
        try:
            previous = images_of(self.target, before)
            answer = guard.check(self.target, previous)
            if answer.state != "clean":
                return Restarted(f"{image} was not started: its migrations are {answer.state}")
            started = self.up(previous)
            self.verify(started)
        except (ConnectError, LockedError) as error:
            return Restarted(f"whether {image} runs is not known: {error.sentence.rstrip('.')}")
        except OpsError as error:
            return Restarted(f"{image} does not run either: {error.sentence.rstrip('.')}")
        return Restarted(f"{image} {'still runs' if started.same else 'runs again'}", runs=True)

    def record(self, line: Release, images: ReleaseImages) -> None:
        with self.step("record"):
            line = replace(line, detail=self.target.engine.placed(self.target))
            retention.record(self.target, line, then=guard.remember(self.target, images))

    def prune(self, found: Surplus) -> None:
        with self.step("prune", f"removed {found}" if found != Surplus() else str(found)) as step:
            if found == Surplus():
                step.mark = SAME
            else:
                surplus.remove(self.target, found)

    def intend(self, sentence: str) -> None:
        """Leave it to `conclude`."""

    def conclude(self, sentence: str) -> None:
        self.report.title(self.target.host.name, self.target.name)
        self.report.conclude(sentence)

    def document(self, outcome: Outcome) -> dict[str, Any]:
        return asdict(outcome)
