"""Whether a host is the one that known_hosts knows, by the key that it offers, and what to tell where it is not."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import paramiko
from fabric import Connection

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import HostKeyError
from galos_ops.host.known_hosts import AUTHORITY, Entry, KnownHosts
from galos_ops.host.ssh_config import SSH_PORT


def host_key_error(
    connection: Connection, known: KnownHosts, key: paramiko.PKey, typed: CommandLine
) -> HostKeyError | None:
    """Why a host with this key is not the one that known_hosts knows; None where it is."""
    names = known_as(connection)
    lines, revoked = known.about(names), known.revoking(names, key.asbytes())
    offered = f"{key.get_name()} {key.fingerprint}"
    if revoked:
        return HostKeyError(
            f"{connection.original_host}: its SSH host key {offered} is revoked in {revoked.place}; nothing was run.",
            hint="ask who revoked it: whoever holds that key can pretend to be the host, which needs a new one",
        )
    if any(one.blob == key.asbytes() for one in lines):
        return None
    if lines:
        same = next((one for one in lines if one.key_type == key.get_name()), lines[0])
        return HostKeyError(
            f"{connection.original_host}: its SSH host key has changed (known: {same.key_type} {same.fingerprint}, "
            f"offered: {offered}); nothing was run.",
            hint=f"only if the host was reinstalled: {forget(same, names)}",
        )
    return _unknown(connection, known, key, typed)


def _unknown(connection: Connection, known: KnownHosts, key: paramiko.PKey, typed: CommandLine) -> HostKeyError:
    """The error for a host that no line with a key of its own is about."""
    names, offered = known_as(connection), f"{key.get_name()} {key.fingerprint}"
    authorities = known.about(names, AUTHORITY)
    if authorities:
        return HostKeyError(
            f"{connection.original_host}: only the certificate authority in {authorities[0].place} vouches for its SSH "
            "host key, and certificates are not checked; nothing was run.",
            hint=f"compare {offered} with the host's own, then add that key to known_hosts: "
            + shlex.join(["ssh-keyscan", "-p", str(connection.port), connection.host]),
        )
    return HostKeyError(
        f"{connection.original_host}: its SSH host key {offered} is not in known_hosts as {names[0]}; nothing was run.",
        evidence="\n".join(f"not read: {reason}" for reason in known.unreadable),
        hint=f"compare the fingerprint with the host's own, then accept it: {typed.ssh()}",
    )


class Judge(paramiko.MissingHostKeyPolicy):
    """Ends the connection to a wrong host before anything is authenticated or run."""

    def __init__(self, connection: Connection, known: KnownHosts, typed: CommandLine) -> None:
        self._connection, self._known, self._typed = connection, known, typed

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        error = host_key_error(self._connection, self._known, key, self._typed)
        if error:
            raise error


def known_as(connection: Connection) -> tuple[str, ...]:
    """The names of a host in known_hosts, each looked for only where the one before is not there, as ssh does."""
    alias: str | None = connection.ssh_config.get("hostkeyalias")
    if alias:
        return (alias.lower(),)
    host: str = connection.host.lower()
    return (host,) if connection.port == SSH_PORT else (f"[{host}]:{connection.port}", host)


def forget(entry: Entry, names: Iterable[str]) -> str:
    """What removes a line about a host: the command, or which line it is where ssh-keygen would leave a pattern."""
    name = next((name for name in names if entry.names(name)), None)
    if name is None:
        return f"take the host out of {entry.place}"
    return shlex.join(["ssh-keygen", "-R", name, "-f", entry.path])


def known_hosts_files(ssh_config: dict[str, Any]) -> Iterator[Path]:
    """The known_hosts files that ssh would read for a host, as named in its ssh_config (ssh_config(5))."""
    named = {
        "userknownhostsfile": "~/.ssh/known_hosts ~/.ssh/known_hosts2",
        "globalknownhostsfile": "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",
    }
    for key, usual in named.items():
        for word in shlex.split(ssh_config.get(key, usual)):
            yield Path(os.path.expanduser(word.replace("%d", "~")))
