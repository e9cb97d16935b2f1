"""The sandbox from the command line: inv sandbox.up, sandbox.publish, sandbox.down."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from galos_ops.tasks.host_task import parse_int_option
from sandbox.catalogue import RELEASES, REPOSITORIES, REPOSITORY

if TYPE_CHECKING:
    from sandbox.sandbox import Sandbox


def of_checkout() -> Sandbox:
    """The sandbox of this checkout, its modules loaded when it is used: `fab --list` has no need of them."""
    from sandbox.sandbox import Sandbox

    return Sandbox.of_checkout()


NODES = "3"  # the fewest managers of which one may be lost


@task(
    help={
        "hosts": "how many Docker hosts",
        "compose": "their docker-compose: v1, v2 or v5; a comma list cycles over the hosts (default v2)",
        "release": "what is published at first",
        "swarm": "make one Docker Swarm of so many hosts, 3 without a number",
    },
    optional=["swarm"],
)
def up(_c: Context, hosts: str = "1", compose: str = "", release: str = "v1", swarm: str = "") -> None:
    """Bring up Docker hosts, ECR and a database on this machine; what is up stays as it is."""
    sandbox = of_checkout()
    nodes = parse_int_option("--swarm", NODES if isinstance(swarm, bool) else swarm, least=1) if swarm else 0
    count = max(parse_int_option("--hosts", hosts, least=1), nodes)
    changed = sandbox.up(count, [name.strip() for name in compose.split(",") if name.strip()], release)
    changed = bool(nodes and sandbox.swarm(nodes)) or changed
    print("sandbox is up" if changed else "sandbox is up already: nothing changed")
    folder = os.path.relpath(sandbox.directory)
    engine = "export FABRIC_GALOS_ENGINE=swarm && " if nodes else ""
    print(f"next: . {folder}/env && {engine}fab -S {folder}/ssh_config -H sandbox setup")


@task(
    positional=["version"],
    help={
        "version": f"one of {', '.join(RELEASES)}",
        "seconds": "how long the migration of slow-migration takes (default 20)",
        "repository": f"one of {', '.join(REPOSITORIES)}",
    },
)
def publish(_c: Context, version: str, seconds: str = "0", repository: str = REPOSITORY) -> None:
    """Push a release of galos-sync, as latest and under its own tag."""
    sandbox = of_checkout()
    if parse_int_option("--seconds", seconds):
        sandbox.migration_seconds(parse_int_option("--seconds", seconds))
    sandbox.publish(version, repository)


@task(help={"images": "also delete the cached images"})
def down(_c: Context, images: bool = False) -> None:
    """Remove the sandbox; its images stay as a cache."""
    print("sandbox is gone" if of_checkout().down(drop_images=images) else "there is no sandbox")


ns = Collection("sandbox", up, publish, down)
