"""The docker command line, bound to one engine."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from galos_ops.errors import CommandFailed, NotReadyError


@dataclass(frozen=True)
class Docker:
    """Runs docker commands on the engine at `host`; an empty host leaves the choice to the docker client."""

    host: str = ""

    def attempt(
        self, *arguments: str, stdin: bytes = b"", timeout: float | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one docker command, whatever its exit code; a time-out is exit code 124."""
        command = ["docker", *arguments]
        try:
            return subprocess.run(
                command, input=stdin, capture_output=True, timeout=timeout, check=False, env=self.environment
            )
        except subprocess.TimeoutExpired as expired:
            return subprocess.CompletedProcess(command, 124, expired.stdout or b"", b"timed out")
        except FileNotFoundError:
            raise NotReadyError("docker is not installed", hint="install Docker and run this again") from None

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which the docker client speaks to this engine."""
        return dict(os.environ, **({"DOCKER_HOST": self.host} if self.host else {}))

    def output(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Return what a docker command prints; raises CommandFailed with its error output."""
        done = self.attempt(*arguments, stdin=stdin)
        if done.returncode != 0:
            raise CommandFailed(
                f"docker {arguments[0]} failed (exit code {done.returncode})",
                evidence=(done.stdout + done.stderr).decode(errors="replace"),
            )
        return done.stdout

    def run(self, *arguments: str, stdin: bytes = b"") -> str:
        """Return what a docker command prints, as stripped text."""
        return self.output(*arguments, stdin=stdin).decode(errors="replace").strip()

    def ok(self, *arguments: str, timeout: float | None = None) -> bool:
        """Tell whether a docker command succeeds."""
        return self.attempt(*arguments, timeout=timeout).returncode == 0

    def answers(self) -> bool:
        """Tell whether there is an engine behind the client."""
        return bool(self.kind())

    def kind(self) -> str:
        """The system and the processor of the engine, `linux/x86_64`; nothing where none answers."""
        try:
            done = self.attempt("info", "--format", "{{.OSType}}/{{.Architecture}}", timeout=10)
        except NotReadyError:
            return ""
        shown = done.stdout.decode(errors="replace").strip()
        return shown if done.returncode == 0 and shown != "/" else ""

    def builder(self) -> dict[str, str]:
        """The environment that makes `docker build` see the engine's own images."""
        with_buildx = self.ok("buildx", "version")
        return {"BUILDX_BUILDER": "default"} if with_buildx else {"DOCKER_BUILDKIT": "0"}
