"""The containers of a service: stopping and deleting them, starting what was checked."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from galos_ops.engines import dependencies
from galos_ops.engines.compose import grace_seconds
from galos_ops.engines.probe import CONTAINER
from galos_ops.engines.probe_output import container
from galos_ops.engines.snapshot import Container, Snapshot
from galos_ops.engines.target import HeldTarget, ReleaseImages, Target, pin
from galos_ops.errors import CommandFailed, GuardError, NotReadyError, VerifyError
from galos_ops.host.host import Host
from galos_ops.host.result import Result
from galos_ops.host.shell import lines
from galos_ops.progress import short

START_SECONDS = 1800  # of which docker-compose may wait for what the service depends on


def look(target: Target) -> list[Container]:
    """The containers of the service, and of the one that carries its migrations, as they are at this moment."""
    return _parsed(target.run(_look(target), doing="look at the containers").stdout)


def _look(target: Target) -> str:
    """A script that tells all of them; one that is gone before it is looked at is none."""
    ids = " ".join(
        f"$(docker ps -aq --no-trunc --filter label=com.docker.compose.service={name} || echo failed)"
        for name in dict.fromkeys((target.name, target.service.migration.service))
    )
    return (
        f'set -- {ids}\ncase " $* " in *" failed "*) exit 1 ;; esac\n'
        f"[ $# = 0 ] || docker inspect -f '{CONTAINER}' \"$@\" 2>/dev/null\ntrue"
    )


def _parsed(output: str) -> list[Container]:
    return [container(line) for line in lines(output)]


def one_offs(target: Target, found: Iterable[Container]) -> list[Container]:
    """Those of some containers that people run with `docker-compose run`, with the service's own environment."""
    services = (target.name, target.service.migration.service)
    ours = re.compile(rf"{re.escape(target.name)}-(migration|check(-[0-9a-f]+)?)")
    return [
        one for one in found if one.oneoff and one.alive and one.service in services and not ours.fullmatch(one.name)
    ]


def require_no_one_offs(target: Target, found: Iterable[Container]) -> None:
    """Raise `NotReadyError` while somebody's one-off container of the service runs, which may use the database."""
    names = " ".join(one.name for one in one_offs(target, found))
    if names:
        raise NotReadyError(
            f"{target.label}: a one-off container of the service runs, and nothing is migrated beside it: {names}; "
            "nothing was changed.",
            hint=f"when its work is done, end it: {target.host.typed.ssh(f'docker stop {names}')}",
        )


def stop(target: Target, found: Iterable[Container]) -> str:
    """Return a script that stops and deletes those of some containers that are the service's own; one-off ones stay."""
    own = " ".join(one.id for one in found if one.service == target.name and not one.oneoff and target.facts.ours(one))
    return f"{_remove(target, own) if own else ''}\n{_look(target)}"


def require_stopped(target: Target, result: Result) -> None:
    """Raise unless the script of `stop` left nothing that runs the service.

    `CommandFailed` for a container of this project, `NotReadyError` for a foreign one.
    """
    left = [one for one in _parsed(result.stdout) if one.service == target.name and one.alive and not one.oneoff]
    mine, others = (" ".join(one.name for one in left if target.facts.ours(one) is known) for known in (True, False))
    if mine:
        raise CommandFailed(
            f"{target.label}: {mine} still runs after it was stopped.",
            evidence=result.stderr,
            hint=f"see why, then stop it: {target.host.typed.ssh(f'docker stop {mine}')}",
        )
    if others:
        raise NotReadyError(
            f"{target.label}: a container that is not this project's still runs the service: {others}.",
            hint=target.host.typed.ssh(f"docker stop {others}"),
        )


def _remove(target: Target, identities: str) -> str:
    """A script that stops containers, with the time that the compose file gives them, and deletes them."""
    grace = grace_seconds(target.facts.rows().get(target.name, {}))
    return f"docker stop{'' if grace is None else f' -t {grace}'} {identities} >&2; docker rm -f {identities} >&2"


def up(target: HeldTarget, images: ReleaseImages) -> Container:
    """Start the images that were checked, whatever their tags mean by now; raises `VerifyError` and `GuardError`."""
    image, pinned, depended = images.service.id, pin(images), dependencies.script(target)
    result = target.change(
        "\n".join(
            (
                *([pinned, *depended] if depended else []),
                pinned,  # once more: what the service depends on may have taken minutes
                f"{target.compose.up(target.name)} >&2 || exit 1",
                _look(target),
            )
        ),
        doing="start",
        check=False,
        timeout=START_SECONDS,
    )
    found = _parsed(result.stdout) if result.ok else []
    ours = [one for one in found if one.service == target.name and not one.oneoff and target.facts.ours(one)]
    if not ours:
        raise VerifyError(f"{target.label}: docker-compose could not start {short(image)}.", evidence=result.output)
    if ours[0].image != image:
        target.change(_remove(target, ours[0].id), doing="stop")
        raise GuardError(
            f"{target.label}: docker-compose started {short(ours[0].image)}, not the {short(image)} that was "
            "checked, and was stopped again.",
            hint="remove pull_policy and build from the compose file",
        )
    return ours[0]


def start(target: HeldTarget, one: Container) -> None:
    """Start the containers of the service that have the image of this one, whatever its tag means by now."""
    same = [each.id for each in target.facts.of(target.name) if each.image == one.image]
    target.change("\n".join([*dependencies.script(target), f"docker start {' '.join(same)} >/dev/null"]), doing="start")


def as_configured(target: Target, one: Container) -> bool:
    """Whether docker-compose would leave a container of the right image as it is."""
    label = '{{index .Config.Labels "com.docker.compose.config-hash"}}'
    asked = target.run(
        f"docker inspect -f '{label}' {one.id} && {target.compose.hash(target.name)}",
        doing="compare the container with its configuration",
        check=False,
    )
    made, _, now = asked.stdout.strip().partition("\n")
    return bool(made) and now.rpartition(" ")[2] == made


def digests(host: Host, facts: Snapshot) -> set[str]:
    """The registry digests of the images that run."""
    images = {one.image for one in facts.containers if one.alive}
    if not images:
        return set()
    form = '{{join .RepoDigests " "}}'
    result = host.run(f"docker image inspect -f {shlex.quote(form)} {' '.join(images)}", doing="look at the images")
    return {reference.partition("@")[2] for reference in result.stdout.split()}
