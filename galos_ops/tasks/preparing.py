"""The runbook's sections on ECR credentials and service configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from galos_ops import compose, dotenv_file, ecr
from galos_ops.facts import ENGINE, Facts
from galos_ops.host import Change, shell_path
from galos_ops.host_task import Ops, host_task
from galos_ops.tasks.options import SERVICE, change


@host_task()
def setup(ops: Ops) -> None:
    """Prepare a host: ECR access, service configuration, compose file; the second run changes nothing."""
    host, settings = ops.host, ops.settings
    host.run(f"umask 077; mkdir -p -- {shell_path(settings.directory)}", doing=f"make {settings.directory}")
    facts = ops.facts()
    ops.ready(facts, ENGINE)
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


@host_task()
def push(ops: Ops) -> None:
    """Check the local .env and put it on the host; keys that only the host has are kept."""
    change(ops, "env.push", lambda: dotenv_file.push(ops.host, ops.settings))


@host_task()
def diff(ops: Ops) -> None:
    """Show which keys env.push would change, never their values."""
    found = dotenv_file.difference(ops.host, ops.settings)
    ops.report.say(str(found))
