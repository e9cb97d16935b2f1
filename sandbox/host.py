"""A Docker host of the sandbox, seen from outside: what the tests judge by."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from galos_ops.errors import CommandFailed
from sandbox.machines import Container


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
