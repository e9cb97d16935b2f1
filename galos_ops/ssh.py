"""Opening a connection safely: known host keys only, every wait bounded, a dead link noticed."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakSet

import paramiko
from fabric import Connection
from paramiko.ssh_exception import AuthenticationException, BadHostKeyException, SSHException

from galos_ops.errors import ConnectError, HostKeyError, OpsError

CONNECT_SECONDS = 10
AUTHENTICATE_SECONDS = 30
DEAD_LINK_SECONDS = 15
KEEPALIVE_SECONDS = 5
SSH_PORT = 22

_BOUNDED: WeakSet[paramiko.Transport] = WeakSet()


def connect(connection: Connection) -> None:
    """Open a connection to a host whose key is known; raises `HostKeyError` or `ConnectError`."""
    name = connection.original_host
    address = f"{connection.user}@{connection.host} port {connection.port}"
    try:
        _prepare(connection)
        connection.open()
    except OpsError:
        connection.client.close()
        raise
    except BadHostKeyException as error:
        expected, got = error.expected_key.fingerprint, error.key.fingerprint
        raise HostKeyError(
            f"{name}: its SSH host key has changed (known: {expected}, offered: {got}); nothing was run.",
            hint=f"only if the host was reinstalled: {forget(connection)}",
        ) from error
    except AuthenticationException as error:
        raise ConnectError(
            f"{name}: {address} refused our key or password.", evidence=str(error), hint=f"try: ssh {name}"
        ) from error
    except socket.gaierror as error:
        raise ConnectError(
            f"{name}: no address is known for {connection.host}.", hint="check the name after -H"
        ) from error
    except (SSHException, OSError, EOFError) as error:
        reason = str(error) or type(error).__name__
        raise ConnectError(f"{name}: cannot connect to {address}.", evidence=reason, hint=f"try: ssh {name}") from error
    _bound(connection.transport)


def recognise(connection: Connection) -> None:
    """Look at the host key of a connection that somebody else opened, which Fabric does not; raises `HostKeyError`."""
    key = connection.transport.get_remote_server_key()
    known = paramiko.HostKeys()
    for path in known_hosts_files(connection.ssh_config):
        if path.is_file():
            known.load(str(path))
    if not known.check(known_as(connection), key):
        raise unknown(connection, key)
    _bound(connection.transport)


def unknown(connection: Connection, key: paramiko.PKey) -> HostKeyError:
    """The error for a host whose key is in no known_hosts file."""
    return HostKeyError(
        f"{connection.original_host}: its SSH host key {key.get_name()} {key.fingerprint} is not in known_hosts "
        f"as {known_as(connection)}; nothing was run.",
        hint="compare the fingerprint with the host's own, then connect once with ssh to accept it",
    )


class _Refuse(paramiko.MissingHostKeyPolicy):
    """Ends the connection before anything is authenticated or run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        raise unknown(self._connection, key)


def known_as(connection: Connection) -> str:
    """The name of a host in known_hosts."""
    host: str = connection.host
    return host if connection.port == SSH_PORT else f"[{host}]:{connection.port}"


def forget(connection: Connection) -> str:
    """The command that removes a host from the first known_hosts file that has it."""
    name = known_as(connection)
    for path in known_hosts_files(connection.ssh_config):
        if path.is_file() and paramiko.HostKeys(str(path)).lookup(name):
            return shlex.join(["ssh-keygen", "-R", name, "-f", str(path)])
    return shlex.join(["ssh-keygen", "-R", name])


def known_hosts_files(ssh_config: dict[str, Any]) -> Iterator[Path]:
    """The known_hosts files that ssh would read for a host, as named in its ssh_config (ssh_config(5))."""
    named = {
        "userknownhostsfile": "~/.ssh/known_hosts ~/.ssh/known_hosts2",
        "globalknownhostsfile": "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",
    }
    for key, usual in named.items():
        for word in shlex.split(ssh_config.get(key, usual)):
            yield Path(os.path.expanduser(word.replace("%d", "~")))


def _prepare(connection: Connection) -> None:
    """Known host keys and bounded times, for a connection and for each gateway before it."""
    connection.client.set_missing_host_key_policy(_Refuse(connection))
    for path in known_hosts_files(connection.ssh_config):
        if path.is_file():
            connection.client.load_system_host_keys(str(path))
    connection.connect_timeout = connection.connect_timeout or CONNECT_SECONDS
    bounds = {
        "banner_timeout": CONNECT_SECONDS,
        "auth_timeout": AUTHENTICATE_SECONDS,
        "channel_timeout": DEAD_LINK_SECONDS,
    }
    connection.connect_kwargs = {**bounds, **connection.connect_kwargs}
    if isinstance(connection.gateway, Connection):
        _prepare(connection.gateway)


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
