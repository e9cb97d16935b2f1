"""The command lines of docker-compose v1, v2 and v5, and what its files mean; pure."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
FILE = "docker-compose.yml"  # the name that every flavour finds
STDIN = ("-f", "-")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}  # of a duration in a compose file


@dataclass(frozen=True)
class DockerCompose:
    """The docker-compose of a host: the command that calls it and its version; builds its command lines."""

    command: str
    version: tuple[int, ...]

    @staticmethod
    def of(text: str) -> DockerCompose | None:
        """Read `docker-compose 1.29.2` or `docker compose v2.26.1`; None when there is no version in it."""
        match = re.match(r"(docker[- ]compose) v?(\d+(?:\.\d+)*)", text)
        return match and DockerCompose(match[1], tuple(int(part) for part in match[2].split(".")))

    def __str__(self) -> str:
        return f"{self.command} {'.'.join(map(str, self.version))}"

    def line(self, *argv: str) -> str:
        return f"{self.command} {shlex.join(argv)}"

    def up(self, service: str) -> str:
        """`up -d` of one service and nothing that it depends on, which never fetches an image by itself.

        v1 has no flag against fetching and fetches only a missing image.
        """
        stay = ("--pull", "never") if self.version >= (2, 6) else ()
        return self.line("up", "-d", "--no-deps", *stay, service)

    def up_dependency(self, service: str) -> str:
        """Start what somebody else looks after: with the container it has, or a new one where it has none."""
        return self.line("up", "-d", "--no-deps", "--no-recreate", service)

    def run(self, service: str, name: str, argv: list[str], *, detach: bool = False, file: tuple[str, ...] = ()) -> str:
        """A one-off container with a name of its own, without a terminal, in place of the image's entrypoint.

        The entrypoint is replaced because it may start the service itself; `file` is `STDIN` for another compose file
        than the directory's.
        """
        on_its_own = ["-d"] if detach else []
        options = ["--no-deps", "-T", *on_its_own, "--name", name, "--entrypoint", argv[0]]
        return self.line(*file, "run", *options, service, *argv[1:])

    def hash(self, service: str) -> str:
        """Print `SERVICE HASH`, the hash that a container made now would have as its label `config-hash`.

        v1 hashes what the files mean; v2 hashes .env only where it is resolved already.
        """
        if self.version < (2,):
            return self.line("config", "--hash", service)
        return f"{self.line('config')} | {self.line(*STDIN, 'config', '--hash', service)}"


def grace_seconds(row: Mapping[str, Any]) -> int | None:
    """The `stop_grace_period` of a service in whole seconds; None where Docker's own applies."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|us|m|s)", str(row.get("stop_grace_period") or ""))
    return math.ceil(sum(float(number) * SECONDS[unit] for number, unit in parts)) if parts else None


def render(images: Mapping[str, str]) -> str:
    """A compose file for services by name and image, their `.env` injected, their logs bounded."""
    import yaml

    def row(image: str) -> dict[str, Any]:
        return {
            "image": image,
            "env_file": ".env",
            "init": True,
            "restart": "unless-stopped",
            "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
        }

    tree = {"services": {name: row(image) for name, image in images.items()}}
    text: str = yaml.safe_dump(tree, sort_keys=False)
    return text
