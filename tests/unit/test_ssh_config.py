"""What `ssh -G` prints, in the words of the ssh of this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from galos_ops.errors import UsageError
from galos_ops.host import ssh_config
from galos_ops.host.ssh_config import Login, ask, in_full, parse, usable

PRINTED = """\
host t
user bob
hostname t.example
port 2200
addressfamily any
identitiesonly yes
hostkeyalias alias
identityagent /home/ann/agent
identityfile ~/my keys/%h-%r
identityfile none
certificatefile ${KEYS}/%n-cert.pub
globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2
userknownhostsfile /tmp/a b/known hosts /home/ann/.ssh/alias /tmp/x
forwardagent no
connecttimeout none
proxyjump a@g1:22,b@[::1]:2222
"""
"""Of OpenSSH 9.2, without the lines that nobody here reads."""


def test_every_line_is_a_keyword_and_its_value() -> None:
    config = parse(PRINTED, exists={"/tmp/a b/known hosts", "/tmp/x"}.__contains__)
    assert config["hostname"] == "t.example"
    assert config["hostkeyalias"] == "alias"
    assert config["proxyjump"] == "a@g1:22,b@[::1]:2222"
    assert config["identityfile"] == ["~/my keys/%h-%r", "none"]
    assert config["userknownhostsfile"] == "'/tmp/a b/known hosts' /home/ann/.ssh/alias /tmp/x"
    assert config["globalknownhostsfile"] == "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
    assert parse("") == {}


def test_files_and_commands_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYS", "/keys")
    monkeypatch.setenv("HOME", "/home/ann")
    config = parse(PRINTED + "proxycommand ssh -W %h:%p %r@gate %% %x 2>/dev/null\n")
    full = in_full(config, ssh_config.tokens(Login("t"), config))
    assert full["identityfile"] == ["/home/ann/my keys/t.example-bob"]
    assert full["certificatefile"] == ["/keys/t-cert.pub"]
    assert full["proxycommand"] == "ssh -W t.example:2200 bob@gate % %x 2>/dev/null"
    assert in_full(parse("host x"), {}) == {"host": "x", "identityfile": [], "certificatefile": []}


def test_ssh_is_asked_for_what_was_typed(tmp_path: Path) -> None:
    (tmp_path / "config").write_text('Host box\n    User bob\nMatch user ann\n    IdentityFile "/a key/%n of %r"\n')
    options = ["-F", str(tmp_path / "config")]
    config = ask(Login("box"), options)
    assert (config["user"], config["port"], config["hostname"]) == ("bob", "22", "box")
    assert "proxyjump" not in config
    config = ask(Login("box", "ann", 2222, "g1,me@[::1]:99"), options)
    assert (config["user"], config["port"]) == ("ann", "2222")
    assert config["proxyjump"] == "g1,me@[::1]:99"
    assert config["identityfile"] == ["/a key/box of ann"]


def test_a_gateway_may_be_named_by_tokens(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("Host box\n    HostName 10.0.0.1\n    ProxyJump %r@jump.%h,%n\n")
    options = ["-F", str(tmp_path / "config")]
    assert ask(Login("box", "ann", 2222), options)["proxyjump"] == "ann@jump.10.0.0.1,box"


def test_a_name_of_a_file_may_be_any_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(b"/keys/\xff\xe2\x80\xa8")
    (tmp_path / "config").write_bytes(b"Host box\n    IdentityFile " + os.fsencode(name) + b"\n")
    assert ask(Login("box"), ["-F", str(tmp_path / "config")])["identityfile"] == [name]


@pytest.mark.parametrize("name", ["-oProxyCommand=touch touched", "a;touch touched", "$(touch touched)"])
def test_a_name_is_a_name_whatever_it_looks_like(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="ssh does not accept this host or its configuration"):
        ask(Login(name), ["-F", "none"])
    assert not list(tmp_path.iterdir())


def test_a_mistake_in_the_file_is_in_the_words_of_ssh(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("Host box\n    Prot 22\n")
    with pytest.raises(UsageError) as caught:
        ask(Login("box"), ["-F", str(tmp_path / "config")])
    assert "line 2: Bad configuration option: prot" in caught.value.evidence
    assert caught.value.hint.endswith(f"ssh -G -T -F {tmp_path}/config -- box")


def test_a_match_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_config, "ASK_SECONDS", 0.1)
    (tmp_path / "config").write_text('Match exec "sleep 1000"\n')
    with pytest.raises(UsageError, match="ssh did not come to the end of its configuration"):
        ask(Login("box"), ["-F", str(tmp_path / "config")])


def test_ssh_is_asked_only_where_it_is_and_has_the_home_of_everybody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(f"~{os.environ.get('USER', 'root')}").expanduser()
    monkeypatch.setenv("HOME", str(home))
    assert shutil.which("ssh")
    assert usable()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not usable()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not usable()
