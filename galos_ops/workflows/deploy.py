"""A deploy, as the runbook has it: pull; when a migration is pending, stop and migrate; then start what was checked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from galos_ops.engines import dependencies
from galos_ops.engines.engine import ReleaseImages
from galos_ops.errors import ConnectError, GuardError, LockedError, NotReadyError, OpsError, gravest
from galos_ops.migrations import guard
from galos_ops.migrations.tools import Answer
from galos_ops.workflows.steps import Group, Steps, pending, present
from galos_ops.workflows.switching import switch


@dataclass(frozen=True)
class Candidate:
    """Images of a service that are to start; `tag` is that of a release, None where the service only stops."""

    steps: Steps
    images: ReleaseImages
    tag: str | None = None

    @property
    def name(self) -> str:
        return self.steps.target.name


@dataclass(frozen=True)
class Stop:
    """Services that stop together, in the order in which they start again; `at` is monotonic, `since` UTC."""

    services: Sequence[Steps]
    at: float
    since: str

    @staticmethod
    def now(services: Sequence[Steps]) -> Stop:
        return Stop(services, time.monotonic(), f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}")

    @contextmanager
    def told(self, restart: type[OpsError] | tuple[()] = ()) -> Iterator[None]:
        """Add to a failure since when the services are down; after a `restart` one, start what ran before again."""
        try:
            yield
        except OpsError as error:
            if self.services and isinstance(error, ConnectError | LockedError):
                error.add(f"Perhaps down since {self.since}: {self}.")
            elif isinstance(error, restart):
                ran = [steps for steps in self.services if steps.target.previous_image]
                error.add(" ".join(f"{steps.target.name}: {steps.restart_previous()}." for steps in ran))
            elif self.services:
                error.add(f"Down since {self.since}: {self}.")
            raise

    def __str__(self) -> str:
        return ", ".join(steps.target.name for steps in self.services)


def deploy(group: Group, tag: str | None = None) -> Iterator[dict[str, Any]]:
    """Deploy services that share a database, and yield what --json says of each; the lock is the caller's.

    Raises `GuardError`, `MigrationError` or `VerifyError` as the guard, a migration or a new container fails.
    """
    began = time.monotonic()
    prepare(group)
    for steps in group.chosen:
        dependencies.needed(steps.target)
    candidates = [Candidate(steps, steps.pull(tag), tag or steps.target.service.tag) for steps in group.chosen]
    answers = {one.name: pending(one.steps, one.images) for one in candidates}
    due = [one for one in candidates if answers[one.name].state != "clean"]
    stop = Stop.now(group.stopping(one.steps for one in due))
    applied = run_migrations(due, answers, stop) if due else {}
    stopped = [steps for steps in group.others if steps in stop.services or not steps.target.running]
    beside = [
        Candidate(steps, steps.target.images_of(image)) for steps in stopped if (image := steps.target.previous_image)
    ]
    order = [steps.target.name for steps in group.all]
    starting = sorted([*candidates, *beside], key=lambda one: order.index(one.name))
    yield from start(starting, applied, stop, began)


def migrate(group: Group) -> None:
    """Run what is pending while the services are down; raises `GuardError` while one runs, and `MigrationError`."""
    prepare(group)
    for steps in group.chosen:
        guard.require_stopped(steps.target)
    candidates = [Candidate(steps, present(steps)) for steps in group.chosen]
    answers = {one.name: pending(one.steps, one.images) for one in candidates}
    due = [one for one in candidates if answers[one.name].state != "clean"]
    applied = run_migrations(due, answers, Stop.now(group.stopping(one.steps for one in due))) if due else {}
    for one in candidates:
        if one.name in applied:
            one.steps.conclude(f"migrated; the service is down until: {one.steps.target.typed.fab('up')}")
        else:
            one.steps.report.say("nothing to do: no migration is pending")


def prepare(group: Group) -> None:
    """Resume an orphaned migration of any service before anything else.

    Raises `MigrationError`, and `NotReadyError` for services of another compose project.
    """
    group.chosen[0].resume_orphaned_migrations()
    for steps in group.all:
        guard.require_no_foreign_containers(steps.target)


def run_migrations(due: Sequence[Candidate], answers: Mapping[str, Answer], stop: Stop) -> dict[str, tuple[str, ...]]:
    """Stop everything, back up, migrate, and return what was applied for each service, in order.

    What one migration did already is not pending for the next. What fails before the first one starts what ran before
    again. Raises as `deploy` does, and `NotReadyError` before anything is stopped.
    """
    first, *rest = due
    gravest_answer = next((one for one in answers.values() if one.state == "pending"), answers[first.name])
    for steps in stop.services:
        steps.require_no_one_offs(gravest_answer)
    with stop.told(restart=OpsError):
        for steps in reversed(stop.services):
            steps.down(gravest_answer)
        for one in due:
            if one.steps.target.service.migration.backup:
                one.steps.backup(answers[one.name])
        first.steps.announce(first.images, answers[first.name])
    with stop.told(restart=GuardError):
        first.steps.migrate(first.images, answers[first.name])
    applied = {first.name: answers[first.name].names}
    with stop.told():
        for one in rest:
            answer = pending(one.steps, one.images, again=True)
            if answer.state != "clean":
                one.steps.announce(one.images, answer)
                one.steps.migrate(one.images, answer)
                applied[one.name] = answer.names
    return applied


def start(
    candidates: Sequence[Candidate], applied: Mapping[str, tuple[str, ...]], stop: Stop, began: float
) -> Iterator[dict[str, Any]]:
    """Start services one after the other, each behind its own guard; those too that an earlier run had only stopped.

    After a stop, one that must not start, or does not stay up, keeps none down but those that depend on it. Raises the
    gravest error.
    """
    known = {list(applied)[-1]} if applied else {one.name for one in candidates if one.tag}
    failures: dict[str, OpsError] = {}
    for one in candidates:
        its = replace(stop, services=[steps for steps in stop.services if steps is one.steps])
        try:
            with its.told():
                require_dependencies(one.steps, failures)
                if one.name not in known:
                    guard.require_clean(one.steps.target, pending(one.steps, one.images, again=True))
                outcome = switch(
                    one.steps,
                    one.images,
                    began,
                    event="deploy" if one.tag else "up",
                    tag=one.tag,
                    migrations=applied.get(one.name, ()),
                    stopped=stop.at if its.services else None,
                )
            yield one.steps.document(outcome)
        except OpsError as error:
            failures[one.name] = error
            if not stop.services:
                break
    if failures:
        raise gravest(list(failures.values()))


def require_dependencies(steps: Steps, failures: Mapping[str, OpsError]) -> None:
    """Raise `NotReadyError` where a service that this one depends on was to start and did not."""
    target = steps.target
    missing = failures.keys() & dependencies.reached(target.name, target.snapshot.rows())
    if missing:
        raise NotReadyError(
            f"{target.label}: not started, as it depends on {', '.join(sorted(missing))}.",
            hint=f"when that one runs: {target.host.typed.fab('deploy', service=target.name)}",
        )
