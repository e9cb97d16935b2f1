"""Who gets in with `ssh HOST` gets in with `fab -H HOST`: each way is one ssh_config, tried by both."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import processes, ssh_agent
from tests.integration.breaking import undone
from tests.integration.conftest import Operator

ALL = """
Host *
    User root
    IdentityFile "{key}"
    IdentitiesOnly yes
    UserKnownHostsFile "{known}"
    GlobalKnownHostsFile /dev/null
"""
NEAR = "Host sandbox\n    HostName 127.0.0.1\n    Port {port}\n"
BEHIND = "Host sandbox\n    HostName sandbox\n    Port 22\n"
GATEWAY = "Host sandbox-2\n    HostName 127.0.0.1\n    Port {gateway_port}\n"
NO_KEY = "    IdentitiesOnly no\n"

WAYS = {
    "include": "Include {folder}/included\n",
    "jump": BEHIND + "    ProxyJump sandbox-2\n" + GATEWAY,
    "two hops": BEHIND + "    ProxyJump sandbox-2,sandbox-3\nHost sandbox-3\n    HostName sandbox-3\n" + GATEWAY,
    "a hop's own hop": BEHIND
    + "    ProxyJump sandbox-3\nHost sandbox-3\n    HostName sandbox-3\n    ProxyJump sandbox-2\n"
    + GATEWAY,
    "a hop with a user and a port": (
        BEHIND + "    ProxyJump root@127.0.0.1:{gateway_port}\nHost 127.0.0.1\n    User nobody\n    Port 9\n"
    ),
    "a hop with tokens": BEHIND + "    ProxyJump %r@127.0.0.1:{gateway_port}\nHost 127.0.0.1\n    User nobody\n",
    "final": NEAR + "Match final all\n    Compression no\n",
    "no jump": NEAR + "    ProxyJump none\nHost *\n    ProxyJump sandbox-2\n",
    "no jump for the gateway": BEHIND + GATEWAY + "    ProxyJump none\nHost *\n    ProxyJump sandbox-2\n",
    "command": (BEHIND + "    ProxyCommand ssh -F {config} -W %h:%p sandbox-2 2>/dev/null | cat\n" + GATEWAY),
    "alias": NEAR + "    HostKeyAlias sandbox\n",
    "match": (
        'Host sandbox\n    HostName 127.0.0.1\nMatch originalhost sandbox exec "test %n = sandbox"\n    Port {port}\n'
    ),
    "agent": NEAR + "    IdentityAgent {agent}\n" + NO_KEY,
    "one key of an agent": NEAR + "    IdentityAgent {agent}\n    IdentityFile {folder}/listed.pub\n",
    "certificate": NEAR + "    IdentityFile {folder}/own\n    CertificateFile {folder}/certificates/%u.pub\n",
    "certificate of an agent's key": (
        NEAR + "    IdentityAgent {agent}\n    CertificateFile {folder}/certificates/agent.pub\n" + NO_KEY
    ),
    "files with a space": NEAR + '    UserKnownHostsFile /dev/null "{folder}/known hosts" "{folder}/none here"\n',
    "tokens": NEAR + '    IdentityFile "{folder}/my keys/%n of %r"\n',
}
OF_THEIR_OWN = ("agent", "one key of an agent", "certificate", "certificate of an agent's key", "tokens")
"""The ways that bring their keys: the sandbox's is of no use to them."""


