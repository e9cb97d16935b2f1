"""A deploy, as the runbook has it: pull; when a migration is pending, stop and migrate; then start what was checked.

On several hosts each step is taken on all of them at once, and the migration on one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from galos_ops.engines import dependencies
from galos_ops.errors import CommandFailed, ConnectError, GuardError, LockedError, NotBegun, OpsError
from galos_ops.migrations import guard
from galos_ops.migrations.tools import Answer
from galos_ops.workflows.on_hosts import on_hosts, unique
from galos_ops.workflows.starting import Candidate, Clean, Publish, lift_marker, roll, start
from galos_ops.workflows.steps import Group, pending, present
from galos_ops.workflows.stopping import Stop

PULLS = 3


def deploy(group: Group, tag: str | None, publish: Publish) -> None:
    """Deploy services that share a database, and publish what --json says of each; the locks are the caller's.

    Raises `GuardError`, `MigrationError` or `VerifyError` as the guard, a migration or a new container fails.
    """
    began = time.monotonic()
    prepare(group)
    for steps in group.chosen:
        dependencies.needed(steps.target)
    candidates = pull(group, tag)
    answers = ask(candidates)
    due = pending_somewhere(candidates, answers)
    stop = Stop.now(group.stopping(one.steps for one in due))
    clean = Clean(frozenset(one.question for one in candidates))
    if due:
        clean = run_migrations(group, due, answers, stop)
    stopped = [steps for steps in group.others if steps in stop.services or not steps.target.running]
    beside = [
        Candidate(steps, steps.target.images_of(image)) for steps in stopped if (image := steps.target.previous_image)
    ]
    order = [id(steps) for steps in group.all]
    starting = sorted([*candidates, *beside], key=lambda one: order.index(id(one.steps)))
    roll(starting, stop, lambda its: start(its, clean, stop, began, publish))


def migrate(group: Group) -> None:
    """Run what is pending while the services are down; raises `GuardError` while one runs, and `MigrationError`."""
    prepare(group)
    for steps in group.chosen:
        guard.require_stopped(steps.target)
    found = on_hosts(group.chosen, present)
    candidates = [Candidate(steps, images) for steps, images in zip(group.chosen, found, strict=True)]
    answers = ask(candidates)
    due = pending_somewhere(candidates, answers)
    stop = Stop.now(group.stopping(one.steps for one in due))
    applied = run_migrations(group, due, answers, stop).applied if due else {}
    on_hosts(group.hosts, lambda steps: lift_marker(steps, migrated=bool(applied)))
    for one in candidates:
        if one.target.name in applied:
            one.steps.conclude(f"migrated; the service is down until: {one.target.typed.fab('up')}")
        else:
            one.report.say("nothing to do: no migration is pending")


def prepare(group: Group) -> None:
    """Resume an orphaned migration of any service before anything else.

    Raises `MigrationError`, `NotReadyError` for services of another compose project, and `GuardError` while other
    hosts of a fleet than these may still migrate.
    """
    for steps in group.hosts:
        steps.resume_orphaned_migrations()
    for steps in group.all:
        guard.require_no_foreign_containers(steps.target)
    if any(steps.target.snapshot.under_migration for steps in group.hosts):
        group.require_stopped_elsewhere([])


def pull(group: Group, tag: str | None) -> list[Candidate]:
    """Fetch the images, the same ones on every host; raises `CommandFailed`."""
    names = {steps.target.name for steps in group.chosen}
    for tries in range(PULLS):
        candidates = pull_once(group, tag, again=tries > 0)
        if len({(one.target.name, one.images) for one in candidates}) == len(names):
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


def run_migrations(group: Group, due: Sequence[Candidate], answers: Mapping[Candidate, Answer], stop: Stop) -> Clean:
    """Stop everything, back up, migrate, and return what was applied and what is known to be clean since.

    What one migration did already is not pending for the next. What fails before the first one starts what ran before
    again. Raises as `deploy` does, and `NotReadyError` before anything is stopped.
    """
    first, *rest = unique(due, lambda one: one.question)
    gravest_answer = next((one for one in answers.values() if one.state == "pending"), answers[first])
    group.require_stopped_elsewhere([steps.target.name for steps in stop.services])
    on_hosts(stop.services, lambda steps: steps.require_no_one_offs(gravest_answer))
    with stop.reported(restart=OpsError):
        on_hosts(stop.services[::-1], lambda steps: steps.down(gravest_answer))
        for one in unique(due, lambda one: one.target.name):
            if one.target.service.migration.backup:
                on_hosts([one], lambda one: one.steps.backup(answers[one]))
        announce(first, due, answers[first])
    with stop.reported(restart=(GuardError, NotBegun)):
        run(first, answers[first])
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
                announce(one, due, found)
                run(one, found)
                clean = clean.after(one, found)
    return clean


def announce(migrating: Candidate, due: Sequence[Candidate], answer: Answer) -> None:
    """Prove on the other hosts that everything is stopped, and log the migration there before it begins on one."""
    same = [one for one in due if one.target.name == migrating.target.name and one is not migrating]
    on_hosts(same, lambda one: one.steps.announce(one.images, answer))


def run(one: Candidate, answer: Answer) -> None:
    """Migrate on one host."""
    on_hosts([one], lambda one: one.steps.migrate(one.images, answer))
