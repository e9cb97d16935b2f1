"""A Docker host of the sandbox, seen from outside: what the tests judge by."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from galos_ops.errors import CommandFailed
from sandbox.aws import REGISTRY
from sandbox.layers import File
from sandbox.machines import Container

KEPT = "galos-sandbox/shared"
KEEP = "/etc/galos-sandbox/keep"


@dataclass(frozen=True)
class Host:
    """A Debian machine with sshd and its own Docker engine; `port` of 127.0.0.1 is its sshd."""

    container: Container
    port: int

    @property
    def name(self) -> str:
        """The host's name in the sandbox's ssh_config."""
        return self.container.role

    @property
    def compose(self) -> str:
        """Which docker-compose it has: v1, v2 or v5."""
        return self.container.flavour

    def execute(
        self, argv: Sequence[str], *, user: str = "root", check: bool = True, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the host, not through SSH; raises CommandFailed unless it exits with 0."""
        arguments = ["exec", "--interactive", "--user", user, self.container.name, *argv]
        done = self.container.docker.attempt(*arguments, stdin=stdin.encode())
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if check and done.returncode != 0:
            raise CommandFailed(f"{argv[0]} failed on {self.name} (exit code {done.returncode})", evidence=out + err)
        return subprocess.CompletedProcess(list(argv), done.returncode, out, err)

    def shell(self, script: str, *, user: str = "root", check: bool = True) -> str:
        """Run a shell script on the host and return what it prints, stripped."""
        return self.execute(["bash", "-c", script], user=user, check=check).stdout.strip()

    def engine_stop(self) -> None:
        """Stop the host's Docker engine."""
        self.execute(["service", "docker", "stop"])

    def engine_start(self) -> None:
        """Start the host's Docker engine and wait until it answers."""
        self.execute(["service", "docker", "start"])

    def host_keys(self) -> str:
        """The public SSH host keys, a line each, read on the host itself."""
        return self.shell("cat /etc/ssh/ssh_host_*_key.pub")


def kept_files(image: str, basic: str) -> dict[str, File]:
    """What lets a host fetch the image of the shared layer by itself, with credentials of its own beside root's."""
    folder = KEEP.rpartition("/")[0]
    script = f"""\
set -e
docker images -q {KEPT} | grep -q . && exit
docker --config {folder} pull -q {image}
docker tag {image} {KEPT}
docker rmi {image}
"""
    config = {"auths": {REGISTRY: {"auth": basic}}}
    return {KEEP: File(script.encode()), f"{folder}/config.json": File(json.dumps(config).encode(), 0o600)}
