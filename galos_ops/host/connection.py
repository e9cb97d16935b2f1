"""Opening a connection safely: known host keys only, every wait bounded, a dead link noticed."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakSet

import paramiko
from fabric import Connection
from paramiko.ssh_exception import AuthenticationException, SSHException

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import ConnectError, HostKeyError, OpsError
from galos_ops.host.known_hosts import AUTHORITY, Entry, KnownHosts, read

CONNECT_SECONDS = 10
AUTHENTICATE_SECONDS = 30
DEAD_LINK_SECONDS = 15
KEEPALIVE_SECONDS = 5
SSH_PORT = 22

_BOUNDED: WeakSet[paramiko.Transport] = WeakSet()


def connect(connection: Connection, typed: CommandLine) -> None:
    """Open a connection to a host whose key is known; raises `HostKeyError` or `ConnectError`."""
    name = connection.original_host
    address = f"{connection.user}@{connection.host} port {connection.port}"
    try:
        _prepare(connection, typed)
        connection.open()
    except OpsError:
        connection.client.close()
        raise
    except AuthenticationException as error:
        raise ConnectError(
            f"{name}: {address} refused our key or password.", evidence=str(error), hint=f"try: {typed.ssh()}"
        ) from error
    except socket.gaierror as error:
        raise ConnectError(
            f"{name}: no address is known for {connection.host}.", hint="check the name after -H"
        ) from error
    except (SSHException, OSError, EOFError) as error:
        reason = str(error) or type(error).__name__
        raise ConnectError(
            f"{name}: cannot connect to {address}.", evidence=reason, hint=f"try: {typed.ssh()}"
        ) from error
    _bound(connection.transport)


def recognise(connection: Connection, typed: CommandLine) -> None:
    """Look at the host keys of a connection that somebody else opened, its gateways' too; raises `HostKeyError`."""
    if isinstance(connection.gateway, Connection) and connection.gateway.is_connected:
        recognise(connection.gateway, typed)
    known = read(known_hosts_files(connection.ssh_config))
    error = host_key_error(connection, known, connection.transport.get_remote_server_key(), typed)
    if error:
        raise error
    _bound(connection.transport)


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


class _Judge(paramiko.MissingHostKeyPolicy):
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


def _prepare(connection: Connection, typed: CommandLine) -> None:
    """Known host keys and bounded times, for a connection and for each gateway before it.

    Paramiko's own reading of known_hosts stops at a malformed line and knows no marker and no pattern: its client gets
    no key, and each one that a host offers is judged here.
    """
    known = read(known_hosts_files(connection.ssh_config))
    connection.client = paramiko.SSHClient()
    connection.client.set_missing_host_key_policy(_Judge(connection, known, typed))
    connection.connect_timeout = connection.connect_timeout or CONNECT_SECONDS
    bounds = {
        "banner_timeout": CONNECT_SECONDS,
        "auth_timeout": AUTHENTICATE_SECONDS,
        "channel_timeout": DEAD_LINK_SECONDS,
    }
    make = connection.connect_kwargs.get("transport_factory") or paramiko.Transport

    def transport(*args: Any, **kwargs: Any) -> paramiko.Transport:
        made: paramiko.Transport = make(*args, **kwargs)
        options = made.get_security_options()
        options.key_types = known.algorithms(known_as(connection), options.key_types)
        return made

    connection.connect_kwargs = {**bounds, **connection.connect_kwargs, "transport_factory": transport}
    if isinstance(connection.gateway, Connection):
        if connection.gateway.is_connected:
            recognise(connection.gateway, typed)
        else:
            _prepare(connection.gateway, typed)


def _bound(transport: paramiko.Transport) -> None:
    """Make a dead link end: unacknowledged bytes by the kernel, a silent peer by unanswered keepalives."""
    if transport in _BOUNDED:
        return
    _BOUNDED.add(transport)
    if isinstance(transport.sock, socket.socket) and hasattr(socket, "TCP_USER_TIMEOUT"):
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_LINK_SECONDS * 1000)
    threading.Thread(target=_watch, args=(transport,), daemon=True).start()


def _watch(transport: paramiko.Transport) -> None:
    with contextlib.suppress(SSHException, OSError, EOFError, RuntimeError):  # the link, or we, ended meanwhile
        while transport.is_active():
            alarm = threading.Timer(DEAD_LINK_SECONDS, transport.close)
            alarm.daemon = True
            alarm.start()
            transport.global_request("keepalive@openssh.com", wait=True)
            alarm.cancel()
            time.sleep(KEEPALIVE_SECONDS)