@dataclass
class Way:
    """An ssh_config and what it names, in a folder of a test's own."""

    operator: Operator
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "config"

    @property
    def key(self) -> Path:
        return self.operator.sandbox.state / "ssh_key"

    def write(self, text: str, *, known: str | None = None, key: str = "") -> None:
        """Write an ssh_config whose last entry is that of all hosts, and the known_hosts that it names."""
        for name in ("known_hosts", "known hosts"):
            (self.folder / name).write_text(self.known if known is None else known)
        every = ALL.replace("{key}", f"{{folder}}/{key}") if key else ALL
        self.config.write_text(self.filled(text + every))

    def filled(self, text: str) -> str:
        second = self.operator.sandbox.host("sandbox-2")
        names = {"folder": self.folder, "config": self.config, "key": self.key, "agent": self.folder / "agent"}
        return text.format(
            **names, known=self.folder / "known_hosts", port=self.operator.host.port, gateway_port=second.port
        )

    @property
    def known(self) -> str:
        return "".join(self.lines(name) for name in ("sandbox", "sandbox-2", "sandbox-3"))

    def lines(self, name: str) -> str:
        host = self.operator.sandbox.host(name)
        return "".join(f"{name},[127.0.0.1]:{host.port} {key}\n" for key in host.host_keys().splitlines())

    def ssh(self, login: str = "sandbox", *options: str) -> str:
        """The name of the host that ssh itself reaches; without one, the test is about nothing."""
        words = ["ssh", "-F", str(self.config), "-o", "BatchMode=yes", *options, login, "hostname"]
        done = processes.run(words, env=self.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def fab(self, login: str = "sandbox", **variables: str) -> subprocess.CompletedProcess[str]:
        words = self.operator.command("logs", "--tail", "1")
        words[words.index("-S") + 1], words[words.index("-H") + 1] = str(self.config), login
        return processes.run(words, env=self.environment | variables)

    def refused(self, code: int, login: str = "sandbox") -> str:
        done = self.fab(login)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    @property
    def environment(self) -> dict[str, str]:
        return self.operator.variables() | {"SSH_AUTH_SOCK": str(self.folder / "nobody")} | self.variables


def keygen(*words: str | Path) -> None:
    subprocess.run(["ssh-keygen", "-q", *map(str, words)], check=True)


@pytest.fixture
def way(ready: Operator, tmp_path: Path) -> Iterator[Way]:
    """A folder with all that the ways name: keys, certificates that the host takes, and an agent of many keys."""
    way = Way(ready, tmp_path)
    (tmp_path / "included").write_text(way.filled(NEAR))
    for name in ("authority", "own", "unused", *(f"other{number}" for number in range(6))):
        keygen("-t", "ed25519", "-N", "", "-f", tmp_path / name)
    (tmp_path / "certificates").mkdir()
    for name, whose in (("root", "own"), ("agent", "other5")):
        keygen("-s", tmp_path / "authority", "-I", "me", "-n", "root", tmp_path / f"{whose}.pub")
        shutil.move(tmp_path / f"{whose}-cert.pub", tmp_path / "certificates" / f"{name}.pub")
    public = subprocess.run(["ssh-keygen", "-y", "-f", str(way.key)], check=True, capture_output=True, text=True)
    (tmp_path / "listed.pub").write_text(public.stdout)
    (tmp_path / "my keys").mkdir()
    shutil.copy(way.key, tmp_path / "my keys" / "sandbox of root")
    trusted = shlex.quote(f"cert-authority {(tmp_path / 'authority.pub').read_text().strip()}")
    file = "/etc/ssh/authorized_keys"
    with undone(
        ready.host,
        f"cp -p {file} {file}.old && echo {trusted} >>{file}",
        f"[ ! -e {file}.old ] || mv {file}.old {file}",
    ):
        yield way


@contextmanager
def agent_for(name: str, way: Way) -> Iterator[None]:
    others = [way.folder / f"other{number}" for number in range(6)]
    keys = {
        "agent": [way.key],
        "one key of an agent": [*others, way.key],
        "certificate of an agent's key": others,
    }
    if name not in keys:
        yield
        return
    copies = []
    for number, key in enumerate(keys[name]):
        copies.append(way.folder / f"copy{number}")
        shutil.copy(key, copies[-1])
    with ssh_agent.running(way.folder / "agent", *copies):
        for copy in copies:
            copy.unlink()
        yield


@pytest.mark.parametrize("name", WAYS)
def test_who_gets_in_with_ssh_gets_in(way: Way, name: str) -> None:
    way.write(WAYS[name], key="unused" if name in OF_THEIR_OWN else "")
    with agent_for(name, way):
        assert way.ssh() == "sandbox"
        done = way.fab()
    assert done.returncode == 0, done.stderr


def test_what_was_typed_wins_over_ssh_config(way: Way) -> None:
    way.write(NEAR.replace("Port {port}", "Port 9\n    User nobody") + "    HostKeyAlias sandbox\n")
    typed = f"root@sandbox:{way.operator.host.port}"
    assert way.ssh("root@sandbox", "-p", str(way.operator.host.port)) == "sandbox"
    done = way.fab(typed)
    assert done.returncode == 0, done.stderr
    assert "cannot connect to nobody@127.0.0.1 port 9" in way.refused(3)


def test_the_time_that_was_typed_bounds_the_connection(way: Way) -> None:
    way.write(NEAR + "    ConnectTimeout 9\n")
    words = way.operator.command("logs", "--tail", "1")
    words[words.index("-S") + 1] = str(way.config)
    done = processes.run([words[0], "-t", "60", *words[1:]], env=way.environment)
    assert done.returncode == 0, done.stderr


def test_without_an_ssh_on_this_machine_fabric_reads_ssh_config(way: Way) -> None:
    way.write(WAYS["jump"])
    done = way.fab(PATH="/nowhere")
    assert done.returncode == 0, done.stderr
    way.write(WAYS["include"])
    assert way.fab(PATH="/nowhere").returncode == 3


COUNTING = """#!/bin/sh
echo "$@" >>{log}
exec {ssh} "$@"
"""


def test_ssh_is_asked_once_for_each_hop(way: Way) -> None:
    programs, log = way.folder / "bin", way.folder / "asked"
    programs.mkdir()
    (programs / "ssh").write_text(COUNTING.format(log=log, ssh=shutil.which("ssh")))
    (programs / "ssh").chmod(0o755)
    way.write(f'Match originalhost sandbox exec "echo looked >>{way.folder}/exec"\n' + WAYS["two hops"])
    way.variables["PATH"] = f"{programs}:{os.environ['PATH']}"
    done = way.fab()
    assert done.returncode == 0, done.stderr
    asked = [line.split()[-1] for line in log.read_text().splitlines()]
    assert asked == ["sandbox", "sandbox-3", "sandbox-2"]
    assert (way.folder / "exec").read_text() == "looked\n"


def test_a_file_that_ssh_cannot_make_sense_of_is_told_in_its_words(way: Way) -> None:
    way.write("Host sandbox\n    HostNmae 127.0.0.1\n")
    told = way.refused(2)
    assert "sandbox: ssh does not accept this host or its configuration." in told
    assert f"{way.config}: line 2: Bad configuration option: hostnmae" in told


def test_hops_that_lead_back_are_a_mistake_in_the_file(way: Way) -> None:
    way.write("Host sandbox\n    ProxyJump sandbox-2\nHost sandbox-2\n    ProxyJump sandbox\n")
    assert "sandbox: its ProxyJump leads back to sandbox." in way.refused(2)


def test_a_changed_key_of_a_gateway_is_told_as_the_gateways(way: Way) -> None:
    way.write(WAYS["two hops"], known=way.lines("sandbox") + way.lines("sandbox-2"))
    assert "sandbox-3: its SSH host key" in way.refused(3)
    other = way.lines("sandbox").replace("sandbox,", "sandbox-3,")
    way.write(WAYS["two hops"], known=way.lines("sandbox") + way.lines("sandbox-2") + other)
    told = way.refused(3)
    assert "sandbox-3: its SSH host key has changed" in told
    assert "ssh-keygen -R sandbox-3 -f" in told


def test_a_gateway_that_refuses_our_key_is_named(way: Way) -> None:
    way.write(BEHIND + "    ProxyJump sandbox-2\n" + GATEWAY, key="unused")
    told = way.refused(3)
    assert told.startswith("sandbox-2: root@127.0.0.1 port "), told
    assert "refused our key or password" in told


def test_a_host_that_its_gateway_does_not_reach_is_named_with_it(way: Way) -> None:
    way.write("Host sandbox\n    HostName sandbox\n    Port 9\n    ProxyJump sandbox-2\n" + GATEWAY)
    assert "sandbox: cannot connect to root@sandbox port 9 through sandbox-2." in way.refused(3)
