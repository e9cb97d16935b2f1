"""The time in which services are down for a migration, and what a failure in it says and mends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone

from galos_ops.errors import ConnectError, LockedError, OpsError
from galos_ops.workflows.on_hosts import on_hosts
from galos_ops.workflows.steps import Steps

Restart = type[OpsError] | tuple[type[OpsError], ...]
"""After which failures what ran before starts again."""


@dataclass(frozen=True)
class Stop:
    """Services that stop together, in the order in which they start again; `at` is monotonic, `since` UTC."""

    services: Sequence[Steps]
    at: float
    since: str

    @staticmethod
    def now(services: Sequence[Steps]) -> Stop:
        return Stop(services, time.monotonic(), f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}")

    @staticmethod
    def left(services: Sequence[Steps]) -> Stop:
        """Return those that an earlier run stopped for a migration and left down."""
        left = [one for one in services if one.target.name in one.target.snapshot.stopped and not one.target.running]
        return Stop([one for one in left if not one.target.host.dry], 0.0, "an earlier run")

    @contextmanager
    def reported(self, restart: Restart = ()) -> Iterator[None]:
        """Do as `failures` does, and say of an interrupt as well that the services are down."""
        with self.interrupts("Down"), self.failures(restart):
            yield

    @contextmanager
    def interrupts(self, state: str) -> Iterator[None]:
        """Say of an interrupt, behind what it tells already, which state the services are in."""
        try:
            yield
        except KeyboardInterrupt as interrupt:
            raise interrupt if isinstance(interrupt, Told) else self.interrupted(state, *interrupt.args) from None

    @contextmanager
    def failures(self, restart: Restart = ()) -> Iterator[None]:
        """Add to a failure since when the services are down; after a `restart` one, start what ran before again.

        Of a host that cannot be reached, or is not ours any more, nobody knows. An interrupt restarts nothing.
        """
        try:
            yield
        except OpsError as error:
            here = self.services[0].target.host.name if self.services else ""
            failed = error.together or (error,)
            lost = {one.host or here for one in failed if isinstance(one, ConnectError | LockedError)}
            down = [steps for steps in self.services if steps.target.host.name not in lost]
            unknown = [steps for steps in self.services if steps.target.host.name in lost]
            if isinstance(error, restart):
                again = self._restarted([one for one in down if one.target.previous_image], error)
                down = [one for one in down if one.target.stopped_image and one not in again]
            if down and not down[0].target.host.dry:
                error.add(self._said("Down", down))
            if unknown:
                error.add(self._said("Perhaps down", unknown))
            raise

    def _restarted(self, ran: Sequence[Steps], error: OpsError) -> list[Steps]:
        """Start what ran before again, say what came of it, and return the services that run."""
        try:
            found = on_hosts(ran, lambda steps: steps.restart_previous())
        except KeyboardInterrupt as interrupt:
            raise self.interrupted("Perhaps down", error.sentence, *interrupt.args) from None
        for one, its in zip(ran, found, strict=True):
            error.add(f"{named([one])}: {its.state}.")
        return [one for one, its in zip(ran, found, strict=True) if its.runs]

    def interrupted(self, state: str, *before: str) -> KeyboardInterrupt:
        """The interrupt that tells, behind what came `before`, of the services that are to stop together."""
        if not self.services or self.services[0].target.host.dry:
            return KeyboardInterrupt(*before)
        return Told(*before, self._said(state, self.services))

    def _said(self, state: str, services: Sequence[Steps]) -> str:
        """Say since when services are down: those that an earlier run left so, since then."""
        since: dict[str, list[Steps]] = {}
        for one in services:
            since.setdefault(one.target.stopped_at or self.since, []).append(one)
        return " ".join(f"{state} since {when}: {named(its)}." for when, its in since.items())


class Told(KeyboardInterrupt):
    """An interrupt that says whether services are down."""


def named(services: Sequence[Steps]) -> str:
    """The names of services; of those on several hosts with their hosts."""
    alone = "," not in services[0].target.host.typed.fleet
    return ", ".join(
        steps.target.name if alone else f"{steps.target.name} on {steps.target.host.name}" for steps in services
    )
