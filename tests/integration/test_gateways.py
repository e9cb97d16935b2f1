"""A host behind a gateway, and a connection that somebody else opened: the keys of all of them are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fabric import Config, Connection

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import HostKeyError
from galos_ops.host.host import Host
from tests.integration.conftest import Operator

ENTRY = """Host {name}
    HostName {address}
    Port {port}
    User root
    IdentityFile {key}
    IdentitiesOnly yes
    UserKnownHostsFile {known}
"""


@dataclass(frozen=True)
class Jump:
    """The way to `sandbox`, in whose own network it has that name, through `sandbox-2`."""

    operator: Operator
    directory: Path

    @property
    def gateway_keys(self) -> str:
        host = self.operator.sandbox.host("sandbox-2")
        return "".join(f"[127.0.0.1]:{host.port} {key}\n" for key in host.host_keys().splitlines())

    @property
    def host_keys(self) -> str:
        return "".join(f"sandbox {key}\n" for key in self.operator.host.host_keys().splitlines())

    def config(self, known_hosts: str) -> Path:
        """An ssh_config beside a known_hosts with these lines."""
        known, config = self.directory / "known_hosts", self.directory / "config"
        known.write_text(known_hosts)
        names = {"key": self.operator.sandbox.state / "ssh_key", "known": known}
        port = self.operator.sandbox.host("sandbox-2").port
        gateway = ENTRY.format(name="sandbox-2", address="127.0.0.1", port=port, **names)
        behind = ENTRY.format(name="sandbox", address="sandbox", port=22, **names)
        config.write_text(f"{behind}    ProxyJump sandbox-2\n{gateway}")
        return config

    def fab(self, known_hosts: str, *words: str) -> tuple[int | None, str]:
        """Type `fab WORDS`; the exit code and the output."""
        running = self.operator.start(*words, ssh_config=self.config(known_hosts))
        told = running.communicate()[0]
        return running.returncode, told


@pytest.fixture
def jump(ready: Operator, tmp_path: Path) -> Jump:
    return Jump(ready, tmp_path)


def test_a_host_behind_a_gateway_is_a_host(jump: Jump) -> None:
    code, told = jump.fab(jump.gateway_keys + jump.host_keys, "ecr.helper")
    assert code == 0, told


def test_a_gateway_whose_key_is_unknown_stops_everything(jump: Jump) -> None:
    code, told = jump.fab(jump.host_keys, "ecr.helper")
    assert code == 3, told
    assert "sandbox-2: its SSH host key" in told
    assert "nothing was run" in told


def test_a_host_behind_a_gateway_whose_key_is_unknown_stops_everything(jump: Jump) -> None:
    code, told = jump.fab(jump.gateway_keys, "ecr.helper")
    assert code == 3, told
    assert "is not in known_hosts as sandbox; nothing was run" in told


SECOND = CommandLine("sandbox-2")


@pytest.fixture
def opened(ready: Operator, tmp_path: Path) -> Iterator[Connection]:
    """A connection that Fabric opened by itself, without a look at the key of the host, which no file knows."""
    jump = Jump(replace(ready), tmp_path)
    config = jump.config(jump.host_keys)
    connection = Connection("sandbox-2", config=Config(runtime_ssh_path=str(config)))
    connection.open()
    yield connection
    connection.close()


def test_a_connection_that_somebody_else_opened_is_looked_at(opened: Connection) -> None:
    with (
        pytest.raises(HostKeyError, match=r"sandbox-2: its SSH host key .* is not in known_hosts"),
        Host(opened, SECOND),
    ):
        raise AssertionError("a connection to an unknown host was used")


def test_a_connection_that_somebody_else_opened_to_a_known_host_is_used(opened: Connection, jump: Jump) -> None:
    jump.config(jump.gateway_keys)
    with Host(opened, SECOND) as host:
        assert host.run("hostname", doing="ask its name").stdout == "sandbox-2\n"


def test_a_gateway_that_was_opened_on_the_way_is_closed_with_the_host(jump: Jump) -> None:
    config = jump.config(jump.gateway_keys + jump.host_keys)
    connection = Connection("sandbox", config=Config(runtime_ssh_path=str(config)))
    with Host(connection, CommandLine("sandbox")) as host:
        assert host.run("hostname", doing="ask its name").stdout == "sandbox\n"
        gateway = connection.gateway
        assert gateway.is_connected
    assert not gateway.is_connected


def test_a_gateway_that_a_program_opened_stays_open(jump: Jump) -> None:
    config = jump.config(jump.gateway_keys + jump.host_keys)
    connection = Connection("sandbox", config=Config(runtime_ssh_path=str(config)))
    gateway = Connection("sandbox-2", config=Config(runtime_ssh_path=str(config)))
    gateway.open()
    connection.gateway = gateway
    with Host(connection, CommandLine("sandbox")) as host:
        assert host.run("hostname", doing="ask its name").stdout == "sandbox\n"
        assert connection.gateway is gateway
    assert gateway.is_connected
    gateway.close()
