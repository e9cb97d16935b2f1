"""The hosts of a fleet that a task was not given: once something is pending they are held, too, to the task's end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial

from galos_ops.config.command_line import addresses, place
from galos_ops.engines.engine import Target
from galos_ops.errors import ConnectError, GuardError, LockedError, OpsError, UsageError
from galos_ops.host.together import together
from galos_ops.migrations import guard
from galos_ops.progress import Report
from galos_ops.workflows.ops import Ops, Services
from galos_ops.workflows.steps import Steps


@dataclass
class Elsewhere:
    """The rest of a fleet while its `members` are held for a task.

    `absent` are the hosts of it, to which there is no connection yet; `connecting` makes another one of an address that
    a marker names. What is held is on the `stack`.
    """

    task: str
    stack: ExitStack
    report: Report
    members: list[Ops]
    absent: list[Ops]
    connecting: Callable[[str], Ops]
    _held: dict[str, Services] = field(default_factory=dict)

    def hold(self, names: Iterable[str], stopping: Collection[str], marked: Iterable[str]) -> list[Steps]:
        """Hold every host that is not held, or none of them, and give the steps for services there.

        `stopping` are those of the services that must not run. `marked` are the hosts that markers name, as -H has
        them. Nothing is waited for, as the members are held meanwhile. Raises `ConnectError`, `LockedError` and
        `NotReadyError`, and `GuardError` where one runs, or another migration than that of the members may go on.
        """
        self._find(marked)
        if not self.absent:
            return []
        self._enter([ops for ops in self.absent if ops.host.name not in self._held])
        chosen = tuple(names)
        works = [(ops.host, partial(self._idle, ops, chosen, stopping)) for ops in self.absent]
        return [steps for found in together(self.report, works) for steps in found]

    def _idle(self, ops: Ops, names: Sequence[str], stopping: Collection[str]) -> list[Steps]:
        found = self._held[ops.host.name](names)
        guard.require_no_running_migration(found[0].target, _typed(self.members))
        running = [one.target.name for one in found if one.target.name in stopping and _runs(one.target)]
        if running:
            whole = replace(ops.host.typed, fleet=_typed(self._every))
            raise GuardError(
                f"{ops.host.name}: {', '.join(running)} would run on there beside a migration; nothing was changed.",
                hint=f"deploy to all of the fleet: {whole.fab('deploy')}",
            )
        return found

    @property
    def _every(self) -> list[Ops]:
        """All hosts of the fleet, those of galos.hosts in its order."""
        order = {place(one): number for number, one in enumerate(addresses(self.members[0].settings.hosts))}
        return sorted([*self.members, *self.absent], key=lambda ops: order.get(ops.host.typed.place, len(order)))

    def _find(self, marked: Iterable[str]) -> None:
        known = {ops.host.typed.place for ops in self._every}
        for address in addresses(",".join(marked)):
            if place(address) not in known:
                known.add(place(address))
                self.absent.append(self.connecting(address))

    def _enter(self, new: list[Ops]) -> None:
        """Connect and lock all or none; from then on the task is one of a fleet, whose markers name the members."""
        for ops in new:
            ops.host.typed = replace(ops.host.typed, fleet=_typed(self._every))
        try:
            with ExitStack() as attempt:
                works = [(ops.host, partial(_beside, attempt, ops, self.task)) for ops in new]
                found = together(self.report, works)
                self.stack.push(attempt.pop_all())
        except LockedError as error:
            require_two_machines(error.together or (error,))
            raise
        self._held |= {ops.host.name: services for ops, services in zip(new, found, strict=True)}
        for ops in self._every:
            ops.host.typed = replace(ops.host.typed, fleet=_typed(self.members))


def _runs(target: Target) -> bool:
    """Whether the service may run on a host, in whatever project."""
    return bool(target.may_run) or any(one.alive for one in target.snapshot.foreign(target.name))


def _typed(hosts: Iterable[Ops]) -> str:
    return ",".join(ops.host.typed.host for ops in hosts)


def _beside(stack: ExitStack, ops: Ops, task: str) -> Services:
    try:
        return stack.enter_context(ops.beside(task))
    except ConnectError as error:
        error.add("It is of the same fleet, and may run a service on the same database; nothing was changed.")
        raise


def require_two_machines(failed: Sequence[OpsError]) -> None:
    """Raise `UsageError` where it is ourselves who hold a host, under another name."""
    for error in failed:
        other = error.ours if isinstance(error, LockedError) else ""
        if other:
            raise UsageError(
                f"{other} and {error.host} are the same machine; nothing was changed.",
                hint="name each Docker host once, after -H or in galos.hosts",
            )
