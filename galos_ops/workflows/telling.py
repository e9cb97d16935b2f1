"""The steps of a flow, told: the same facts and refusals as in earnest, and the host stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from galos_ops.engines import dependencies
from galos_ops.engines.engine import Target
from galos_ops.engines.images import labels, pulling, retention
from galos_ops.engines.images.surplus import Surplus
from galos_ops.engines.one_offs import migrator
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.engines.snapshot.snapshot import Container, names
from galos_ops.errors import VerifyError
from galos_ops.host.release_log import Release
from galos_ops.migrations import guard
from galos_ops.migrations import runner as migrating
from galos_ops.migrations.tools import REMEMBERED, Answer
from galos_ops.progress import SAME, WOULD, Report, Step, short
from galos_ops.workflows.steps import Outcome, Restarted, Started, unanswered, verify


@dataclass
class Telling:
    """Says what each of `Steps` would do.

    `plan` has their names and details for --json, `later` is when the image can be asked, where that is not yet, and
    `deleted` whether the container that runs would be gone by then, for migrations that it would be asked after.
    """

    target: Target
    report: Report
    plan: list[dict[str, str]] = field(default_factory=list)
    later: str = ""
    deleted: bool = False
    looked: ClassVar[str] = SAME

    @contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[Step]:
        self.report.title(self.target.host.name, self.target.name)
        with self.report.step(name, detail) as step:
            step.mark = WOULD
            yield step
        self.plan.append({"step": name, "detail": step.detail})

    def _tell(self, name: str, detail: str) -> None:
        with self.step(name, detail):
            pass

    def resume_orphaned_migrations(self) -> None:
        """Say which run; raise `MigrationError` where one has failed by now."""
        for target in guard.orphaned(self.target):
            if not guard.goes_on(target):
                migrating.judge(target, migrator.follow(target).migration)
            it = f"a migration{'' if target.name == self.target.name else f' of {target.name}'}"
            self._tell("adopt", f"{it} that an earlier run began: show its output, wait for its end")

    def pull(self, tag: str | None = None, *, again: bool = False) -> ReleaseImages:
        """Ask the registry what would be fetched."""
        with self.step("pull") as step:
            images, here = pulling.newest(unanswered(self.target) if again else self.target, tag)
            image, old = images.service.id, self.target.running_image
            origin = f"{short(old)} → " if old not in (None, image) else ""
            step.detail = f"{origin}{short(image)}, {'already here' if here else 'to be fetched'}"
            step.mark = SAME if here and old == image else WOULD
            step.detail += self._made(image) if origin else ""
        if not here:
            self.later = self.later or "asked of the image when it is here"
        return images

    def answer(self, images: ReleaseImages, *, again: bool = False) -> Answer:
        if any(map(guard.goes_on, guard.orphaned(self.target))):
            return Answer("undetermined", evidence="asked when that migration is over")
        if self.later:
            return Answer("undetermined", evidence=self.later)
        if not again and guard.passed(self.target, images):
            return REMEMBERED
        return guard.ask(self.target, images, untouched=True)

    def remember(self, images: ReleaseImages) -> None:
        """Nothing is remembered."""

    def require_no_one_offs(self, answer: Answer) -> None:
        if answer.state == "pending":
            guard.require_no_one_offs(self.target, self.target.snapshot)

    def down(self, answer: Answer) -> None:
        found = self.target.snapshot.of(self.target.name)
        self._tell(
            "down", _if_pending(answer) + (f"stop and delete {names(found)}" if found else "there is no container")
        )
        self.deleted, self.later = True, self.later or "asked again when the migrations have run"

    def backup(self, answer: Answer) -> None:
        self._tell("backup", f"{_if_pending(answer)}run migration.backup")

    def announce(self, images: ReleaseImages, answer: Answer) -> None:
        """Nothing is logged, and what runs would be stopped."""

    def withdraw(self, images: ReleaseImages) -> None:
        """Nothing was announced."""

    def lift_marker(self) -> None:
        """It stays."""

    def migrate(self, images: ReleaseImages, answer: Answer) -> None:  # noqa: ARG002
        self._tell("migrate", f"{_if_pending(answer)}run {answer.summary if answer.state == 'pending' else 'them'}")

    def up(self, images: ReleaseImages) -> Started:
        target, image, old, why = self.target, images.service.id, self.target.running_image, ""
        before = () if self.deleted else target.running
        if before and {one.image for one in before} == {image} and target.engine.as_configured(target, before):
            with self.step("up", f"{short(image)} already runs") as step:
                step.mark = SAME
            return Started(image, before, same=True)
        if old not in (None, image):
            pulled = any(one["step"] == "pull" for one in self.plan)  # which has told it
            why = f", in place of {short(old or '')}{'' if pulled else self._made(image)}"
        elif before:
            why = ", its container created again: .env or the compose file changed"
        order = target.engine.order(target) if before else ""
        self._depended()
        self._tell("up", f"start {short(image)}{why}{order and f', {order}'}")
        return Started(image, ())

    def _made(self, image: str) -> str:
        """Return from what to what an image in place of the one that runs changes the service, as far as they say."""
        old = self.target.running_image or ""
        said = labels.made(self.target.host, (old, image))
        words = labels.change(said.get(old), said.get(image))
        return words and f", {words}"

    def _depended(self) -> None:
        for name in dependencies.absent(self.target):
            self._tell("up", f"start {name}, which {self.target.name} depends on")

    def start(self, containers: Sequence[Container]) -> Started:
        image, same = containers[0].image, all(one.state == "running" for one in containers)
        self._depended()
        with self.step("start", f"start {names(containers)} with {short(image)}") as step:
            if same:
                step.detail, step.mark = f"{short(image)} already runs", SAME
        return Started(image, containers, same)

    def verify(self, started: Started) -> None:
        if started.same:
            self.plan.append({"step": "verify", "detail": "running"})
            verify(self.target, self.report, started)
        else:
            self._tell("verify", f"watch it for {self.target.settings.verify.seconds} s")

    def restart_previous(self) -> Restarted:
        return Restarted("nothing was stopped", runs=True)

    def recover_from_failed_start(self, error: VerifyError, images: ReleaseImages, *, migrated: bool) -> VerifyError:  # noqa: ARG002
        return VerifyError(error.sentence, evidence=error.evidence, hint=error.hint)

    def record(self, line: Release, images: ReleaseImages) -> None:  # noqa: ARG002
        old = ", ".join(retention.beyond_keep(self.target, line.image))
        self._tell("record", f"log the release, keep its image{old and f', drop the tags {old}'}")

    def prune(self, found: Surplus) -> None:
        with self.step("prune", f"remove {found}" if found != Surplus() else str(found)) as step:
            step.mark = WOULD if found != Surplus() else SAME

    def intend(self, sentence: str) -> None:
        self.report.say(sentence)

    def conclude(self, sentence: str) -> None:
        """Nothing was done."""

    def document(self, outcome: Outcome) -> dict[str, Any]:
        return {"host": outcome.host, "service": outcome.service, "plan": self.plan}


def _if_pending(answer: Answer) -> str:
    return "if a migration is pending: " if answer.state == "undetermined" else ""
