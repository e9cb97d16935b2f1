"""The Docker engine under every sandbox of this machine: one that is there, or one of our own on a bare Debian."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from galos_ops.errors import CommandFailed, NotReadyError
from sandbox.docker import Docker
from sandbox.steps import Steps

LABEL = "galos-sandbox"
DATA = Path("/var/lib/galos-sandbox")
RUN = Path("/run/galos-sandbox")
OWN = Docker(f"unix://{RUN / 'docker.sock'}")
LOG = DATA / "dockerd.log"
NETWORKS = DATA / "docker" / "network" / "files" / "local-kv.db"
PIDFILE = RUN / "docker.pid"
PACKAGES = ("docker.io", "docker-cli", "iptables")


@contextlib.contextmanager
def lock(name: str, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
    """Hold a lock of this machine; raises BlockingIOError where another holds it and `wait` is false."""
    directory = Path("/run/lock")
    if not directory.is_dir():
        directory = Path(tempfile.gettempdir())
    with (directory / f"{LABEL}-{os.getuid()}.{name}").open("a") as file:
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(file, mode if wait else mode | fcntl.LOCK_NB)
        yield


def in_use() -> contextlib.AbstractContextManager[None]:
    """Keep every other sandbox's `stop_if_idle` from stopping the engine inside the block."""
    return lock("use", shared=True)


def find() -> Docker | None:
    """Return the engine that DOCKER_HOST names, else our own, else the one that the docker client finds."""
    if not os.environ.get("DOCKER_HOST") and OWN.answers():
        return OWN
    docker = Docker()
    if not docker.answers():
        return None
    return Docker(docker.run("context", "inspect", "--format", "{{.Endpoints.docker.Host}}"))


def ensure(steps: Steps) -> Docker:
    """Return a working engine; on Debian as root, install and start one where there is none."""
    with lock("engine"):
        docker = find()
        if docker:
            return docker
        named = os.environ.get("DOCKER_HOST")
        if named and named != OWN.host:
            raise NotReadyError(f"no Docker engine answers at DOCKER_HOST={named}", hint="unset DOCKER_HOST")
        if not can_install():
            raise NotReadyError(
                "no Docker engine answers, and only on Debian as root one can be installed from here",
                hint="install and start Docker, then run this again",
            )
        if not shutil.which("dockerd"):
            with steps.step("install docker.io"):
                install(*PACKAGES)
            docker = find()
            if docker:
                return docker
        with steps.step("start a Docker engine"):
            start()
        return OWN


def can_install() -> bool:
    """Tell whether apt-get can install packages here."""
    return os.getuid() == 0 and bool(shutil.which("apt-get"))


def install(*packages: str) -> None:
    """Install the Debian packages that this release of Debian has, after `apt-get update` where that is needed."""
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")

    def apt(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            arguments, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )

    def known() -> list[str]:
        return [name for name in packages if apt("apt-cache", "show", name).returncode == 0]

    command = ("apt-get", "install", "-y", "--no-install-recommends")
    if not known() or apt(*command, *known()).returncode != 0:
        apt("apt-get", "update")
        done = apt(*command, *(known() or packages))
        if done.returncode != 0:
            raise CommandFailed(f"apt-get could not install {' '.join(packages)}", evidence=done.stderr)


def start() -> None:
    """Start our own dockerd, detached, and wait until it answers.

    An engine that was killed while it made or removed a network can leave a record of it on which the next start
    panics (libnetwork in Docker 20.10); then the records are dropped and it starts once more.
    """
    if not launch() and NETWORKS.exists():
        NETWORKS.unlink()
        launch()
    if not OWN.answers():
        raise NotReadyError(f"dockerd does not answer, its log is {LOG}", evidence=LOG.read_text(errors="replace"))


def launch() -> bool:
    """Run dockerd in a session of its own; tells whether it answered before it ended or half a minute was over."""
    DATA.mkdir(mode=0o711, parents=True, exist_ok=True)
    RUN.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [
        "dockerd",
        f"--host={OWN.host}",
        f"--pidfile={PIDFILE}",
        f"--data-root={DATA / 'docker'}",
        f"--exec-root={RUN / 'exec'}",
    ]
    with LOG.open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
        )
    for _ in range(300):
        if OWN.answers():
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.1)
    return False


def stop_if_idle(docker: Docker) -> bool:
    """Stop the engine if it is our own and no sandbox uses it; tells whether it did."""
    if docker != OWN:
        return False
    try:
        with lock("use", wait=False):
            if not PIDFILE.exists() or OWN.run("ps", "--all", "--quiet", "--filter", f"label={LABEL}"):
                return False
            stop()
            return True
    except BlockingIOError:
        return False


def stop() -> None:
    """Stop our own dockerd and wait until it is gone."""
    pid = int(PIDFILE.read_text())
    os.kill(pid, signal.SIGTERM)
    while running(pid):
        time.sleep(0.05)
    shutil.rmtree(RUN, ignore_errors=True)
    if shutil.which("ip"):
        subprocess.run(["ip", "link", "delete", "docker0"], capture_output=True, check=False)


def running(pid: int) -> bool:
    """Tell whether the process lives; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def discard() -> None:
    """Delete what our own engine keeps, unless it runs."""
    if not PIDFILE.exists():
        shutil.rmtree(DATA, ignore_errors=True)
