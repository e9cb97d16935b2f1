"""Several hosts of one task: their locks all or none, what they have in common, each service on all of them at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from galos_ops.engines import databases
from galos_ops.engines.engine import Target
from galos_ops.engines.snapshot import probe
from galos_ops.errors import LockedError, NotReadyError
from galos_ops.host.together import together
from galos_ops.progress import Report
from galos_ops.workflows.elsewhere import Elsewhere, require_two_machines
from galos_ops.workflows.ops import Ops, Parts
from galos_ops.workflows.steps import Group, Steps

Take = Callable[[Ops, int], AbstractContextManager[Iterator[Group]]]


@dataclass(frozen=True)
class Fleet:
    """What the body of a task gets that works on all its hosts together; one host is a fleet of one.

    `absent` are the hosts of `galos.hosts` that are not among them, with no connection yet; `connecting` makes another
    one of an address.
    """

    members: Sequence[Ops]
    absent: Sequence[Ops]
    report: Report
    connecting: Callable[[str], Ops]

    @contextmanager
    def locked_groups(
        self, task: str, service: str | None, wait: int | None = None, parts: Parts = probe.PROJECT
    ) -> Iterator[Iterator[Group]]:
        """Hold every host or none, and give the services that are taken together, on all hosts.

        Raises `LockedError` as one host does, and `UsageError` for one machine under two names.
        """
        seconds = self.members[0].settings.lock.wait if wait is None else wait
        with ExitStack() as stack:

            def take(member: Ops, wait: int) -> AbstractContextManager[Iterator[Group]]:
                return member.locked_groups(task, service, wait, parts)

            found = _hold(stack, self.report, self.members, take, seconds)
            rest = Elsewhere(task, stack, self.report, list(self.members), list(self.absent), self.connecting)
            yield self._merged(found, rest)

    def publish(self, row: dict[str, Any]) -> None:
        """Add what --json says of a service to what it says of its host."""
        [member] = [one for one in self.members if one.host.name == row["host"]]
        member.document.setdefault("services", []).append(row)

    def _merged(self, parts: Sequence[Iterator[Group]], rest: Elsewhere) -> Iterator[Group]:
        """Join what each host has of the same services; raises `NotReadyError` where they differ too much for that."""
        works = [(member.host, partial(next, part, None)) for member, part in zip(self.members, parts, strict=True)]
        while groups := [group for group in together(self.report, works) if group]:
            _require_same_services(groups)
            merged = Group(
                [steps for group in groups for steps in group.chosen],
                [steps for group in groups for steps in group.others],
                rest.hold,
            )
            _require_one_database(merged.all)
            yield merged


def _hold(stack: ExitStack, report: Report, members: Sequence[Ops], take: Take, wait: int) -> list[Iterator[Group]]:
    """Enter `stack` with what `take` gives of every member, in their order, or with none of it.

    Everybody takes the same host first, whatever the order that was typed, and then the others at once: so one of
    many that begin together gets them all. While a host is waited for, at most `wait` seconds, nothing else is held.
    """
    deadline = time.monotonic() + wait
    first = min(members, key=lambda member: member.host.fingerprint)
    while True:
        rest = [member for member in members if member is not first]
        left = max(0, round(deadline - time.monotonic()))
        try:
            with ExitStack() as attempt:
                enter = {
                    member.host.name: partial(_enter, attempt, take, member, left if member is first else 0)
                    for member in members
                }
                works = [(member.host, enter[member.host.name]) for member in (first, *rest)]
                found = together(report, works[:1]) + together(report, works[1:])
                stack.push(attempt.pop_all())
            names = [host.name for host, _ in works]
            return [found[names.index(member.host.name)] for member in members]
        except LockedError as error:
            failed = error.together or (error,)
            require_two_machines(failed)
            if failed[0].host == first.host.name or time.monotonic() >= deadline:
                raise
            first = next(member for member in rest if member.host.name == failed[0].host)


def _enter(stack: ExitStack, take: Take, member: Ops, wait: int) -> Iterator[Group]:
    return stack.enter_context(take(member, wait))


def _require_same_services(groups: Sequence[Group]) -> None:
    """Raise `NotReadyError` unless the hosts take the same services together."""
    first = groups[0].chosen[0].target
    names = {steps.target.name for steps in groups[0].all}
    for group in groups[1:]:
        target = group.chosen[0].target
        if {steps.target.name for steps in group.all} != names:
            raise NotReadyError(
                f"{first.host.name} and {target.host.name} differ in which services share a database; "
                "nothing was changed.",
                hint=f"make their compose files and .env alike: {target.host.typed.fab('env.diff')}",
            )


def _require_one_database(services: Sequence[Steps]) -> None:
    """Raise `NotReadyError` unless a service that migrates has one and the same database on all hosts."""
    found: dict[str, Target] = {}
    for target in (steps.target for steps in services if steps.target.service.migration.tool != "none"):
        first = found.setdefault(target.name, target)
        if first is target:
            continue
        mine, theirs = (databases.used(one.snapshot, one.name) for one in (first, target))
        if mine != theirs:
            raise NotReadyError(
                f"{target.name} has another database on {target.host.name} than on {first.host.name}, so they are no "
                "fleet; nothing was changed.",
                hint=f"deploy them one by one, or correct DATABASE_URL: {target.host.typed.fab('env.diff')}",
            )
        if local := databases.local(target.snapshot, target.name):
            raise NotReadyError(
                f"{target.name} finds its database at {local}, which is another one on each host; nothing was changed.",
                hint="give DATABASE_URL an address that means the same server on every host",
            )
