"""The docker-compose verbs of the runbook: starting, stopping and updating the image."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from galos_ops.errors import OpsError
from galos_ops.progress import SAME, WOULD
from galos_ops.tasks.host_task import DRY, SERVICE, host_task

KILL = {"kill-migration": "end a migration that runs, too"}

if TYPE_CHECKING:
    from galos_ops.engines.engine import Target
    from galos_ops.engines.snapshot.snapshot import Container
    from galos_ops.host.release_log import Event
    from galos_ops.workflows.ops import Ops


@host_task(SERVICE | DRY)
def pull(ops: Ops, service: str | None = None, *, dry_run: bool = False) -> None:
    """Updating: docker-compose pull; the running container stays as it is.

    up or deploy starts what was pulled. Exit 1 when it cannot be pulled; ecr.check then says why.
    """
    from galos_ops.workflows.steps import pull
    from galos_ops.workflows.telling import Telling

    for target in ops.titled(service):
        if dry_run:
            Telling(target, ops.report).pull()
        else:
            pull(target, ops.report)


@host_task(SERVICE | DRY)
def up(ops: Ops, service: str | None = None, *, dry_run: bool = False) -> None:
    """Starting: docker-compose up -d, once the image said that no migration is pending.

    Pulls only an image that the host does not have. Exit 5 while a migration is pending or unknown, which deploy runs;
    4 while another task holds the host or somebody holds deploys back; 7 when the container does not stay up: then what
    ran before starts again.
    An image that is not the last one of the release log is recorded there.
    """
    from galos_ops.workflows import lifecycle

    with ops.locked("up", service) as services:
        for steps in services:
            lifecycle.up(steps)


@host_task(SERVICE | DRY)
def start(ops: Ops, service: str | None = None, *, dry_run: bool = False) -> None:
    """Starting: docker-compose start, a stopped container with the image it has, once that image was asked.

    Exit codes as those of up; 1 when there is no container.
    """
    from galos_ops.workflows import lifecycle

    with ops.locked("start", service) as services:
        for steps in services:
            lifecycle.start(steps)


@host_task(SERVICE | DRY | KILL)
def stop(ops: Ops, service: str | None = None, kill_migration: bool = False, *, dry_run: bool = False) -> None:
    """Stopping: docker-compose stop; the container is kept, and start starts it again.

    Exit 5 while a migration of the service runs, unless it is to be ended, too. Takes no lock: it works while somebody
    deploys.
    """
    from galos_ops.host.release_log import entry, note

    target, chosen = next(ops.targets(service)), ops.settings.chosen(service)
    end_migrations(ops, target, chosen, kill=kill_migration)
    if dry_run:
        report_containers(ops, "stop", [one for name in chosen for one in target.snapshot.of(name) if one.alive])
        return
    with ops.report.step("stop"), halfway("stop", ops, target, chosen):
        logged = "\n".join(note(entry("stop", "", name)) for name in chosen)
        stop_all(target, f"{target.engine.stop(chosen)} || exit\n{logged}")


@host_task(SERVICE | DRY | KILL)
def down(ops: Ops, service: str | None = None, kill_migration: bool = False, *, dry_run: bool = False) -> None:
    """Stopping: docker-compose down; the container is deleted, and up or deploy makes a new one.

    With --service only that service's container; without, the whole project and its network. Exit 5 while a migration
    of the service runs, unless it is to be ended, too. Takes no lock.
    """
    from galos_ops.engines.stopped import forget
    from galos_ops.host.release_log import entry, note

    target, chosen = next(ops.targets(service)), ops.settings.chosen(service)
    end_migrations(ops, target, chosen, kill=kill_migration)
    names = target.snapshot.services() if service is None else (service,)
    if dry_run:
        report_containers(ops, "down", [one for name in names for one in target.snapshot.of(name)])
        return
    with ops.report.step("down"), halfway("down", ops, target, names):
        done = "\n".join((forget(chosen), note(entry("down", "", service or ""))))
        if service is None:
            stop_all(target, f"{target.engine.down()} || exit\n{done}")
        else:
            target.engine.remove(target, target.engine.look(target))
            target.unlocked(done, doing="note that it is down for good")


@contextmanager
def halfway(event: Event, ops: Ops, target: Target, services: Collection[str]) -> Iterator[None]:
    """Log of a stop that fails which containers of services ran before it and run no more."""
    from galos_ops.engines.snapshot.snapshot import names

    ran = [one for name in services for one in target.snapshot.of(name) if one.alive]
    with ops.noted(event) as done:
        try:
            yield
        except OpsError:
            with suppress(OpsError):  # of a host that does not answer nobody knows
                now = ops.snapshot()
                alive = {one.id for one in now.containers if one.alive}
                gone = [one for one in ran if one.id not in alive]
                done += [f"failed; down by then: {names(gone)}"] if gone and now.engine else []
            raise


def stop_all(target: Target, script: str) -> None:
    """Run a script of the engine that stops services; raises what the engine makes of its failure."""
    result = target.unlocked(script, doing="stop", check=False)
    if not result.ok:
        raise target.engine.still_runs_error(target, result)


def end_migrations(ops: Ops, target: Target, services: Collection[str], *, kill: bool) -> None:
    """End the migrations of services that run, or raise `GuardError` where nobody asked for that."""
    from galos_ops.migrations import guard, runner

    found = guard.migrating(target, services)
    if found and not kill:
        raise guard.migration_runs_error(target, found)
    for one in found:
        with ops.report.step("kill", one.migrator) as step:
            if ops.host.dry:
                step.mark = WOULD
            else:
                runner.kill(one)


def report_containers(ops: Ops, step: str, found: Sequence[Container]) -> None:
    """Show which containers a dry run of `stop` or `down` is about."""
    names = ", ".join(one.name for one in found)
    with ops.report.step(step, names or "nothing to do: no container is there") as line:
        line.mark = WOULD if names else SAME
