"""Starting what a deploy has checked: a service after those it depends on, host after host or all at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from galos_ops.engines import dependencies
from galos_ops.engines.engine import Target
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.errors import NotReadyError, OpsError, gravest
from galos_ops.host.together import together
from galos_ops.migrations import guard
from galos_ops.migrations.tools import Answer
from galos_ops.progress import Report
from galos_ops.workflows.on_hosts import one_of_each
from galos_ops.workflows.steps import Steps, pending
from galos_ops.workflows.stopping import Stop
from galos_ops.workflows.switching import record, switch

Publish = Callable[[dict[str, Any]], None]
"""What takes what --json says of a service."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """Images of a service that are to start on a host; `tag` is that of a release, None where it was only stopped."""

    steps: Steps
    images: ReleaseImages
    tag: str | None = None

    @property
    def target(self) -> Target:
        return self.steps.target

    @property
    def report(self) -> Report:
        return self.steps.report

    @property
    def question(self) -> object:
        """What candidates have in common that a check answers alike."""
        return guard.key(self.target, self.images) or (self.target.host.name, self.target.name)


@dataclass(frozen=True)
class Clean:
    """The questions that were answered clean since the last migration, and what was applied for each service."""

    questions: frozenset[object] = frozenset()
    applied: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def known(self, one: Candidate) -> Clean:
        """Return the same with a candidate that was asked again."""
        return replace(self, questions=self.questions | {one.question})

    def after(self, one: Candidate, answer: Answer) -> Clean:
        """Return what is known after the migration of a candidate, whose check of its own was clean."""
        return Clean(frozenset([one.question]), {**self.applied, one.target.name: answer.names})


def roll(
    candidates: Sequence[Candidate],
    elsewhere: Sequence[Steps],
    stop: Stop,
    work: Callable[[Sequence[Candidate]], None],
) -> None:
    """Do work for the candidates of each host: on all at once where a migration stopped them, else `fleet.parallel`.

    A migration is over by then, and the hosts `elsewhere` are told so. The first failure ends it, and names the hosts
    that still run what they ran.
    """
    hosts: dict[str, list[Candidate]] = {}
    for one in candidates:
        hosts.setdefault(one.target.host.name, []).append(one)
    settings, parts = candidates[0].target.settings.fleet, list(hosts.values())
    down = stop.services or any(one.target.snapshot.under_migration for one in candidates)
    size = len(parts) if down else settings.parallel
    telling = [(steps.target.host, partial(lift_elsewhere, steps)) for steps in one_of_each(elsewhere)]
    while parts:
        now, parts = parts[:size], parts[size:]
        working = [(its[0].target.host, partial(work, its)) for its in now]
        try:
            together(now[0][0].report, [*working, *telling])
        except OpsError as error:
            if parts:
                error.add(f"Not tried: {', '.join(its[0].target.host.name for its in parts)}.")
            raise
        time.sleep(settings.pause if parts else 0)


def start(candidates: Sequence[Candidate], clean: Clean, stop: Stop, began: float, publish: Publish) -> None:
    """Start services of a host one after the other, each behind its own guard; those too that were only stopped.

    After a stop, one that must not start, or does not stay up, keeps none down but those that depend on it. Raises the
    gravest error.
    """
    host, failures = candidates[0].target.host.name, dict[str, OpsError]()
    with replace(stop, services=[steps for steps in stop.services if steps.target.host.name == host]).failures():
        lift_marker(candidates[0].steps, migrated=bool(clean.applied))
    for one in candidates:
        its = replace(stop, services=[steps for steps in stop.services if steps is one.steps])
        try:
            with its.failures():
                require_dependencies(one.steps, failures)
                if one.question not in clean.questions:
                    guard.require_clean(one.target, pending(one.steps, one.images, again=True))
                applied, at = clean.applied.get(one.target.name, ()), stop.at if its.services else None
                outcome = switch(one.steps, one.images, began, migrations=applied, stopped=at)
            record(one.steps, one.images, outcome, "deploy" if one.tag else "up", one.tag)
            publish(one.steps.document(outcome))
        except OpsError as error:
            failures[one.target.name] = error
            if not stop.services:
                break
    if failures:
        raise gravest(list(failures.values()))


def lift_marker(steps: Steps, *, migrated: bool) -> None:
    """Let a host of a fleet, or a cluster, start its services again, once nothing is pending any more."""
    if steps.target.snapshot.under_migration or (migrated and steps.target.marks):
        steps.lift_marker()


def lift_elsewhere(steps: Steps) -> None:
    """Do so on a host of the fleet that the task was not given; the failure says what keeps its services down."""
    try:
        lift_marker(steps, migrated=True)
    except OpsError as error:
        alone = replace(steps.target.host.typed, fleet="").fab("deploy")
        error.add(f"Nothing starts on {steps.target.host.name} until its own deploy: {alone}.")
        raise


def require_dependencies(steps: Steps, failures: Mapping[str, OpsError]) -> None:
    """Raise `NotReadyError` where a service that this one depends on was to start and did not."""
    target = steps.target
    missing = failures.keys() & dependencies.reached(target.name, target.snapshot.rows())
    if missing:
        raise NotReadyError(
            f"{target.label}: not started, as it depends on {', '.join(sorted(missing))}.",
            hint=f"when that one runs: {target.host.typed.fab('deploy', service=target.name)}",
        )
