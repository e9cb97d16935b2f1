"""The changes of `doctor --fix`: the steps of `setup`, and a few that take away a permission or a leftover."""

from __future__ import annotations

from collections.abc import Callable

from galos_ops.config.settings import Settings
from galos_ops.engines.one_offs.one_off import remove_ended_checks
from galos_ops.host.host import Host
from galos_ops.progress import Change
from galos_ops.provisioning import compose_file as project
from galos_ops.provisioning import diffs, ecr
from galos_ops.provisioning.files import place


def private(host: Host, path: str) -> Change:
    """Take away what group and others may do with a file; its text is not read."""
    return place(host, path, "", "", mask=diffs.plain, private=True)


def leftovers(host: Host) -> Change:
    """Remove the containers of checks that ended, and nothing that runs."""
    removed = remove_ended_checks(host)
    return Change(bool(removed), f"removed {', '.join(removed)}" if removed else "nothing was left")


MENDS: dict[str, Callable[[Host, Settings, ecr.Say], Change]] = {
    "ecr.helper": lambda host, *_: ecr.helper(host),
    "ecr.docker-config": lambda host, settings, _: ecr.docker_config(host, settings),
    "ecr.region": lambda host, settings, _: ecr.region(host, settings),
    "ecr.credentials": ecr.credentials,
    "private keys": lambda host, *_: private(host, ecr.CREDENTIALS),
    "private .env": lambda host, settings, _: private(host, f"{settings.directory.rstrip('/')}/.env"),
    "compose file": lambda host, settings, _: project.compose_file(host, settings),
    "leftovers": lambda host, *_: leftovers(host),
}
"""By the name under which each is reported; safe to make without asking, and to repeat."""
