"""The tasks, thin: parse, call, report. `namespace()` is the collection for a tasks.py of one's own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from invoke.collection import Collection

from galos_ops import compose, containers, dotenv_file, ecr, guard
from galos_ops import deploy as deployment
from galos_ops import rollback as rolling_back
from galos_ops.configuration import check_environment, configuration, defaults
from galos_ops.errors import GuardError, UsageError, masked
from galos_ops.facts import ENGINE, Facts
from galos_ops.host import Change, shell_path
from galos_ops.host_task import Ops, host_task, whole
from galos_ops.report import SAME, WARN
from galos_ops.settings import TAG
from galos_ops.unit import Images, Unit, local_images
from galos_ops.verify import verify

SERVICE = {"service": "one service of galos.services; without it, all of them"}
JSON = {"json": "one JSON document on standard output, everything else on standard error"}
FOLLOW_SECONDS = 24 * 3600
STOP_SECONDS = 600


def change(ops: Ops, name: str, make: Callable[[], Change]) -> bool:
    """Run a step that is safe to repeat and report it; true when it changed the host."""
    with ops.report.step(name) as step:
        done = make()
        step.detail, step.mark = done.detail, step.mark if done.changed else SAME
    return done.changed


@host_task()
def setup(ops: Ops) -> None:
    """Prepare a host: ECR access, service configuration, compose file; the second run changes nothing."""
    host, settings = ops.host, ops.settings
    host.run(f"umask 077; mkdir -p -- {shell_path(settings.directory)}", doing=f"make {settings.directory}")
    facts = ops.facts(ENGINE)
    ops.report.title(host.name, "setup")
    steps: dict[str, Callable[[], Change]] = {
        "ecr.credentials": lambda: ecr.credentials(host, settings),
        "ecr.region": lambda: ecr.region(host, settings),
        "ecr.helper": lambda: ecr.helper(host),
        "ecr.docker-config": lambda: ecr.docker_config(host, settings),
        "env.push": lambda: push_environment(ops, facts),
        "compose file": lambda: compose_file(ops, facts),
        "ecr.check": lambda: ecr.check(host, settings, settings.services),
    }
    ops.report.width = max(map(len, steps))
    changed = [change(ops, name, make) for name, make in steps.items()]
    ops.report.say("the host is ready" if any(changed) else "nothing to do: the host was ready already")


def push_environment(ops: Ops, facts: Facts) -> Change:
    """`env.push`, except where there is nothing to send and the host has its own .env already."""
    if facts.environment and not Path(ops.settings.env_file).exists():
        return Change(False, f"no {ops.settings.env_file} here; the host keeps its own")
    return dotenv_file.push(ops.host, ops.settings)


def compose_file(ops: Ops, facts: Facts) -> Change:
    """A compose file for the configured services where the host has none; one that is there stays as it is."""
    if facts.compose_file:
        return Change(False, f"{facts.compose_file} is there")
    images = {name: ops.settings.image(service) for name, service in ops.settings.services.items()}
    ops.host.write(f"{ops.settings.directory}/{compose.FILE}", compose.render(images), mode=0o644)
    return Change(True, f"{compose.FILE} written")


@host_task()
def credentials(ops: Ops) -> None:
    """Place the keys of a local AWS profile in the host's ~/.aws/credentials, once AWS has accepted them."""
    change(ops, "ecr.credentials", lambda: ecr.credentials(ops.host, ops.settings))


@host_task()
def region(ops: Ops) -> None:
    """Set the region of the registry in the host's ~/.aws/config."""
    change(ops, "ecr.region", lambda: ecr.region(ops.host, ops.settings))


@host_task()
def helper(ops: Ops) -> None:
    """Install the ECR credential helper with the host's package manager, where it is missing."""
    change(ops, "ecr.helper", lambda: ecr.helper(ops.host))


@host_task()
def docker_config(ops: Ops) -> None:
    """Merge the credential helper into the host's ~/.docker/config.json."""
    change(ops, "ecr.docker-config", lambda: ecr.docker_config(ops.host, ops.settings))


@host_task(SERVICE)
def check(ops: Ops, service: str | None = None) -> None:
    """Prove from the host that the registry lets it in."""
    chosen = ops.settings.chosen(service)
    change(ops, "ecr.check", lambda: ecr.check(ops.host, ops.settings, chosen))


@host_task(SERVICE | JSON | {"limit": "how many images to list for each service"})
def images(ops: Ops, service: str | None = None, limit: str = "10", json: bool = False) -> None:
    """List the newest images of the repository, asked with the local AWS profile; `*` marks the one that runs."""
    running = containers.digests(ops.host, ops.facts(()))
    for name, row in ops.settings.chosen(service).items():
        ops.report.title(ops.host.name, name)
        found = ecr.images(ops.settings, row, limit=whole("--limit", limit))
        ops.document[name] = [
            asdict(one) | {"pushed_at": one.pushed_at.isoformat(), "runs": one.digest in running} for one in found
        ]
        for one in found:
            mark = "*" if one.digest in running else " "
            pushed, size = f"{one.pushed_at:%Y-%m-%d %H:%M}", f"{one.size_bytes / 1e6:7.1f} MB"
            ops.report.say(f"{mark} {one.digest[:15]}  {pushed}  {size}  {', '.join(one.tags) or '-'}")


@host_task()
def push(ops: Ops) -> None:
    """Check the local .env and put it on the host; keys that only the host has are kept."""
    change(ops, "env.push", lambda: dotenv_file.push(ops.host, ops.settings))


@host_task()
def diff(ops: Ops) -> None:
    """Show which keys env.push would change, never their values."""
    found = dotenv_file.difference(ops.host, ops.settings)
    ops.report.say(str(found))


