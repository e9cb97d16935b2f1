"""The command lines of docker-compose v1, v2 and v5, and what its files mean; pure."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
FILE = "docker-compose.yml"  # the name that every flavour finds
FOUND = f"""file=$COMPOSE_FILE
[ "$file" ] || ! grep -qs '^COMPOSE_FILE=' .env ||
file=$(sed -n 's/^COMPOSE_FILE=//p' .env | tail -n 1 | tr -d "\\r\\"'")
for f in {" ".join(FILES)}; do [ "$file" ] || {{ [ -e $f ] && file=$f; }}; done"""
"""A script that sets `file` to what docker-compose reads in a directory: files with a colon between where
COMPOSE_FILE names them, else the one that is there, nothing without any."""
FETCHING = ("pull_policy", "build")  # what lets docker-compose fetch or make an image by itself
HOOKS = ("pre_start", "post_start", "pre_stop")  # of a service: commands that docker-compose runs around it
FROM_VARIABLE = """printf %s "$file" | """
ESCAPED = "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"  # of JSON, what YAML has not, or ends a line at
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}  # of a duration in a compose file


@dataclass(frozen=True)
class DockerCompose:
    """The docker-compose of a host: the command that calls it and its version; builds its command lines.

    A resolved compose file has the values of .env, which is not read again then, unless the file is not `whole`. v1 has
    to be told the name of the `project` with it, where that is not the directory's.
    """

    command: str
    version: tuple[int, ...]
    whole: bool = True
    project: str = ""

    @staticmethod
    def of(text: str) -> DockerCompose | None:
        """Read `docker-compose 1.29.2` or `docker compose v2.26.1`; None when there is no version in it."""
        match = re.match(r"(docker[- ]compose) v?(\d+(?:\.\d+)*)", text)
        return match and DockerCompose(match[1], tuple(int(part) for part in match[2].split(".")))

    def __str__(self) -> str:
        return f"{self.command} {'.'.join(map(str, self.version))}"

    def reading(self, tree: Mapping[str, Any], project: str = "") -> DockerCompose:
        """The same for a resolved compose file: it has no value of a secret or config that is a variable's."""
        rows = (row for kind in ("secrets", "configs") for row in (tree.get(kind) or {}).values())
        return replace(self, whole=not any((row or {}).get("environment") for row in rows), project=project)

    def line(self, *argv: str) -> str:
        return f"{self.command} {shlex.join(argv)}"

    def resolved(self, *argv: str) -> str:
        """The same with a resolved compose file on standard input; v1 alone still reads .env, for `COMPOSE_*`."""
        return f"{self._named}{self.line(*self._blind, '-f', '-', *argv)}"

    @property
    def _named(self) -> str:
        return f'COMPOSE_PROJECT_NAME="${{COMPOSE_PROJECT_NAME:-{self.project}}}" ' if self.project else ""

    @property
    def _blind(self) -> tuple[str, ...]:
        return ("--env-file", "/dev/null") if self.whole and self.version >= (2,) else ()

    def up(self, service: str) -> str:
        """`up -d` of one service and nothing that it depends on, from the resolved compose file in `$file`.

        It never fetches an image by itself: v1 has no flag against that, and fetches only a missing one.
        """
        stay = ("--pull", "never") if self.version >= (2, 6) else ()
        return FROM_VARIABLE + self.resolved("up", "-d", "--no-deps", *stay, service)

    def up_dependency(self, service: str) -> str:
        """Start what somebody else looks after: with the container it has, or a new one where it has none."""
        return FROM_VARIABLE + self.resolved("up", "-d", "--no-deps", "--no-recreate", service)

    def run(self, service: str, name: str, argv: list[str], *, detach: bool = False) -> str:
        """A one-off container from a resolved compose file, with a name of its own and without a terminal.

        The image's entrypoint is replaced because it may start the service itself.
        """
        on_its_own = ["-d"] if detach else []
        options = ["--no-deps", "-T", *on_its_own, "--name", name, "--entrypoint", argv[0]]
        return self.resolved("run", *options, service, *argv[1:])

    def run_attached(self, service: str, name: str, argv: list[str], file: str, *, terminal: bool) -> str:
        """The same with our standard streams, from a resolved compose file at a path that is a word of shell."""
        streams = [] if terminal else ["-T"]
        words = ["run", "--rm", "--no-deps", *streams, "--name", name, "--entrypoint", argv[0], service, *argv[1:]]
        return f'{self._named}{self.line(*self._blind, "-f")} {file} --project-directory "$PWD" {shlex.join(words)}'

    def hash(self, service: str) -> str:
        """Print `SERVICE HASH`, the hash that a container made now would have as its label `config-hash`.

        v1 cannot be asked about standard input, which it reads twice; v2 hashes what `--no-deps` takes away.
        """
        if self.version < (2,):
            return self.line("config", "--hash", service)
        return f"COMPOSE_PROFILES='*' {self.resolved('config', '--hash', service)}"

    def as_started(self, tree: Mapping[str, Any], service: str) -> bytes:
        """A resolved compose file from which a service starts with the hash that the files themselves give it.

        v1 resolves a port without a protocol as one with it, where it is bound to an address.
        """
        row = tree["services"][service]
        if self.version >= (2,):
            return encoded(tree, service, without=(*FETCHING, "depends_on"))
        ports = [port.removesuffix("/tcp") if isinstance(port, str) else port for port in row.get("ports") or []]
        return encoded(tree, service, **({"ports": ports} if ports else {}))


def encoded(tree: Mapping[str, Any], service: str, *, without: Collection[str] = (), **changed: Any) -> bytes:
    """A resolved compose file in JSON which is YAML, too, with the row of one service changed."""
    row = {key: value for key, value in tree["services"][service].items() if key not in without}
    services = {**tree["services"], service: {**row, **changed}}
    text = json.dumps({**tree, "services": services}, ensure_ascii=False)
    return re.sub(ESCAPED, lambda found: f"\\u{ord(found[0]):04x}", text).encode()


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
