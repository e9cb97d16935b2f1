"""The Docker engine under every sandbox of this machine: one that is there, or one of our own on a bare Debian."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from galos_ops.errors import NotReadyError
from sandbox import patience
from sandbox.docker import Docker
from sandbox.leftovers import LABEL
from sandbox.own_engine import PACKAGES, VARIABLE, OwnEngine
from sandbox.steps import Steps

LOCKS = ("use", "engine", "build", "packages")
APT_LOCK_SECONDS = 300  # of another program that installs meanwhile


@contextlib.contextmanager
def lock(name: str, *, shared: bool = False, wait: bool = True) -> Iterator[Path]:
    """Hold a lock of this machine's engine; raises BlockingIOError where another holds it and `wait` is false."""
    path = lock_file(name)
    while True:
        with path.open("a") as file:
            mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(file, mode if wait else mode | fcntl.LOCK_NB)
            if not still(path, file.fileno()):
                continue
            yield path
            return


def lock_file(name: str) -> Path:
    """Where a lock lies."""
    directory = Path("/run/lock")
    if not directory.is_dir():
        directory = Path(tempfile.gettempdir())
    return directory / f"{OwnEngine.chosen().name}-{os.getuid()}.{name}"


def still(path: Path, descriptor: int) -> bool:
    """Tell whether an open file is the one that lies there: its last holder may have deleted it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def in_use() -> contextlib.AbstractContextManager[Path]:
    """Keep every other sandbox's `stop_if_idle` from stopping the engine inside the block."""
    return lock("use", shared=True)


def find() -> Docker | None:
    """Return the engine that DOCKER_HOST names, else our own, else the one that the docker client finds.

    Where $GALOS_SANDBOX_ENGINE names one of our own, there is no other. Raises NotReadyError for an engine that no
    sandbox can be on.
    """
    own = OwnEngine.chosen().docker
    named = os.environ.get("DOCKER_HOST", "")
    if os.environ.get(VARIABLE) or not named:
        if own.answers():
            return usable(own)
        if os.environ.get(VARIABLE):
            return None
    require_local(named)
    docker = Docker()
    endpoint = docker.attempt("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    address = endpoint.stdout.decode(errors="replace").strip()
    if endpoint.returncode == 0:
        require_local(address)
    if not docker.answers():
        return None
    return usable(Docker(address))


def require_local(address: str) -> None:
    """Raise NotReadyError for an engine that is reached by another way than a socket of this machine."""
    if address and not address.startswith("unix://"):
        raise NotReadyError(
            f"the Docker engine is at {address}: the sandbox needs one of this machine, at a Unix socket",
            hint="unset DOCKER_HOST, or docker context use default",
        )


def usable(docker: Docker) -> Docker:
    """Return the engine; raises NotReadyError where it cannot run what the sandbox is made of."""
    kind = docker.kind()
    if kind != "linux/x86_64":
        raise NotReadyError(
            f"the Docker engine is {kind}: the sandbox is made of programs for linux/x86_64",
            hint="run it on a machine with such an engine",
        )
    return docker


def ensure(steps: Steps) -> Docker:
    """Return a working engine; on Debian as root, install and start one where there is none."""
    with lock("engine"):
        docker = find()
        if docker:
            return docker
        own = OwnEngine.chosen()
        named = os.environ.get("DOCKER_HOST")
        if named and named != own.docker.host and not os.environ.get(VARIABLE):
            raise NotReadyError(f"no Docker engine answers at DOCKER_HOST={named}", hint="unset DOCKER_HOST")
        if not can_install():
            raise NotReadyError(
                "no Docker engine answers, and only on Debian as root one can be installed from here",
                hint="install and start Docker, then run this again",
            )
        if not all(shutil.which(program) for program in ("dockerd", "iptables", "ip")):
            with steps.step("install docker.io"):
                install(steps, *PACKAGES)
            docker = find()
            if docker:
                return docker
        with steps.step("start a Docker engine"):
            own.start()
        return usable(own.docker)


def can_install() -> bool:
    """Tell whether apt-get can install packages here."""
    return os.getuid() == 0 and bool(shutil.which("apt-get"))


def install(steps: Steps, *packages: str) -> None:
    """Install the Debian packages that this release of Debian has, after `apt-get update` where that is needed."""
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    what = f"install {packages[0]}"

    def known() -> list[str]:
        shown = ("apt-cache", "show")
        return [name for name in packages if not subprocess.run([*shown, name], capture_output=True).returncode]

    def command() -> list[str]:
        waits = ("-o", f"DPkg::Lock::Timeout={APT_LOCK_SECONDS}")
        return ["apt-get", *waits, "install", "-y", "--no-install-recommends", *(known() or packages)]

    with lock("packages"):  # two base images are made at a time, and apt-get refuses to read its lists twice at once
        if known():
            tried = patience.attempt(patience.APT_INSTALL, what, command(), steps, environment=environment)
            if tried.exit_code == 0:
                return
        patience.run(patience.APT_UPDATE, what, ["apt-get", "update"], steps, environment=environment)
        patience.run(patience.APT_INSTALL, what, command(), steps, environment=environment)


def stop_if_idle(docker: Docker) -> bool:
    """Stop the engine if it is our own and no sandbox uses it; tells whether it did."""
    own = OwnEngine.chosen()
    if docker != own.docker:
        return False
    try:
        with lock("use", wait=False):
            if not own.pid or docker.run("ps", "--all", "--quiet", "--filter", f"label={LABEL}"):
                return False
            own.stop()
            return True
    except BlockingIOError:
        return False


def discard() -> None:
    """Delete what our own engine keeps and its locks, unless it runs or another waits for it."""
    own = OwnEngine.chosen()
    with contextlib.suppress(BlockingIOError), contextlib.ExitStack() as held:
        files = [held.enter_context(lock(name, wait=False)) for name in LOCKS]
        if os.getuid() == 0:
            own.discard()
        if not own.pid:
            for file in files:
                file.unlink()
