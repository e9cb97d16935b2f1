"""The container of a service: what runs, stopping and deleting it, starting what was checked."""

from __future__ import annotations

import shlex

from galos_ops import guard
from galos_ops.errors import CommandFailed, GuardError, NotReadyError, VerifyError
from galos_ops.facts import CONTAINER, Container, Facts, container
from galos_ops.host import Host
from galos_ops.report import SAME, Report, short
from galos_ops.shell import lines
from galos_ops.unit import Images, Unit, local_images, pin


def running(unit: Unit) -> Container | None:
    """The service's container, when it runs."""
    return next((one for one in unit.facts.of(unit.name) if one.alive), None)


def down(unit: Unit) -> None:
    """Stop and delete the service's container; raises `NotReadyError` while another container of it runs."""
    mine = f"--filter label=com.docker.compose.service={unit.name}"
    result = unit.change(
        f"{unit.compose.remove(unit.name)} >&2\ndocker ps {mine} --format '{{{{.Names}}}}'", doing="stop"
    )
    left = [name for name in result.stdout.split() if not name.startswith(f"{unit.name}-check-")]
    if left:
        raise NotReadyError(
            f"{unit.label}: a container that is not this project's still runs the service: {', '.join(left)}.",
            hint=f"stop it on the host: docker stop {' '.join(left)}",
        )


def up(unit: Unit, report: Report, images: Images, before: Container | None) -> Container:
    """Start the images that were checked, whatever their tags mean by now; raises `VerifyError` and `GuardError`."""
    image = next(iter(images.values()))
    mine = f"--filter label=com.docker.compose.service={unit.name} --filter label=com.docker.compose.oneoff=False"
    with report.step("up", short(image)) as step:
        result = unit.change(
            f"{pin(images)}\n{unit.compose.up([unit.name])} >&2 || exit 1\n"
            f"docker ps -aq --no-trunc {mine} | xargs -r docker inspect -f '{CONTAINER}'",
            doing="start",
            check=False,
        )
        found = [container(line) for line in lines(result.stdout)] if result.ok else []
        ours = [one for one in found if unit.facts.ours(one)]
        if not ours:
            raise VerifyError(f"{unit.label}: docker-compose could not start {short(image)}.", evidence=result.output)
        after = ours[0]
        if after.image != image:
            unit.change(unit.compose.remove(unit.name), doing="stop")
            raise GuardError(
                f"{unit.label}: docker-compose started {short(after.image)}, not the {short(image)} that was checked, "
                "and was stopped again.",
                hint="remove pull_policy and build from the compose file",
            )
        if before and before.id == after.id:
            step.detail, step.mark = f"{short(image)} already runs", SAME
    return after


def start(unit: Unit, report: Report) -> Container:
    """Start the stopped container with the image it has, after asking that image; raises `GuardError`.

    The tag may mean a newer image by now, so it is pointed at the container's own for as long as the check takes.
    """
    found, own = startable(unit)
    tagged = local_images(unit)
    if not guard.passed(unit, own):
        answer = guard.check(unit, own)
        if tagged and tagged != own:
            unit.change(pin(tagged), doing="point the tag at the newer image again")
        if answer.state != "clean":
            raise guard.refuse(unit, answer)
    with report.step("start", short(found.image)) as step:
        if found.state == "running":
            step.detail, step.mark = f"{short(found.image)} already runs", SAME
        unit.change(unit.compose.start([unit.name]), doing="start")
    return found


def startable(unit: Unit) -> tuple[Container, Images]:
    """The service's container, and the images it stands for; raises `CommandFailed` where there is none."""
    found = unit.facts.of(unit.name)
    if not found:
        raise CommandFailed(f"{unit.label}: there is no container to start.", hint=f"fab -H {unit.host.name} up")
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