@host_task(SERVICE)
def pull(ops: Ops, service: str | None = None) -> None:
    """docker-compose pull: the image is updated, the running container is untouched."""
    for unit in ops.units(service):
        ops.report.title(ops.host.name, unit.name)
        deployment.pull(unit, ops.report, containers.running(unit))


@host_task(SERVICE)
def up(ops: Ops, service: str | None = None) -> None:
    """docker-compose up -d, after the guard: refuses (5) while a migration of the image is pending or unknown."""
    with ops.locked("up"):
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
    """docker-compose start: a stopped container, with the image it has, after the guard asked that image."""
    with ops.locked("start"):
        for unit in ops.units(service):
            ops.report.title(ops.host.name, unit.name)
            guard.alone(unit)
            guard.nobody_migrates(unit)
            verify(unit, ops.report, containers.start(unit, ops.report), settled=False)


@host_task(SERVICE)
def stop(ops: Ops, service: str | None = None) -> None:
    """docker-compose stop: the container is stopped and kept."""
    line = ops.compose()
    with ops.report.step("stop"):
        ops.host.run(line.here(line.stop(ops.settings.chosen(service))), doing="stop", timeout=STOP_SECONDS)


@host_task(SERVICE)
def down(ops: Ops, service: str | None = None) -> None:
    """docker-compose down: the container is stopped and deleted; with --service, only that one."""
    line = ops.compose()
    script = line.remove(next(iter(ops.settings.chosen(service)))) if service else line.down()
    with ops.report.step("down"):
        ops.host.run(line.here(script), doing="stop", timeout=STOP_SECONDS)


@host_task(SERVICE | {"tail": "how many lines to begin with", "follow": "go on until Ctrl-C"})
def logs(ops: Ops, service: str | None = None, tail: str = "100", follow: bool = False) -> None:
    """docker-compose logs: the last lines of the service's output."""
    line = ops.compose()
    script = line.here(line.logs(ops.settings.chosen(service), tail=whole("--tail", tail), follow=follow))
    with contextlib.suppress(KeyboardInterrupt):
        ops.host.run(script, doing="read the logs", timeout=FOLLOW_SECONDS, on_line=lambda text: print(masked(text)))


@host_task(SERVICE | JSON)
def pending(ops: Ops, service: str | None = None, json: bool = False) -> None:
    """List the pending migrations of the image that `up` would start: exit 0 for none, 5 for some or unknown."""
    refusals = []
    services = ops.document.setdefault("services", {})
    for unit in ops.units(service):
        ops.report.title(ops.host.name, unit.name)
        images = present(ops, unit)
        with ops.report.step("pending") as step:
            answer = guard.check(unit, images)
            step.detail, step.mark = deployment.describe(answer), step.mark if answer.state == "clean" else WARN
        services[unit.name] = {"state": answer.state, "migrations": answer.names, "image": next(iter(images.values()))}
        refusals += [guard.refuse(unit, answer)] if answer.state != "clean" else []
    if refusals:
        raise refusals[0]


@host_task(SERVICE)
def migrate(ops: Ops, service: str | None = None) -> None:
    """Run the pending migrations while the service is down, and check again."""
    with ops.locked("migrate"):
        for unit in ops.units(service):
            ops.report.title(ops.host.name, unit.name)
            guard.alone(unit)
            deployment.adopt(unit, ops.report)
            if containers.running(unit):
                raise GuardError(
                    f"{unit.label}: the service runs, and nothing is migrated while it does.",
                    hint=f"fab -H {ops.host.name} down, or the whole of it: fab -H {ops.host.name} deploy",
                )
            images = present(ops, unit)
            answer = deployment.pending(unit, ops.report, images)
            if answer.state == "clean":
                ops.report.say("nothing to do: no migration is pending")
            else:
                deployment.migrate(unit, ops.report, images, answer, None)


@host_task(SERVICE | JSON | {"tag": "deploy this tag of the repository", "wait": "seconds to wait for the lock"})
def deploy(
    ops: Ops, service: str | None = None, tag: str | None = None, wait: str | None = None, json: bool = False
) -> None:
    """Pull; when a migration is pending, stop and migrate; then start what was checked, watch it, record it."""
    if tag is not None and not TAG.match(tag):
        raise UsageError(f"--tag is {tag!r}; it must be a Docker tag.")
    seconds = None if wait is None else whole("--wait", wait)
    outcomes = ops.document.setdefault("services", [])
    with ops.locked("deploy", seconds):
        for unit in ops.units(service):
            outcomes.append(asdict(deployment.deploy(unit, ops.report, tag)))


@host_task(SERVICE | JSON | {"to": "the release to go back to: its tag, time or image"})
def rollback(ops: Ops, service: str | None = None, to: str | None = None, json: bool = False) -> None:
    """Start the previous release's image again; refuses (5) where a migration ran since."""
    outcomes = ops.document.setdefault("services", [])
    with ops.locked("rollback"):
        for unit in ops.units(service):
            outcomes.append(asdict(rolling_back.rollback(unit, ops.report, to)))


def namespace(path: Path | str | None = None) -> Collection:
    """The collection of all tasks, configured by a fabfile.yml, or by the defaults without one."""
    root = Collection(setup, pull, up, start, stop, down, logs, pending, migrate, deploy, rollback)
    root.add_collection(Collection("ecr", credentials, region, helper, docker_config, check, images))
    root.add_collection(Collection("env", push, diff))
    for name in root.task_names:
        root[name].path = name
    tree = configuration(Path(path)) if path else {"galos": defaults()}
    check_environment(tree["galos"], os.environ)
    root.configure(tree)
    return root
