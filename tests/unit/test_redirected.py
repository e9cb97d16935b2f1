"""The ssh_config that leads through relays to the sandbox's hosts."""

from __future__ import annotations

from pathlib import Path

from sandbox.files import known_hosts, ssh_config
from sandbox.sandbox import Sandbox
from tests.faults.relay import redirected

KEY = "ssh-ed25519 AAAA2201+2202/"


def test_the_hosts_that_are_named_are_behind_other_ports_and_nothing_else_changes(tmp_path: Path) -> None:
    sandbox, folder, key = Sandbox("redirected", tmp_path / "at 2201"), tmp_path / "the relays", tmp_path / "key"
    for each in (sandbox.directory, folder):
        each.mkdir()
    known = sandbox.directory / "known_hosts"
    sandbox.ssh_config.write_text(ssh_config({"a": 2201, "b": 2202, "c": 22010}, key, known))
    known.write_text(known_hosts({2201: KEY, 2202: KEY, 22010: KEY}))
    config = redirected(sandbox, {2201: 4001, 2202: 4002}, folder)
    assert config.read_text() == ssh_config({"a": 4001, "b": 4002, "c": 22010}, key, folder / "known_hosts")
    assert (folder / "known_hosts").read_text() == known_hosts({4001: KEY, 4002: KEY, 22010: KEY})
