"""The docker-compose verbs of the runbook: starting, stopping and updating the image."""

from __future__ import annotations

from galos_ops import containers, guard
from galos_ops import deploy as deployment
from galos_ops.host_task import Ops, host_task
from galos_ops.tasks.options import SERVICE
from galos_ops.unit import Images, Unit, local_images
from galos_ops.verify import verify

STOP_SECONDS = 600


@host_task(SERVICE)
def pull(ops: Ops, service: str | None = None) -> None:
    """Updating: docker-compose pull; the running container stays as it is.

    up or deploy starts what was pulled. Exit 1 when it cannot be pulled; ecr.check then says why.
    """
    for unit in ops.units(service):
        ops.report.title(ops.host.name, unit.name)
        deployment.pull(unit, ops.report, containers.running(unit))


@host_task(SERVICE)
def up(ops: Ops, service: str | None = None) -> None:
    """Starting: docker-compose up -d, once the image said that no migration is pending.

    Pulls only an image that the host does not have. Exit 5 while a migration is pending or unknown, which deploy runs;
    4 while another task holds the host; 7 when the container does not stay up.
    """
    with ops.locked("up", service):
        for unit in ops.units(service):
            ops.report.title(ops.host.name, unit.name)
            guard.alone(unit)
            guard.nobody_migrates(unit)
            before = containers.running(unit)
            images = present(ops, unit)
            answer = deployment.pending(unit, ops.report, images)
            if answer.state != "clean":
                raise guard.refuse(unit, answer)
            after = containers.up(unit, ops.report, images, before)
            verify(unit, ops.report, after, settled=before is not None and before.id == after.id)


def present(ops: Ops, unit: Unit) -> Images:
    """The images that `up` would start; pulled where the host does not have them."""
    return local_images(unit) or deployment.pull(unit, ops.report, containers.running(unit))


@host_task(SERVICE)
def start(ops: Ops, service: str | None = None) -> None:
    """Starting: docker-compose start, a stopped container with the image it has, once that image was asked.

    Exit codes as those of up; 1 when there is no container.
    """
    with ops.locked("start", service):
        for unit in ops.units(service):
            ops.report.title(ops.host.name, unit.name)
            guard.alone(unit)
            guard.nobody_migrates(unit)
            verify(unit, ops.report, containers.start(unit, ops.report), settled=False)


@host_task(SERVICE)
def stop(ops: Ops, service: str | None = None) -> None:
    """Stopping: docker-compose stop; the container is kept, and start starts it again.

    Takes no lock: it works while somebody deploys.
    """
    line = ops.ready(ops.facts())
    with ops.report.step("stop"):
        ops.host.run(line.here(line.stop(ops.settings.chosen(service))), doing="stop", timeout=STOP_SECONDS)


@host_task(SERVICE)
def down(ops: Ops, service: str | None = None) -> None:
    """Stopping: docker-compose down; the container is deleted, and up or deploy makes a new one.

    With --service only that service's container; without, the whole project and its network. Takes no lock.
    """
    line = ops.ready(ops.facts())
    script = line.remove(next(iter(ops.settings.chosen(service)))) if service else line.down()
    with ops.report.step("down"):
        ops.host.run(line.here(script), doing="stop", timeout=STOP_SECONDS)
