"""The container of a service: what runs, stopping and deleting it, starting what was checked."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from galos_ops.engines import dependencies
from galos_ops.engines.compose import grace_seconds
from galos_ops.engines.facts import CONTAINER, Container, Facts, container
from galos_ops.engines.target import Images, Unit, local_images, pin
from galos_ops.errors import CommandFailed, GuardError, NotReadyError, VerifyError
from galos_ops.host.host import Host
from galos_ops.host.shell import lines
from galos_ops.migrations import guard
from galos_ops.progress import SAME, Report, short

START_SECONDS = 1800  # of which docker-compose may wait for what the service depends on


def running(unit: Unit) -> Container | None:
    """The service's container, when it runs."""
    return next((one for one in unit.facts.of(unit.name) if one.alive), None)


def look(unit: Unit) -> list[Container]:
    """The containers of the service, and of the one that carries its migrations, as they are at this moment."""
    return _parsed(unit.run(_look(unit), doing="look at the containers").stdout)


def _look(unit: Unit) -> str:
    """A script that tells all of them; one that is gone before it is looked at is none."""
    ids = " ".join(
        f"$(docker ps -aq --no-trunc --filter label=com.docker.compose.service={name} || echo failed)"
        for name in dict.fromkeys((unit.name, unit.service.migration.service))
    )
    return (
        f'set -- {ids}\ncase " $* " in *" failed "*) exit 1 ;; esac\n'
        f"[ $# = 0 ] || docker inspect -f '{CONTAINER}' \"$@\" 2>/dev/null\ntrue"
    )


def _parsed(output: str) -> list[Container]:
    return [container(line) for line in lines(output)]


def one_offs(unit: Unit, found: Iterable[Container]) -> list[Container]:
    """Those of some containers that people run with `docker-compose run`, with the service's own environment."""
    services = (unit.name, unit.service.migration.service)
    ours = re.compile(rf"{re.escape(unit.name)}-(migration|check(-[0-9a-f]+)?)")
    return [
        one for one in found if one.oneoff and one.alive and one.service in services and not ours.fullmatch(one.name)
    ]


def require_no_one_offs(unit: Unit, found: Iterable[Container]) -> None:
    """Raise `NotReadyError` while somebody's one-off container of the service runs, which may use the database."""
    names = " ".join(one.name for one in one_offs(unit, found))
    if names:
        raise NotReadyError(
            f"{unit.label}: a one-off container of the service runs, and nothing is migrated beside it: {names}; "
            "nothing was changed.",
            hint=f"when its work is done, end it: {unit.host.typed.ssh(f'docker stop {names}')}",
        )


def down(unit: Unit, found: Iterable[Container]) -> None:
    """Stop and delete those of some containers that are the service's own, by their IDs; one-off ones stay.

    Raises `CommandFailed` while one of them still runs after that, and `NotReadyError` while a stranger's does.
    """
    own = " ".join(one.id for one in found if one.service == unit.name and not one.oneoff and unit.facts.ours(one))
    result = unit.change(f"{_remove(unit, own) if own else ''}\n{_look(unit)}", doing="stop")
    left = [one for one in _parsed(result.stdout) if one.service == unit.name and one.alive and not one.oneoff]
    mine, others = (" ".join(one.name for one in left if unit.facts.ours(one) is known) for known in (True, False))
    if mine:
        raise CommandFailed(
            f"{unit.label}: {mine} still runs after it was stopped.",
            evidence=result.stderr,
            hint=f"see why, then stop it: {unit.host.typed.ssh(f'docker stop {mine}')}",
        )
    if others:
        raise NotReadyError(
            f"{unit.label}: a container that is not this project's still runs the service: {others}.",
            hint=unit.host.typed.ssh(f"docker stop {others}"),
        )


def _remove(unit: Unit, identities: str) -> str:
    """A script that stops containers, with the time that the compose file gives them, and deletes them."""
    grace = grace_seconds(unit.facts.rows().get(unit.name, {}))
    return f"docker stop{'' if grace is None else f' -t {grace}'} {identities} >&2; docker rm -f {identities} >&2"


def up(unit: Unit, report: Report, images: Images, before: Container | None) -> Container:
    """Start the images that were checked, whatever their tags mean by now; raises `VerifyError` and `GuardError`."""
    image = next(iter(images.values()))
    pinned, depended = pin(images), dependencies.script(unit)
    with report.step("up", short(image)) as step:
        result = unit.change(
            "\n".join(
                (
                    *([pinned, *depended] if depended else []),
                    pinned,  # once more: what the service depends on may have taken minutes
                    f"{unit.compose.up(unit.name)} >&2 || exit 1",
                    _look(unit),
                )
            ),
            doing="start",
            check=False,
            timeout=START_SECONDS,
        )
        found = _parsed(result.stdout) if result.ok else []
        ours = [one for one in found if one.service == unit.name and not one.oneoff and unit.facts.ours(one)]
        if not ours:
            raise VerifyError(f"{unit.label}: docker-compose could not start {short(image)}.", evidence=result.output)
        after = ours[0]
        if after.image != image:
            unit.change(_remove(unit, after.id), doing="stop")
            raise GuardError(
                f"{unit.label}: docker-compose started {short(after.image)}, not the {short(image)} that was checked, "
                "and was stopped again.",
                hint="remove pull_policy and build from the compose file",
            )
        if before and before.id == after.id:
            step.detail, step.mark = f"{short(image)} already runs", SAME
    return after


def start(unit: Unit, report: Report) -> Container:
    """Start the stopped container with the image it has, whatever its tag means; raises `GuardError`."""
    found, own = startable(unit)
    if not guard.passed(unit, own):
        answer = guard.check(unit, own)
        if answer.state != "clean":
            raise guard.refuse(unit, answer)
    with report.step("start", short(found.image)) as step:
        if found.state == "running":
            step.detail, step.mark = f"{short(found.image)} already runs", SAME
        same = [one.id for one in unit.facts.of(unit.name) if one.image == found.image]
        depended = dependencies.script(unit)
        unit.change("\n".join([*depended, f"docker start {' '.join(same)} >/dev/null"]), doing="start")
    return found


def startable(unit: Unit) -> tuple[Container, Images]:
    """The service's container, and the images it stands for; raises `CommandFailed` where there is none."""
    found = unit.facts.of(unit.name)
    if not found:
        raise CommandFailed(f"{unit.label}: there is no container to start.", hint=unit.host.typed.fab("up"))
    return found[0], {**(local_images(unit) or {}), unit.references()[0]: found[0].image}


def as_configured(unit: Unit, one: Container) -> bool:
    """Whether docker-compose would leave a container of the right image as it is."""
    label = '{{index .Config.Labels "com.docker.compose.config-hash"}}'
    asked = unit.run(
        f"docker inspect -f '{label}' {one.id} && {unit.compose.hash(unit.name)}",
        doing="compare the container with its configuration",
        check=False,
    )
    made, _, now = asked.stdout.strip().partition("\n")
    return bool(made) and now.rpartition(" ")[2] == made


def digests(host: Host, facts: Facts) -> set[str]:
    """The registry digests of the images that run."""
    images = {one.image for one in facts.containers if one.alive}
    if not images:
        return set()
    form = '{{join .RepoDigests " "}}'
    result = host.run(f"docker image inspect -f {shlex.quote(form)} {' '.join(images)}", doing="look at the images")
    return {reference.partition("@")[2] for reference in result.stdout.split()}
