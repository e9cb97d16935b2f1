"""The runbook's sections on ECR credentials and service configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from galos_ops import dotenv_file, ecr, project
from galos_ops.facts import ENGINE, Facts, gather
from galos_ops.files import done_or_would
from galos_ops.host import Change
from galos_ops.host_task import Ops, host_task
from galos_ops.shell import shell_path
from galos_ops.tasks.options import DRY, SERVICE


@host_task(DRY)
def setup(ops: Ops, *, dry_run: bool = False) -> None:
    """Preparing: ECR access, service configuration, compose file; the second run changes nothing.

    Runs ecr.credentials, ecr.region, ecr.helper, ecr.docker-config and env.push, writes a compose file where the host
    has none, and ends with ecr.check. What others keep in these files stays.
    """
    host, settings = ops.host, ops.settings
    ops.report.title(host.name, "setup")
    facts = ops.facts()
    changed = [] if facts.directories else [ops.change("directory", lambda: directory(ops))]
    if changed:
        facts = without_project(gather(host, (), "~")) if dry_run else ops.facts()
    ops.ready(facts, ENGINE)
    steps: dict[str, Callable[[], Change]] = {
        "ecr.credentials": lambda: ecr.credentials(host, settings),
        "ecr.region": lambda: ecr.region(host, settings),
        "ecr.helper": lambda: ecr.helper(host),
        "ecr.docker-config": lambda: ecr.docker_config(host, settings),
        "env.push": lambda: push_environment(ops, facts),
        "compose file": lambda: compose_file(ops, facts),
        "ecr.check": lambda: proof(ops, any(changed)),
    }
    ops.report.width = max(map(len, steps))
    for name, make in steps.items():
        changed.append(ops.change(name, make))
    if not any(changed):
        ops.report.say("nothing to do: the host was ready already")
    elif not dry_run:
        ops.report.say("the host is ready")


def directory(ops: Ops) -> Change:
    """The service's directory, which the host does not have; raises `CommandFailed` where it cannot be made."""
    path = ops.settings.directory
    if ops.host.dry:
        ops.host.run(f"! [ -e {shell_path(path)} ]", doing=f"make {path}: something else has that name")
    else:
        ops.host.change(f"umask 077; mkdir -p -- {shell_path(path)}", doing=f"make {path}")
    return Change(True, f"{path} {done_or_would(ops.host, 'made')}")


def without_project(facts: Facts) -> Facts:
    """What is true on the host of a directory that is not there yet."""
    return Facts(facts.directories, facts.engine, facts.engine_error, facts.flavour)


def push_environment(ops: Ops, facts: Facts) -> Change:
    """`env.push`, except where there is nothing to send and the host has its own .env already."""
    if facts.environment and not Path(ops.settings.env_file).exists():
        return Change(False, f"no {ops.settings.env_file} here; the host keeps its own")
    return dotenv_file.push(ops.host, ops.settings)


def compose_file(ops: Ops, facts: Facts) -> Change:
    """A compose file for the configured services where the host has none; one that is there stays as it is."""
    if facts.compose_file:
        return Change(False, f"{facts.compose_file} is there")
    return project.compose_file(ops.host, ops.settings)


def proof(ops: Ops, unready: bool) -> Change:
    """`ecr.check`, which a dry run must leave out while the steps before it are only planned."""
    if ops.host.dry and unready:
        return Change(True, "the registry would be asked from the host, once all this is in place")
    return ecr.check(ops.host, ops.settings, ops.settings.services)


@host_task(DRY)
def credentials(ops: Ops, *, dry_run: bool = False) -> None:
    """Place the keys of a local AWS profile in the host's ~/.aws/credentials.

    AWS is asked first whether it accepts them; keys with a session token, which ends, are refused. Places none where
    galos.ecr.credentials is instance.
    """
    ops.change("ecr.credentials", lambda: ecr.credentials(ops.host, ops.settings))


@host_task(DRY)
def region(ops: Ops, *, dry_run: bool = False) -> None:
    """Set the region of the registry in the host's ~/.aws/config."""
    ops.change("ecr.region", lambda: ecr.region(ops.host, ops.settings))


@host_task(DRY)
def helper(ops: Ops, *, dry_run: bool = False) -> None:
    """Install the ECR credential helper where it is missing.

    With apt-get, dnf or apk, as root: give --prompt-for-sudo-password, before the task, where sudo asks for one.
    """
    ops.change("ecr.helper", lambda: ecr.helper(ops.host))


@host_task(DRY)
def docker_config(ops: Ops, *, dry_run: bool = False) -> None:
    """Merge the credential helper into the host's ~/.docker/config.json."""
    ops.change("ecr.docker-config", lambda: ecr.docker_config(ops.host, ops.settings))


@host_task(SERVICE | DRY)
def check(ops: Ops, service: str | None = None, *, dry_run: bool = False) -> None:
    """Prove from the host that the registry lets it in.

    Exit 8 when it does not, with Docker's words, the helper's own log line and what to type.
    """
    chosen = ops.settings.chosen(service)
    ops.change("ecr.check", lambda: ecr.check(ops.host, ops.settings, chosen))


@host_task(DRY)
def push(ops: Ops, *, dry_run: bool = False) -> None:
    """Check the local .env and put it on the host; keys that only the host has are kept.

    The local file is that of galos.env_file. Exit 2 for placeholders, a DATABASE_URL that nobody can parse, a key set
    twice. The running container keeps its variables until up or deploy.
    """
    ops.change("env.push", lambda: dotenv_file.push(ops.host, ops.settings))


@host_task()
def diff(ops: Ops) -> None:
    """Show which keys env.push would change, never their values."""
    found = dotenv_file.difference(ops.host, ops.settings)
    ops.report.say(str(found))
