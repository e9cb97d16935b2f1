"""The steps of a deploy with a backup and a migration, and a way to hold each of them on the host."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.layers import File
from tests.integration.conftest import Operator
from tests.integration.test_deploy import wait_for

STEPS = {
    "lock": "flock -n 9",
    "pull": "docker-compose pull *",
    "pending": "docker-compose * run * galos-sync-check *",
    "down": "docker stop *",
    "backup": "tar *",
    "migrate": "docker-compose * run * galos-sync-migration *",
    "adopt": "docker logs -f galos-sync-migration",
    "up": "docker-compose * up -d *",
    "verify": "docker inspect -f {{.State.Status}} {{.RestartCount}} *",
    "record": "docker tag * galos-ops/galos-sync:*",
}
"""What each step runs on the host to do its work, as a pattern of the shell; `adopt` where a migration was orphaned."""

BACKUP = "tar -cf /tmp/backup.tar .galos-ops"
PROGRAMS = ("docker", "docker-compose", "flock", "tar")
WRAPPER = """#!/bin/sh
# The first command that looks like the pattern waits, before it is run, until it may go on.
name=${0##*/}
case "$name $*" in
$(cat PLACE/pattern))
    if mkdir PLACE/came 2>/dev/null; then until [ -e PLACE/go ]; do sleep 0.05; done; fi ;;
esac
exec /usr/bin/$name "$@"
"""


@dataclass
class Held:
    """A step whose command waits on the host before it does anything."""

    operator: Operator
    place: str

    def reached(self) -> None:
        """Return once the command has come to the host and waits there."""
        wait_for(self.operator, f"[ -e {self.place}/came ]")

    def open(self) -> None:
        """Let the command go on."""
        self.operator.host.shell(f"touch {self.place}/go")


@contextmanager
def held(operator: Operator, step: str) -> Iterator[Held]:
    """Hold the next command of a step on the host, at the longest to the end."""
    host, place = operator.host, f"/run/barrier-{secrets.token_hex(4)}"  # what one held before may still be there
    wrapper = File(WRAPPER.replace("PLACE", place).encode(), 0o755)
    try:
        host.execute(["sh", "-c", f"mkdir {place} && cat >{place}/pattern"], stdin=STEPS[step])
        host.container.place({f"/usr/local/bin/{name}": wrapper for name in PROGRAMS})
        yield Held(operator, place)
    finally:
        host.shell(f"touch {place}/go; cd /usr/local/bin && rm -f {' '.join(PROGRAMS)}")
