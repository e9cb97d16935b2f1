"""What there is of a sandbox: its directory, its secrets, its containers and the files written for its user."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from galos_ops.errors import NotReadyError
from sandbox import aws, engine, files, leftovers
from sandbox.docker import Docker
from sandbox.host import Host
from sandbox.keys import Keys, write
from sandbox.machines import SERVICES, Container
from sandbox.registry import Registry
from sandbox.steps import Steps


@dataclass(frozen=True)
class Found:
    """A container as the engine has it; `port` of 127.0.0.1 leads to it while it runs, else it is 0."""

    container: Container
    image: str
    running: bool
    port: int


class State:
    """One sandbox as it is; its name and directory tell it from all others."""

    def __init__(self, name: str, directory: Path, steps: Steps | None = None, *, temporary: bool = False) -> None:
        """`temporary` says that it is to be swept away when this process is dead."""
        self.temporary = temporary
        self.directory = directory.resolve()
        self.steps = steps or Steps()
        self.id = f"{name}-{hashlib.sha256(str(self.directory).encode()).hexdigest()[:8]}"
        self.state = self.directory / ".state"
        self.ssh_config = self.directory / "ssh_config"
        self.keys_file = self.state / "keys.json"
        self.complete = self.state / "complete"
        self.skewed = self.state / "skewed"
        self._docker: Docker | None = None
        self._found: dict[str, Found] = {}
        self.half_made: list[str] = []

    def host(self, name: str = "sandbox") -> Host:
        """A host that is up."""
        found = self.find(name)
        return Host(found.container, found.port)

    @property
    def docker(self) -> Docker:
        """The engine that the sandbox is on."""
        self._docker = self._docker or engine.find()
        if not self._docker:
            raise NotReadyError("no Docker engine answers, so the sandbox is not up", hint="inv sandbox.up")
        return self._docker

    @property
    def keys(self) -> Keys:
        """The sandbox's secrets."""
        if not self.keys_file.exists():
            raise NotReadyError("the sandbox is not up", hint="inv sandbox.up")
        return Keys.load(self.keys_file)

    @property
    def registry(self) -> Registry:
        """The registry as this machine reaches it."""
        return Registry(self.find("registry").port, self.keys.authority, aws.REGISTRY_USER, aws.TOKEN)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that `env` exports."""
        return files.variables(self.directory, self.state)

    @property
    def shell(self) -> dict[str, str]:
        """The environment of a developer's shell that sourced `env`."""
        kept = {name: value for name, value in os.environ.items() if name not in files.FORGOTTEN}
        return {**kept, **self.environment}

    def database_url(self, name: str = aws.DATABASE) -> str:
        """The URL of a database as the hosts see it."""
        return f"postgresql://galos:{self.keys.password}@db/{name}"

    def found(self) -> dict[str, Found]:
        """Every container of the sandbox by its role, hosts by their name; those that are half made are kept apart."""
        columns = (f'{{{{.Label "{leftovers.LABEL}.{label}"}}}}' for label in ("role", "flavour"))
        form = "|".join([*columns, "{{.Names}}", "{{.Image}}", "{{.State}}", "{{.Ports}}"])
        rows = self.docker.run("ps", "--all", "--filter", f"label={leftovers.LABEL}={self.id}", "--format", form)
        found = {}
        self.half_made = []
        for row in sorted(rows.splitlines()):
            role, flavour, name, image, state, ports = row.split("|")
            port = re.search(r"127\.0\.0\.1:(\d+)->", ports)
            container = Container(self.docker, self.id, role, flavour)
            if name != container.name:
                self.half_made.append(name)
                continue
            found[role] = Found(container, image, state == "running", int(port[1]) if port else 0)
        self._found = found
        return dict(found)

    def find(self, name: str) -> Found:
        """A container of the sandbox, as it was seen last if it ran then; raises NotReadyError where there is none."""
        known = self._found.get(name)
        if known and known.running:
            return known
        found = self.found()
        if name not in found:
            raise NotReadyError(f"the sandbox has no {name}", hint="inv sandbox.up")
        return found[name]

    def write_files(self) -> bool:
        """Write ssh_config, known_hosts and the rest as the running containers make them; tells if any changed."""
        found = {role: each for role, each in self.found().items() if each.running}
        hosts = {role: each for role, each in found.items() if role not in SERVICES}
        ports = {role: each.port for role, each in hosts.items()}
        host_keys = {each.port: Host(each.container, each.port).host_keys() for each in hosts.values()}
        keys, state = self.keys, self.state
        texts = {
            self.ssh_config: files.ssh_config(ports, state / "ssh_key", self.directory / "known_hosts"),
            self.directory / "known_hosts": files.known_hosts(host_keys),
            self.directory / "env": files.environment(self.environment),
            state / "ca.pem": keys.authority,
        }
        if "aws" in found:
            texts[state / "aws" / "config"] = files.aws_config(aws.REGION, found["aws"].port, state / "ca.pem")
        secret = {
            self.directory / ".env": files.service_environment(self.database_url()),
            state / "ssh_key": keys.ssh_private,
            state / "aws" / "credentials": files.aws_credentials(keys.puller),
        }
        written = [write(path, text) for path, text in texts.items()]
        return any(written + [write(path, text, mode=0o600) for path, text in secret.items()])
