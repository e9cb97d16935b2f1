"""What a connection is pointed at, without opening it: ssh_config as the ssh here reads it, then Fabric's own."""

from __future__ import annotations

import io
import os
import pwd
import socket
from pathlib import Path
from typing import Any

import pytest
from fabric import Config, Connection
from invoke.config import Config as InvokeConfig
from paramiko import SSHConfig

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import ConnectError, UsageError
from galos_ops.host.connection import connect, hops
from galos_ops.host.resolving import login_of, resolve, unresolved
from galos_ops.tasks.destinations import connected

ME = pwd.getpwuid(os.getuid())


@pytest.fixture
def ssh_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file for ssh_config, in the home that ssh takes for ours."""
    monkeypatch.setenv("HOME", ME.pw_dir)
    return tmp_path / "ssh_config"


def config(path: Path, text: str, **overrides: Any) -> Config:
    path.write_text(text)
    return Config(runtime_ssh_path=str(path), overrides=overrides)


def places(connection: Connection, typed: str = "") -> list[str]:
    """The hops of a connection as USER@HOST:PORT, once it is resolved."""
    resolve(connection, login_of(connection, typed or connection.original_host))
    return [f"{hop.user}@{hop.host}:{hop.port}" for hop in hops(connection)]


HOPS = """
Host a b c
    HostName %h.example
    User bob
Host c
    ProxyJump a,me@[::1]:7,b:22
Host a
    ProxyJump z
"""


def test_hops_are_in_the_order_in_which_they_are_written(ssh_config: Path) -> None:
    assert places(Connection("c", config=config(ssh_config, HOPS))) == [
        f"{ME.pw_name}@z:22",
        "bob@a.example:22",
        "me@::1:7",
        "bob@b.example:22",
        "bob@c.example:22",
    ]


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        ({"host": "box"}, "bob@10.0.0.1:2200"),
        ({"host": f"{ME.pw_name}@box:22"}, f"{ME.pw_name}@10.0.0.1:22"),
        ({"host": "box", "user": ME.pw_name, "port": 22}, f"{ME.pw_name}@10.0.0.1:22"),
        ({"host": "other"}, "fabric@other:2222"),
        ({"host": " box"}, "bob@10.0.0.1:2200"),
        ({"host": f"{ME.pw_name}@other"}, f"{ME.pw_name}@other:2222"),
        ({"host": "me"}, "fabric@me:2222"),
    ],
)
def test_what_was_typed_wins_over_ssh_config_and_that_over_fabrics_own(
    ssh_config: Path, parameters: dict[str, Any], place: str
) -> None:
    text = (
        f"Host box\n    HostName 10.0.0.1\n    User bob\n    Port 2200\nHost me\n    User {ME.pw_name}\n    Port 22\n"
    )
    found = connected(parameters, config(ssh_config, text, user="fabric", port=2222))
    assert places(found.connection, found.address) == [place]


@pytest.mark.parametrize("parameters", [{"host": "box:0"}, {"host": "ann@box:65536"}, {"host": "box", "port": 0}])
def test_a_port_that_no_host_can_have_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="has a port that is not from 1 to 65535"):
        connected(parameters, Config())


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".example.com"])
def test_a_name_that_cannot_be_one_has_no_address(name: str) -> None:
    with pytest.raises(ConnectError, match=f"no address is known for {name}"):
        connect(Connection(name, config=Config(overrides={"load_ssh_configs": False})), CommandLine(name, "status"))


def test_a_port_where_nothing_listens_is_told_in_the_words_of_the_system() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    refused = Connection(address, config=Config(overrides={"load_ssh_configs": False}))
    with pytest.raises(ConnectError, match=r"cannot connect to \S+ port") as caught:
        connect(refused, CommandLine(address, "status"))
    assert caught.value.evidence == "Connection refused"


def test_a_gateway_that_a_program_gave_wins_over_ssh_config(ssh_config: Path) -> None:
    read = config(ssh_config, "Host box\n    ProxyJump a\nHost gate\n    HostName 10.0.0.2\n")
    me = ME.pw_name
    assert places(Connection("box", config=read)) == [f"{me}@a:22", f"{me}@box:22"]
    assert places(Connection("box", config=read, gateway=False)) == [f"{me}@box:22"]
    gate = Connection("ann@gate:99", config=read)
    assert places(Connection("box", config=read, gateway=gate)) == ["ann@10.0.0.2:99", f"{me}@box:22"]
    read = config(ssh_config, "Host box\n    HostName b\nHost gate\n    HostName 10.0.0.2\n")
    mine = Config(runtime_ssh_path=str(ssh_config), overrides={"gateway": Connection("gate", config=read)})
    assert places(Connection("box", config=mine)) == [f"{me}@10.0.0.2:22", f"{me}@b:22"]


def test_an_ssh_config_that_a_program_made_is_left_to_fabric(ssh_config: Path) -> None:
    config(ssh_config, "Host box\n    HostName wrong\n")
    made = SSHConfig()
    made.parse(io.StringIO("Host box\n    HostName right\n"))
    own = Config(ssh_config=made, runtime_ssh_path=str(ssh_config))
    assert places(Connection("box", config=own)) == [f"{ME.pw_name}@right:22"]
    empty = Config(ssh_config=SSHConfig(), runtime_ssh_path=str(ssh_config))
    assert places(Connection("box", config=empty)) == [f"{ME.pw_name}@box:22"]


def test_a_copy_of_a_copy_of_a_configuration_is_still_that_of_the_files(ssh_config: Path) -> None:
    included = ssh_config.with_name("included")
    included.write_text("Host box\n    HostName right\n")
    read = config(ssh_config, f"Include {included}\nHost *\n    Port 22\n")
    for copy in (read, read.clone(), read.clone(), read.clone().clone()):
        assert places(Connection("box", config=copy)) == [f"{ME.pw_name}@right:22"]
        assert places(connected({"host": "box"}, copy).connection) == [f"{ME.pw_name}@right:22"]


def test_without_files_ssh_reads_none(ssh_config: Path) -> None:
    assert ssh_config.parent.is_dir()
    read = Config(overrides={"load_ssh_configs": False})
    assert places(Connection("box", config=read)) == [f"{ME.pw_name}@box:22"]


def test_a_configuration_of_invoke_is_one_of_fabric_afterwards() -> None:
    own = unresolved(InvokeConfig(overrides={"galos": {"hosts": "a"}}))
    assert isinstance(own, Config)
    assert own.galos.hosts == "a"
    assert "base_ssh_config" not in own


@pytest.mark.parametrize("seconds", ["7", "none"])
def test_the_time_to_connect_is_that_of_ssh_config_unless_it_was_given(ssh_config: Path, seconds: str) -> None:
    read = config(ssh_config, f"Host box\n    ConnectTimeout {seconds}\n")
    for given, wanted in ((None, 7 if seconds == "7" else None), (3, 3)):
        found = connected({"host": "box", "connect_timeout": given}, read).connection
        places(found)
        assert found.connect_timeout == wanted


def test_a_gateway_of_itself_is_told_in_the_words_of_ssh(ssh_config: Path) -> None:
    with pytest.raises(UsageError) as caught:
        places(Connection("box", config=config(ssh_config, "Host *\n    ProxyJump gate\n")))
    assert caught.value.sentence.startswith("gate: ssh does not accept this host")
    assert "jumphost loop via gate" in caught.value.evidence
