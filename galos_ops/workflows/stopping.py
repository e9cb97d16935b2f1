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
    def reported(self, restart: type[OpsError] | tuple[type[OpsError], ...] = ()) -> Iterator[None]:
        """Add to a failure since when the services are down; after a `restart` one, start what ran before again.

        Of a host that cannot be reached, or is not ours any more, nobody knows.
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
                ran = [steps for steps in down if steps.target.previous_image]
                states = on_hosts(ran, lambda steps: steps.restart_previous())
                if ran:
                    error.add(" ".join(f"{named([steps])}: {state}." for steps, state in zip(ran, states, strict=True)))
            elif down:
                error.add(f"Down since {self.since}: {named(down)}.")
            if unknown:
                error.add(f"Perhaps down since {self.since}: {named(unknown)}.")
            raise


def named(services: Sequence[Steps]) -> str:
    """The names of services; of those on several hosts with their hosts."""
    alone = not services[0].target.host.typed.fleet
    return ", ".join(
        steps.target.name if alone else f"{steps.target.name} on {steps.target.host.name}" for steps in services
    )
