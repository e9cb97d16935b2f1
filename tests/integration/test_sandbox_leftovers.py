"""What a killed run left is swept by the next one, what may be alive is not; what is half made is made anew."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import leftovers, owned
from sandbox.docker import Docker
from sandbox.owned import Owner
from sandbox.sandbox import Sandbox
from tests.processes import ROOT

KILLED = """
import sys
from pathlib import Path
from sandbox import owned
from sandbox.sandbox import Sandbox

with owned.temporary_directory("/var/tmp") as folder:
    Path(folder, "root").mkdir()
    sandbox = Sandbox("killed", Path(sys.argv[1]), temporary=True)
    sandbox.up()
    print("up", folder, flush=True)
    sys.stdin.read()
"""
DIES_BEFORE_ITS_FILES_ARE_PLACED = """
import os, signal, sys
from pathlib import Path
from sandbox.machines import Container
from sandbox.sandbox import Sandbox

Container.place = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
Sandbox("self", Path(sys.argv[1])).add_host("half")
"""


@pytest.fixture(scope="session")
def sandbox(sandbox_of_one_host: Sandbox) -> Sandbox:
    return sandbox_of_one_host


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def dead() -> Owner:
    """A process that was, in the place of ours."""
    with start("input()") as process:
        owner = Owner.of(process.pid)  # while it lives: of one that ended there is less to see
        process.communicate("\n")
    assert owner
    return owner


def test_what_a_killed_run_left_is_swept_by_the_next_bring_up(sandbox: Sandbox, tmp_path: Path) -> None:
    docker, directory = sandbox.docker, tmp_path / "killed"
    with start(KILLED, str(directory)) as process:
        assert process.stdout
        while not (line := process.stdout.readline()).startswith("up "):
            assert line
        folder = Path(line.split()[1])
        mine = f"{leftovers.LABEL}={Sandbox('killed', directory).id}"
        assert {thing.kind for thing in leftovers.things(docker, mine)} == {"container", "network", "volume"}
        leftovers.sweep(docker)
        assert len(list(leftovers.things(docker, mine))) > 5  # its owner lives
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert (directory / ".env").exists()
    assert (folder / "root").exists()

    second = Sandbox("next", tmp_path / "next", temporary=True)
    try:
        second.up()
        assert list(leftovers.things(docker, mine)) == []
        assert list(directory.iterdir()) == []
        assert not folder.exists()
        assert sandbox.up() is False
    finally:
        second.down()


def owners() -> dict[str, str]:
    this, was = Owner.this(), dead()
    assert this
    return {
        "alive": str(this),
        "dead": str(was),
        "of another PID namespace": str(replace(was, namespace="1")),
        "of an earlier boot": str(replace(this, boot="0" * 32)),
        "with the PID of one that lives": str(replace(this, start="1")),
        "unreadable": "galos",
    }


def test_only_what_surely_has_no_owner_is_swept(sandbox: Sandbox) -> None:
    docker = sandbox.docker
    made = {}
    for name, owner in owners().items():
        labels = {leftovers.LABEL: f"case-{os.getpid()}", f"{leftovers.LABEL}.owner": owner}
        made[name] = docker.run("volume", "create", *leftovers.flags(labels))
    try:
        leftovers.sweep(docker)
        left = docker.run("volume", "ls", "--quiet").split()
        kept = {name for name, volume in made.items() if volume in left}
        assert kept == {"alive", "of another PID namespace", "unreadable"}
    finally:
        docker.run("volume", "rm", "--force", *made.values())


def test_a_sandbox_that_stays_up_is_swept_when_its_directory_is_gone(sandbox: Sandbox, tmp_path: Path) -> None:
    docker, directory = sandbox.docker, tmp_path / "demo"
    directory.mkdir()
    labels = leftovers.labels(f"demo-{os.getpid()}", directory, temporary=False)
    elsewhere = {**labels, f"{leftovers.LABEL}.place": "1"}
    here, there = (docker.run("volume", "create", *leftovers.flags(each)) for each in (labels, elsewhere))

    def left() -> set[str]:
        return {here, there} & set(docker.run("volume", "ls", "--quiet").split())

    try:
        leftovers.sweep(docker)
        assert left() == {here, there}
        directory.rmdir()
        leftovers.sweep(docker)
        assert left() == {there}  # its directory may exist where this process does not see it
    finally:
        docker.run("volume", "rm", "--force", here, there)


def test_a_temporary_directory_of_one_that_lives_is_left_alone() -> None:
    with owned.temporary_directory("/var/tmp") as folder:
        owned.sweep_directories()
        assert Path(folder).is_dir()
    assert not Path(folder).exists()


def names(docker: Docker, sandbox: Sandbox) -> str:
    return docker.run("ps", "--all", "--format", "{{.Names}}", "--filter", f"label={leftovers.LABEL}={sandbox.id}")


@pytest.mark.parametrize("next_command", ["up", "add_host"])
def test_a_container_that_is_half_made_is_made_anew(sandbox: Sandbox, next_command: str) -> None:
    with start(DIES_BEFORE_ITS_FILES_ARE_PLACED, str(sandbox.directory)) as process:
        assert process.wait() == -signal.SIGKILL
    assert ".half-made" in names(sandbox.docker, sandbox)
    assert "half" not in sandbox.found()
    try:
        if next_command == "up":
            assert sandbox.up() is False
            assert ".half-made" not in names(sandbox.docker, sandbox)
        host = sandbox.add_host("half")
        assert ".half-made" not in names(sandbox.docker, sandbox)
        assert host.shell("cat /etc/ssh/authorized_keys").startswith("ssh-ed25519 ")
    finally:
        sandbox.remove_host("half")
