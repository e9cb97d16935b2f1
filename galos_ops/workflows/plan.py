"""What deploy and its parts would do: the same facts and refusals as in earnest, the steps told instead of taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from galos_ops.engines import dependencies, registry
from galos_ops.engines.facts import Container
from galos_ops.engines.target import Images, Target, local_images
from galos_ops.migrations import guard
from galos_ops.migrations import runner as migrating
from galos_ops.migrations.tools import CLEAN, Answer
from galos_ops.progress import SAME, WARN, WOULD, Report, Step, short
from galos_ops.workflows import lifecycle as containers
from galos_ops.workflows import retention
from galos_ops.workflows import rollback as rolling_back
from galos_ops.workflows.deploy import describe
from galos_ops.workflows.verify import verify

AFTER_ADOPTION = "asked when that migration is over"


@dataclass
class Plan:
    """The steps of one service, reported as they become known; `steps` are the names and details for JSON."""

    target: Target
    report: Report
    steps: list[dict[str, str]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[Step]:
        with self.report.step(name, detail) as step:
            step.mark = WOULD
            yield step
        self.steps.append({"step": name, "detail": step.detail})

    def add(self, name: str, detail: str) -> None:
        with self.step(name, detail):
            pass

    @property
    def document(self) -> dict[str, Any]:
        return {"host": self.target.host.name, "service": self.target.name, "plan": self.steps}


@dataclass(frozen=True)
class Candidate:
    """The images that would start; `here` is false while one of them is in the registry only."""

    images: Images
    here: bool = True

    @property
    def image(self) -> str:
        return next(iter(self.images.values()))


def deploy(plan: Plan, tag: str | None = None) -> None:
    """The plan of `deploy`; raises what the deploy would raise before its first change."""
    guard.require_no_foreign_containers(plan.target)
    dependencies.needed(plan.target)
    over = adopt(plan)
    before = containers.running(plan.target)
    candidate = pull(plan, before, tag)
    answer = pending(plan, candidate) if over else unasked(plan, AFTER_ADOPTION)
    if answer != CLEAN:
        down(plan, answer)
        run_migrations(plan, answer)
    switch(plan, candidate, before, deleted=answer is not None and answer != CLEAN)


def rollback(plan: Plan, to: str | None) -> None:
    """The plan of `rollback`; raises what the rollback would raise before its first change."""
    guard.require_no_foreign_containers(plan.target)
    dependencies.needed(plan.target)
    before, images, line = rolling_back.choose(plan.target, to)
    plan.report.say(f"back to {short(line.image)}: {line.tag}, released {line.time}")
    candidate = Candidate(images)
    refuse_unless_clean(plan, ask(plan, candidate))
    switch(plan, candidate, before)


def up(plan: Plan) -> None:
    """The plan of `up`; raises what it would raise before its first change."""
    guard.require_no_foreign_containers(plan.target)
    dependencies.needed(plan.target)
    guard.require_no_running_migration(plan.target)
    before = containers.running(plan.target)
    candidate = present(plan, before)
    refuse_unless_clean(plan, pending(plan, candidate))
    switch(plan, candidate, before, recorded=False)


def start(plan: Plan) -> None:
    """The plan of `start`; raises what it would raise before its first change."""
    guard.require_no_foreign_containers(plan.target)
    dependencies.needed(plan.target)
    guard.require_no_running_migration(plan.target)
    found, own = containers.startable(plan.target)
    if not guard.passed(plan.target, own):
        refuse_unless_clean(plan, guard.ask(plan.target, own, untouched=True))
    depended(plan)
    with plan.step("start", f"start {found.name} with {short(found.image)}") as step:
        if found.state == "running":
            step.detail, step.mark = f"{short(found.image)} already runs", SAME
    watch(plan)


def migrate(plan: Plan) -> None:
    """The plan of `migrate`; raises what it would raise before its first change."""
    guard.require_no_foreign_containers(plan.target)
    over = adopt(plan)
    if containers.running(plan.target):
        raise guard.service_runs_error(plan.target)
    candidate = present(plan, None)
    answer = pending(plan, candidate) if over else unasked(plan, AFTER_ADOPTION)
    if answer == CLEAN:
        plan.report.say("nothing to do: no migration is pending")
    else:
        refuse_beside_one_offs(plan, answer)
        run_migrations(plan, answer)


def present(plan: Plan, before: Container | None) -> Candidate:
    images = local_images(plan.target)
    return Candidate(images) if images else pull(plan, before)


def adopt(plan: Plan) -> bool:
    """Tell of a migration whose beginner died; false while it runs, `MigrationError` when it failed."""
    target = plan.target
    found = target.facts.named(target.migrator)
    if found is None:
        return True
    if not found.alive:
        ended = target.run(f"docker wait {target.migrator}", doing="look at the migration").stdout
        logs = target.run(f"docker logs {target.migrator}", doing="read its log")
        migrating.judge(target, replace(logs, exited=int(ended)))
    plan.add("adopt", "a migration that an earlier run began: show its output, wait for its end")
    return not found.alive


def pull(plan: Plan, before: Container | None, tag: str | None = None) -> Candidate:
    """What `pull` would bring, asked of the registry; raises `CommandFailed`."""
    target = plan.target
    references = target.references()
    sources = [target.settings.image(target.service, tag), *references[1:]]
    with plan.step("pull") as step:
        newest = [registry.newest(target.host, source) for source in sources]
        found = [registry.on_host(target.host, source, one) for source, one in zip(sources, newest, strict=True)]
        images = [there or one.image for there, one in zip(found, newest, strict=True)]
        candidate = Candidate(dict(zip(references, images, strict=True)), here=all(found))
        old = before.image if before else None
        origin = f"{short(old)} → " if old not in (None, candidate.image) else ""
        step.detail = f"{origin}{short(candidate.image)}, {'already here' if candidate.here else 'to be fetched'}"
        step.mark = SAME if candidate.here and old == candidate.image else WOULD
    return candidate


def pending(plan: Plan, candidate: Candidate) -> Answer | None:
    """What is pending, None while nobody can tell; raises `GuardError` for an answer that is unknown."""
    if not candidate.here:
        return unasked(plan, "asked of the image when it is here")
    if guard.passed(plan.target, candidate.images):
        with plan.step("pending", "none, as checked before") as step:
            step.mark = SAME
        return CLEAN
    return ask(plan, candidate)


def ask(plan: Plan, candidate: Candidate) -> Answer | None:
    with plan.step("pending") as step:
        answer = guard.ask(plan.target, candidate.images, untouched=True)
        if answer.state == "undetermined":
            step.detail = answer.evidence
            return None
        if answer.state == "unknown":
            raise guard.pending_migrations_error(plan.target, answer)
        step.detail, step.mark = describe(answer), WARN if answer.state == "pending" else SAME
    return answer


def unasked(plan: Plan, when: str) -> Answer | None:
    plan.add("pending", when)
    return None


def refuse_unless_clean(plan: Plan, answer: Answer | None) -> None:
    """Raise `GuardError` for pending migrations; nobody can tell yet is no refusal."""
    if answer and answer.state not in ("clean", "undetermined"):
        raise guard.pending_migrations_error(plan.target, answer)


def refuse_beside_one_offs(plan: Plan, answer: Answer | None) -> None:
    """Raise `NotReadyError` where a migration is pending and somebody's one-off container runs."""
    if answer:
        containers.require_no_one_offs(plan.target, plan.target.facts.containers)


