"""The containers of a sandbox: three services as a table, and Docker hosts."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network

from galos_ops.errors import NotReadyError
from sandbox import leftovers
from sandbox.aws import ACCOUNT, AWS_NAMES, REGION, REGISTRY, users
from sandbox.catalogue import REPOSITORIES
from sandbox.docker import Docker
from sandbox.keys import Keys
from sandbox.layers import File, tar
from sandbox.leftovers import LABEL

HALF_MADE = ".half-made"
CONNECTS = "bash -c '</dev/tcp/127.0.0.1/443'"
UNPRIVILEGED = (
    *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"),
    *("--security-opt", "seccomp=unconfined"),
    *("--security-opt", "apparmor=unconfined"),
    *("--security-opt", "systempaths=unconfined"),
)


@dataclass(frozen=True)
class Service:
    """What a container offers; `ready` is a shell command that succeeds inside it when it works."""

    aliases: tuple[str, ...]
    ready: str
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


SERVICES = {
    "db": Service(("db",), ready="pg_isready --host 127.0.0.1"),
    "registry": Service((REGISTRY,), CONNECTS, port=443),
    "aws": Service(
        AWS_NAMES,
        CONNECTS,
        port=443,
        environment={"ACCOUNT": ACCOUNT, "REGION": REGION, "REPOSITORIES": " ".join(REPOSITORIES)},
    ),
}


@dataclass(frozen=True)
class Container:
    """One container of a sandbox; `flavour` is a host's docker-compose, empty for a service."""

    docker: Docker
    sandbox: str
    role: str
    flavour: str = ""
    suffix: str = ""

    @property
    def name(self) -> str:
        """Its name on the engine."""
        return f"galos-{self.sandbox}-{self.role}{self.suffix}"

    @property
    def service(self) -> Service:
        """How it is reached and when it works; a host is its sshd and its engine."""
        return SERVICES.get(self.role) or Service((self.role,), "docker version", port=22)

    @property
    def image(self) -> str:
        """The name of the image that the container is made of."""
        return self.role if self.role in SERVICES else f"host-{self.flavour}"

    def create(self, image: str, files: Mapping[str, File], labels: Mapping[str, str]) -> None:
        """Create the container with the given files in it; it isn't started.

        It has its name when it is complete, and another one until then.
        """
        service, half_made = self.service, replace(self, suffix=HALF_MADE)
        all_labels = {**labels, f"{LABEL}.role": self.role, f"{LABEL}.flavour": self.flavour}
        privileged = self.role not in SERVICES and can_be_privileged(self.docker, image)
        self.docker.run(
            "create",
            *("--name", half_made.name, "--hostname", self.role, "--network", f"galos-{self.sandbox}"),
            *leftovers.flags(all_labels),
            *(part for alias in service.aliases for part in ("--network-alias", alias)),
            *(("--publish", f"127.0.0.1::{service.port}") if service.port else ()),
            *(part for item in service.environment.items() for part in ("--env", "=".join(item))),
            *(() if self.role in SERVICES else host_options(privileged, labels)),
            image,
        )
        half_made.place(files)
        self.docker.run("rename", half_made.name, self.name)

    def place(self, files: Mapping[str, File]) -> None:
        """Put files, by their absolute path, into the container, running or not."""
        if not files:
            return
        relative = {path.lstrip("/"): file for path, file in files.items()}
        self.docker.run("cp", "-", f"{self.name}:/", stdin=tar(relative))

    def start(self) -> None:
        """Start the container and wait until what it is for works."""
        self.docker.run("start", self.name)
        self.wait()

    def wait(self, seconds: int = 60) -> None:
        """Wait until what the container is for works; raises NotReadyError with its log."""
        script = f"until {self.service.ready} >/dev/null 2>&1; do sleep 0.1; done"
        if not self.docker.ok("exec", self.name, "timeout", str(seconds), "bash", "-c", script):
            log = self.docker.attempt("logs", "--tail", "20", self.name)
            raise NotReadyError(
                f"{self.role} of the sandbox does not work", evidence=(log.stdout + log.stderr).decode(errors="replace")
            )

    def stop(self) -> None:
        """Stop the container."""
        self.docker.run("stop", "--time", "5", self.name)

    def remove(self) -> None:
        """Remove the container and its volumes."""
        self.docker.run("rm", "--force", "--volumes", self.name)


def host_options(privileged: bool, labels: Mapping[str, str]) -> tuple[str, ...]:
    """What lets an engine run inside a container: everything, or as much as this machine itself may give."""
    privileges = ("--privileged",) if privileged else UNPRIVILEGED
    fields = ("type=volume", "destination=/var/lib/docker", *(f"volume-label={k}={v}" for k, v in labels.items()))
    mount = io.StringIO()
    csv.writer(mount, lineterminator="").writerow(fields)
    return (*privileges, "--mount", mount.getvalue(), "--tmpfs", "/run:exec,mode=755")


PRIVILEGED: dict[Docker, bool] = {}
ASKING = threading.Lock()


def can_be_privileged(docker: Docker, image: str) -> bool:
    """Tell whether the engine can start a privileged container; it is tried once, with this image."""
    with ASKING:
        if docker not in PRIVILEGED:
            PRIVILEGED[docker] = docker.ok("run", "--rm", "--privileged", "--network", "none", image, "true")
        return PRIVILEGED[docker]


def contents(role: str, keys: Keys, network: IPv4Network | None = None) -> Mapping[str, File]:
    """The files that make a container part of this sandbox; `network` is what the engine of a host divides."""
    certificate = {"/tls/server.pem": keys.certificate, "/tls/server.key": keys.certificate_key}
    texts = {
        "db": {},
        "registry": certificate,
        "aws": {**certificate, "/tls/ca.pem": keys.authority, "/aws/users.json": users(keys)},
    }.get(
        role,
        {
            "/usr/local/share/ca-certificates/sandbox.crt": keys.authority,
            "/etc/ssh/authorized_keys": keys.ssh_public + "\n",
            "/etc/galos-sandbox/network": f"{network}\n",
        },
    )
    secret = ("/tls/", "/aws/")
    return {path: File(text.encode(), 0o600 if path.startswith(secret) else 0o644) for path, text in texts.items()}
