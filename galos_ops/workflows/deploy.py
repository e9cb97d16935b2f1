"""A deploy, as the runbook has it: pull; when a migration is pending, stop and migrate; then start what was checked.

On several hosts each step is taken on all of them at once, and the migration on one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from galos_ops.engines import dependencies
from galos_ops.engines.images.references import images_of
from galos_ops.errors import CommandFailed, ConnectError, GuardError, LockedError, NotBegun, OpsError
from galos_ops.migrations import guard
from galos_ops.migrations.tools import Answer
from galos_ops.workflows.on_hosts import on_hosts, one_of_each, unique
from galos_ops.workflows.starting import Candidate, Clean, Publish, lift_marker, roll, start
from galos_ops.workflows.steps import Group, Steps, pending, present
from galos_ops.workflows.stopping import Stop

PULLS = 3


def deploy_each(groups: Iterable[Group], tag: str | None, publish: Publish) -> None:
    """Deploy services, those that share a database together; what fails names those that were deployed before it."""
    done: list[Steps] = []
    try:
        for group in groups:
            deploy(group, tag, publish)
            done += unique(group.chosen, lambda steps: steps.target.name)
    except OpsError as error:
        if done and not done[0].target.host.dry:
            error.add(f"Deployed before it: {', '.join(steps.target.name for steps in done)}.")
        raise


def deploy(group: Group, tag: str | None, publish: Publish) -> None:
    """Deploy services that share a database, and publish what --json says of each; the locks are the caller's.

    Raises `GuardError`, `MigrationError` or `VerifyError` as the guard, a migration or a new container fails.
    """
    began = time.monotonic()
    elsewhere = prepare(group)
    with Stop.left(group.all).reported(restart=OpsError):
        for steps in group.chosen:
            dependencies.needed(steps.target)
        candidates = pull(group, tag)
        answers = ask(candidates)
        due = pending_somewhere(candidates, answers)
        stop = Stop.now(group.stopping(one.steps for one in due))
        clean, beside = Clean(frozenset(one.question for one in candidates)), stopped_beside(group, stop)
        if due:
            elsewhere = require_free(group, due, answers, stop)
    if due:
        clean = run_migrations(due, answers, stop, elsewhere)
    order = [id(steps) for steps in group.all]
    starting = sorted([*candidates, *beside], key=lambda one: order.index(id(one.steps)))
    with stop.interrupts("Perhaps down"):
        roll(starting, elsewhere, stop, lambda its: start(its, clean, stop, began, publish))
    for steps in group.others:
        guard.require_not_left(steps.target)


def stopped_beside(group: Group, stop: Stop) -> list[Candidate]:
    """Return what the deploy is not about and starts again: what it stops, and what an earlier run stopped and left.

    Not one whose migration that run began. Raises `NotReadyError` before anything is stopped.
    """
    stopped = [steps for steps in group.others if steps in stop.services or not steps.target.running]
    return [
        Candidate(steps, images_of(steps.target, image)) for steps in stopped if (image := steps.target.previous_image)
    ]


def migrate(group: Group) -> None:
    """Run what is pending while the services are down; raises `GuardError` while one runs, and `MigrationError`."""
    elsewhere = prepare(group)
    for steps in group.chosen:
        guard.require_stopped(steps.target)
    found = on_hosts(group.chosen, present)
    candidates = [Candidate(steps, images) for steps, images in zip(group.chosen, found, strict=True)]
    answers = ask(candidates)
    due = pending_somewhere(candidates, answers)
    stop = Stop.now(group.stopping(one.steps for one in due))
    applied: Mapping[str, tuple[str, ...]] = {}
    if due:
        elsewhere = require_free(group, due, answers, stop)
        applied = run_migrations(due, answers, stop, elsewhere).applied
    on_hosts([*group.hosts, *one_of_each(elsewhere)], lambda steps: lift_marker(steps, migrated=bool(applied)))
    for one in candidates:
        if one.target.name in applied:
            one.steps.conclude(f"migrated; the service is down until: {one.target.typed.fab('up')}")
        else:
            one.report.say("nothing to do: no migration is pending")


def prepare(group: Group) -> list[Steps]:
    """Resume an orphaned migration of any service before anything else.

    Where one of a fleet is not known to be over, return the steps elsewhere that are held from now on. Raises
    `MigrationError`, `NotReadyError` for services of another compose project, and as `Group.elsewhere` does.
    """
    for steps in group.hosts:
        steps.resume_orphaned_migrations()
    for steps in group.all:
        guard.require_no_foreign_containers(steps.target)
    marked = any(steps.target.snapshot.under_migration for steps in group.hosts)
    return group.elsewhere() if marked else []


def pull(group: Group, tag: str | None) -> list[Candidate]:
    """Fetch the images, the same ones on every host; raises `CommandFailed`."""
    for tries in range(PULLS):
        candidates = pull_once(group, tag, again=tries > 0)
        first = {one.target.name: one.images for one in reversed(candidates)}
        if all(one.images.same(first[one.target.name]) for one in candidates):
            return candidates
    raise CommandFailed(
        f"The hosts pulled different images, {PULLS} times in a row: a tag moves; what ran before is untouched.",
        hint=f"when nobody pushes: {group.chosen[0].target.host.typed.again()}",
    )


def pull_once(group: Group, tag: str | None, *, again: bool) -> list[Candidate]:
    """Fetch whatever images the tags mean on each host in that moment."""
    found = on_hosts(group.chosen, lambda steps: steps.pull(tag, again=again))
    return [
        Candidate(steps, images, tag or steps.target.service.tag)
        for steps, images in zip(group.chosen, found, strict=True)
    ]


def ask(candidates: Sequence[Candidate]) -> dict[Candidate, Answer]:
    """Ask each question for pending migrations once, however many services and hosts it is the same for.

    One after the other: a tool that is asked of an empty database makes its table there.
    """
    answers = {one.question: answer(one) for one in unique(candidates, lambda one: one.question)}
    return {one: answers[one.question] for one in candidates}


def answer(one: Candidate, *, again: bool = False) -> Answer:
    """Ask for what is pending, on one host."""
    return on_hosts([one], lambda one: pending(one.steps, one.images, again=again))[0]


def pending_somewhere(candidates: Sequence[Candidate], answers: Mapping[Candidate, Answer]) -> list[Candidate]:
    """Return the services of which something is pending, on every host, the one that is to migrate first."""
    names = {one.target.name for one in candidates if answers[one].state != "clean"}
    return sorted(
        (one for one in candidates if one.target.name in names), key=lambda one: answers[one].state == "clean"
    )


def require_free(
    group: Group, due: Sequence[Candidate], answers: Mapping[Candidate, Answer], stop: Stop
) -> list[Steps]:
    """Prove that nothing else is in the way of a migration, before anything is stopped.

    Returns the steps for the same services on the rest of the fleet, which is held from now on. Raises as
    `Group.elsewhere` does, and `NotReadyError` for somebody's one-off container.
    """
    stopping = {steps.target.name for steps in stop.services}
    elsewhere = [steps for steps in group.elsewhere(stopping) if steps.target.name in stopping]
    gravest = gravest_answer(due, answers)
    on_hosts([*stop.services, *elsewhere], lambda steps: steps.require_no_one_offs(gravest))
    return elsewhere


def gravest_answer(due: Sequence[Candidate], answers: Mapping[Candidate, Answer]) -> Answer:
    """Return an answer that something is pending, or, in a dry run, may be."""
    return next((one for one in answers.values() if one.state == "pending"), answers[due[0]])


def run_migrations(
    due: Sequence[Candidate], answers: Mapping[Candidate, Answer], stop: Stop, elsewhere: Sequence[Steps]
) -> Clean:
    """Stop everything, back up, migrate, and return what was applied and what is known to be clean since.

    What one migration did already is not pending for the next. What fails before the first one starts what ran before
    again. Raises as `deploy` does.
    """
    first, *rest = unique(due, lambda one: one.question)
    gravest = gravest_answer(due, answers)
    with stop.reported(restart=OpsError):
        on_hosts([*elsewhere, *stop.services][::-1], lambda steps: steps.down(gravest))
        for one in unique(due, lambda one: one.target.name):
            if one.target.service.migration.backup:
                on_hosts([one], lambda one: one.steps.backup(answers[one]))
        announced = announce(first, due, elsewhere, answers[first])
    with stop.reported(restart=(GuardError, NotBegun)):
        run(first, answers[first], announced)
    clean = Clean().after(first, answers[first])
    with stop.reported():
        for one in rest:
            try:
                found = answer(one, again=True)
            except (ConnectError, LockedError):
                continue  # a lost host keeps no other one down; what it is asked next tells of it
            if found.state == "clean":
                clean = clean.known(one)
            else:
                run(one, found, announce(one, due, elsewhere, found))
                clean = clean.after(one, found)
    return clean


def announce(
    migrating: Candidate, due: Sequence[Candidate], elsewhere: Sequence[Steps], answer: Answer
) -> list[Candidate]:
    """Prove on the other hosts that everything is stopped, and log the migration there before it begins on one.

    Where that fails on one, it is taken back on those where it did not.
    """
    every = [*due, *(Candidate(steps, migrating.images) for steps in elsewhere)]
    same = [one for one in every if one.target.name == migrating.target.name and one is not migrating]
    announced: list[Candidate] = []

    def log(one: Candidate) -> None:
        one.steps.announce(one.images, answer)
        announced.append(one)

    try:
        on_hosts(same, log)
    except OpsError:
        withdraw(announced)
        raise
    return announced


def withdraw(announced: Sequence[Candidate]) -> None:
    """Take back what was logged of a migration that did not begin, on the hosts that can be reached."""

    def each(one: Candidate) -> None:
        with suppress(OpsError):  # the failure that led here is the one that is told
            one.steps.withdraw(one.images)

    on_hosts(announced, each)


def run(one: Candidate, answer: Answer, announced: Sequence[Candidate]) -> None:
    """Migrate on one host; where nothing was begun, the others are told."""
    try:
        on_hosts([one], lambda one: one.steps.migrate(one.images, answer))
    except (GuardError, NotBegun):
        withdraw(announced)
        raise
