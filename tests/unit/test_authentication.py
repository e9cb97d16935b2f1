"""In which order keys are tried: a real agent, real files, and an SSH server in this process that writes it down."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from paramiko.common import AUTH_FAILED, AUTH_PARTIALLY_SUCCESSFUL, AUTH_SUCCESSFUL
from paramiko.ssh_exception import AuthenticationException

from galos_ops.host import authentication
from galos_ops.host.authentication import SshAuthentication
from galos_ops.host.key_files import public_key
from galos_ops.host.ssh_config import SshConfig
from tests import ssh_agent

NAMES = ("one", "two", "three", "four")


class Door(paramiko.ServerInterface):
    """Lets in who has the key `right`, and then the password `second` where there is one; `tried` is what it saw."""

    def __init__(self, keys: dict[bytes, str], right: str = "", second: str = "", most: int = 99) -> None:
        self.keys, self.right, self.second, self.most = keys, right, second, most
        self.tried: list[str] = []
        ours, theirs = socket.socketpair()
        self.server = paramiko.Transport(ours)
        self.server.add_server_key(paramiko.ECDSAKey.generate())
        self.server.start_server(threading.Event(), self)
        self.client = paramiko.Transport(theirs)
        self.client.start_client(timeout=60)

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "password" if self.second and self.tried[-1:] == [self.right] else "publickey,password"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002
        self.tried.append(self.keys[key.asbytes()])
        if self.tried[-1] != self.right:
            if len(self.tried) >= self.most:
                self.server.close()
            return AUTH_FAILED
        return AUTH_PARTIALLY_SUCCESSFUL if self.second else AUTH_SUCCESSFUL

    def check_auth_password(self, username: str, password: str) -> int:
        self.tried.append(f"{username} {password}")
        return AUTH_SUCCESSFUL if password == self.second else AUTH_FAILED


class Keys:
    """A folder with a key for each name, and an agent that can be given some of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket = folder, folder / "agent"
        for name in NAMES:
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path(name)]
            subprocess.run(words, check=True)

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def add(self, *names: str) -> None:
        ssh_agent.add(self.socket, *(self.folder / name for name in names))

    def door(self, right: str = "", **more: Any) -> Door:
        return Door({public_key(self.path(name)) or b"": name for name in NAMES}, right, **more)

    def config(self, *files: str, only: str = "no", **more: Any) -> SshConfig:
        agent = {"identityagent": str(self.socket)}
        named = {"identityfile": [self.path(file) for file in files], "certificatefile": [], "identitiesonly": only}
        return SshConfig({**agent, **named, **more})


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    keys = Keys(tmp_path)
    with ssh_agent.running(keys.socket):
        yield keys


def tried(door: Door, config: SshConfig, **given: Any) -> list[str]:
    """What a door saw that was closed in the end."""
    with pytest.raises(AuthenticationException):
        SshAuthentication("ann", config, given).authenticate(door.client)
    return door.tried


def test_the_agents_keys_that_are_named_come_first_then_its_others_then_files(keys: Keys) -> None:
    keys.add("one", "two")
    assert tried(keys.door(), keys.config("three", "two.pub")) == ["two", "one", "three"]


def test_only_what_is_named_is_tried_where_ssh_config_says_so(keys: Keys) -> None:
    keys.add("one", "two")
    assert tried(keys.door(), keys.config("three", "two.pub", only="yes")) == ["two", "three"]


def test_what_fabric_was_given_comes_first_and_once(keys: Keys) -> None:
    keys.add("two")
    given = {"key_filename": [keys.path("four"), keys.path("three")], "password": "no"}
    assert tried(keys.door(), keys.config("three", "one"), **given) == ["four", "three", "two", "one", "ann no"]
    pkey = paramiko.Ed25519Key.from_private_key_file(keys.path("one"))
    assert tried(keys.door(), keys.config(), pkey=pkey, key_filename=keys.path("four")) == ["one", "four", "two"]


@pytest.mark.parametrize(
    ("agent", "given", "asked"),
    [
        ("{socket}", {}, True),
        ("$OTHER_SOCK", {}, True),
        ("SSH_AUTH_SOCK", {}, False),
        ("none", {}, False),
        ("/nowhere", {}, False),
        ("{socket}", {"allow_agent": False}, False),
    ],
)
def test_the_agent_is_the_one_that_ssh_config_names(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, agent: str, given: dict[str, Any], asked: bool
) -> None:
    keys.add("one")
    monkeypatch.setenv("OTHER_SOCK", str(keys.socket))
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nowhere/else")
    config = keys.config("two", identityagent=agent.format(socket=keys.socket))
    assert tried(keys.door(), config, **given) == (["one", "two"] if asked else ["two"])


def test_without_a_word_in_ssh_config_the_usual_agent_is_asked(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.add("one")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(keys.socket))
    config = keys.config()
    del config["identityagent"]
    assert tried(keys.door(), config) == ["one"]


def test_a_key_whose_comment_is_no_utf_8_is_a_key(keys: Keys) -> None:
    for name, comment in (("one", b"jos\xe9@laptop"), ("two", b"ann@laptop")):
        subprocess.run(["ssh-keygen", "-q", "-c", "-C", comment, "-f", keys.path(name)], check=True)
    keys.add("one", "two")
    assert tried(keys.door(), keys.config()) == ["one", "two"]


def test_a_damaged_key_is_passed_over_and_told(keys: Keys) -> None:
    Path(f"{keys.path('one')}.pub").unlink()
    lines = Path(keys.path("one")).read_text().splitlines()
    lines[3] = f"{lines[3][:30]}{'B' if lines[3][30] != 'B' else 'C'}{lines[3][31:]}"  # in its other public half
    Path(keys.path("one")).write_text("\n".join([*lines, ""]))
    with pytest.raises(AuthenticationException, match="one: it is damaged"):
        SshAuthentication("ann", keys.config("one"), {}).authenticate(keys.door().client)
    SshAuthentication("ann", keys.config("one", "two"), {}).authenticate(keys.door("two").client)


def test_an_agent_that_never_answers_is_none(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "AGENT_SECONDS", 0.1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(keys.folder / "silent"))
        silent.listen()
        assert tried(keys.door(), keys.config("two", identityagent=str(keys.folder / "silent"))) == ["two"]


def test_nothing_is_tried_after_the_right_key_or_a_closed_door(keys: Keys) -> None:
    door = keys.door("two")
    SshAuthentication("ann", keys.config("one", "two", "three"), {}).authenticate(door.client)
    assert door.tried == ["one", "two"]
    assert tried(keys.door(most=2), keys.config("one", "two", "three")) == ["one", "two"]


def test_a_password_besides_a_key_is_given_where_there_is_one(keys: Keys) -> None:
    door = keys.door("one", second="secret")
    SshAuthentication("ann", keys.config("one", "two"), {"password": "secret"}).authenticate(door.client)
    assert door.tried == ["one", "ann secret"]


def test_every_reason_is_told_once(keys: Keys) -> None:
    locked = keys.folder / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(locked)], check=True)
    with pytest.raises(AuthenticationException) as caught:
        SshAuthentication("ann", keys.config("one", "locked", "two"), {}).authenticate(keys.door().client)
    assert str(caught.value).splitlines() == [
        "Authentication failed.",
        f"{locked} needs its passphrase: ssh-add it, or --prompt-for-passphrase",
    ]
    with pytest.raises(AuthenticationException, match="there is no key to try"):
        SshAuthentication("ann", keys.config("none here"), {}).authenticate(keys.door().client)