def down(plan: Plan, answer: Answer | None) -> None:
    refuse_beside_one_offs(plan, answer)
    names = ", ".join(one.name for one in plan.target.facts.of(plan.target.name))
    plan.add("down", _if_pending(answer) + (f"stop and delete {names}" if names else "there is no container"))


def run_migrations(plan: Plan, answer: Answer | None) -> None:
    if plan.target.service.migration.backup:
        plan.add("backup", f"{_if_pending(answer)}run migration.backup")
    plan.add("migrate", f"{_if_pending(answer)}run {describe(answer) if answer else 'them'}")


def _if_pending(answer: Answer | None) -> str:
    return "" if answer else "if a migration is pending: "


def switch(
    plan: Plan, candidate: Candidate, before: Container | None, *, deleted: bool = False, recorded: bool = True
) -> None:
    """`up` and what follows it; `deleted` when the container that ran is deleted before."""
    image = candidate.image
    if before and not deleted and before.image == image and containers.as_configured(plan.target, before):
        with plan.step("up", f"{short(image)} already runs") as step:
            step.mark = SAME
        plan.steps.append({"step": "verify", "detail": "running"})
        verify(plan.target, plan.report, before, settled=True)
        if not recorded or plan.target.facts.recorded.get(plan.target.name) == image:
            plan.report.say(f"nothing to do: {short(image)} already runs")
        else:
            log_release(plan, image)
        return
    why = f", in place of {short(before.image)}" if before and before.image != image else ""
    if before and before.image == image and not deleted:
        why = ", its container created again: .env or the compose file changed"
    depended(plan)
    plan.add("up", f"start {short(image)}{why}")
    watch(plan)
    if recorded:
        log_release(plan, image)


def log_release(plan: Plan, image: str) -> None:
    old = ", ".join(retention.beyond_keep(plan.target, image))
    plan.add("record", f"log the release, keep its image{old and f', drop the tags {old}'}")


def depended(plan: Plan) -> None:
    """What `up` and `start` would start first."""
    for name in dependencies.absent(plan.target):
        plan.add("up", f"start {name}, which {plan.target.name} depends on")


def watch(plan: Plan) -> None:
    plan.add("verify", f"watch it for {plan.target.settings.verify.seconds} s")
