"""The runbook's sections on ECR credentials and service configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galos_ops.tasks.host_task import DRY, SERVICE, host_task

if TYPE_CHECKING:
    from galos_ops.workflows.ops import Ops


@host_task(DRY)
def setup(ops: Ops, *, dry_run: bool = False) -> None:
    """Preparing: ECR access, service configuration, compose file; the second run changes nothing.

    Runs ecr.credentials, ecr.region, ecr.helper, ecr.docker-config and env.push, writes a compose file where the host
    has none, and ends with ecr.check. What others keep in these files stays.
    """
    from galos_ops.workflows import setup

    setup.setup(ops)


@host_task(DRY | {"any": "place keys that may do more than pull, too"})
def credentials(ops: Ops, any_: bool = False, *, dry_run: bool = False) -> None:
    """Place the keys of a local AWS profile in the host's ~/.aws/credentials.

    AWS is asked first whether it accepts them, and whose they are, which is told before they are placed. Refused (2)
    are keys with a session token, which ends, those of the root user and, unless --any, those that are known to do more
    than pull. Places none where galos.ecr.credentials is instance.
    """
    from galos_ops.provisioning import ecr

    ops.change_alone("ecr.credentials", lambda: ecr.credentials(ops.host, ops.settings, ops.report.say, any_=any_))


@host_task(DRY)
def region(ops: Ops, *, dry_run: bool = False) -> None:
    """Set the region of the registry in the host's ~/.aws/config."""
    from galos_ops.provisioning import ecr

    ops.change_alone("ecr.region", lambda: ecr.region(ops.host, ops.settings))


@host_task(DRY)
def helper(ops: Ops, *, dry_run: bool = False) -> None:
    """Install the ECR credential helper where it is missing.

    With apt-get, dnf or apk, as root: give --prompt-for-sudo-password, before the task, where sudo asks for one.
    """
    from galos_ops.provisioning import ecr

    ops.change_alone("ecr.helper", lambda: ecr.helper(ops.host))


@host_task(DRY)
def docker_config(ops: Ops, *, dry_run: bool = False) -> None:
    """Merge the credential helper into the host's ~/.docker/config.json."""
    from galos_ops.provisioning import ecr

    ops.change_alone("ecr.docker-config", lambda: ecr.docker_config(ops.host, ops.settings))


@host_task(SERVICE | DRY, looking=True)
def check(ops: Ops, service: str | None = None, *, dry_run: bool = False) -> None:
    """Prove from the host that the registry lets it in.

    Exit 8 when it does not, with Docker's words, the helper's own log line and what to type.
    """
    from galos_ops.provisioning import ecr

    chosen = ops.settings.chosen(service)
    ops.change("ecr.check", lambda: ecr.check(ops.host, ops.settings, chosen))


@host_task(DRY)
def push(ops: Ops, *, dry_run: bool = False) -> None:
    """Check the local .env and put it on the host; keys that only the host has are kept.

    What is sent is the local file of galos.env_file or, with galos.env_command, what that gives. Exit 2 for
    placeholders, a DATABASE_URL that nobody can parse, a key set twice; 1 when the command fails. The running container
    keeps its variables until up or deploy.
    """
    from galos_ops.provisioning import dotenv

    ours = dotenv.local(ops.settings)  # what is wrong here is told before the host is touched
    ops.change_alone("env.push", lambda: dotenv.push(ops.host, ops.settings, ours))


@host_task(looking=True)
def diff(ops: Ops) -> None:
    """Show which keys env.push would change, never their values."""
    from galos_ops.provisioning import dotenv

    found = dotenv.difference(ops.host, ops.settings)
    ops.report.say(str(found))
