"""Opening a connection safely: known host keys only, every wait bounded, a dead link noticed."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

import paramiko
from fabric import Connection
from paramiko.ssh_exception import AuthenticationException, NoValidConnectionsError, SSHException

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import ConnectError, UsageError
from galos_ops.host.host_key import Judge, host_key_error, known_as, known_hosts_files
from galos_ops.host.known_hosts import read
from galos_ops.host.resolving import login_of, resolve

CONNECT_SECONDS = 10
AUTHENTICATE_SECONDS = 30
DEAD_LINK_SECONDS = 15
KEEPALIVE_SECONDS = 5

_BOUNDED: WeakSet[paramiko.Transport] = WeakSet()


def connect(connection: Connection, typed: CommandLine) -> list[Connection]:
    """Open a connection to what `ssh HOST` reaches, and the gateways before it, each to a host whose key is known.

    Returns what it opened, for `close`; raises `UsageError`, `HostKeyError` or `ConnectError`, with nothing left open.
    """
    resolve(connection, login_of(connection, typed.host))
    opened: list[Connection] = []
    try:
        for hop in hops(connection):
            if hop.is_connected:
                _recognise(hop, typed)
            else:
                opened.append(hop)
                _open(hop, typed)
    except BaseException:
        close(opened)
        raise
    return opened


def close(opened: Sequence[Connection]) -> None:
    """Close connections and, after each, the gateway before it."""
    for hop in reversed(opened):
        hop.close()
        hop.client.close()  # also where it never came to be open


def hops(connection: Connection) -> list[Connection]:
    """Return the gateways of a connection, in the order in which they are opened, and the connection itself."""
    before = hops(connection.gateway) if isinstance(connection.gateway, Connection) else []
    return [*before, connection]


def recognise(connection: Connection, typed: CommandLine) -> None:
    """Look at the host keys of a connection that somebody else opened, its gateways' too.

    Raises `HostKeyError`, and `ConnectError` where the link is lost by then.
    """
    for hop in hops(connection):
        if hop.is_connected:
            _recognise(hop, typed)


def _recognise(hop: Connection, typed: CommandLine) -> None:
    known = read(known_hosts_files(hop.ssh_config))
    try:
        key = hop.transport.get_remote_server_key()
    except SSHException as lost:
        raise ConnectError(f"{hop.original_host}: the connection was lost.", hint=typed.again()) from lost
    if error := host_key_error(hop, known, key, typed):
        raise error
    _bound(hop.transport)


def _open(hop: Connection, typed: CommandLine) -> None:
    """Open one connection whose gateway is open; every error names it."""
    name = hop.original_host
    address = f"{hop.user}@{hop.host} port {hop.port}"
    through = f" through {hop.gateway.original_host}" if isinstance(hop.gateway, Connection) else ""
    _prepare(hop, typed)
    try:
        hop.open()
    except AuthenticationException as error:
        raise ConnectError(
            f"{name}: {address} refused our key or password.", evidence=str(error), hint=f"try: {typed.ssh()}"
        ) from error
    except (socket.gaierror, UnicodeError) as error:  # a label that is empty or too long is no name
        raise ConnectError(f"{name}: no address is known for {hop.host}.", hint="check the name after -H") from error
    except (SSHException, OSError, EOFError) as error:
        raise ConnectError(
            f"{name}: cannot connect to {address}{through}.", evidence=_reason(error), hint=f"try: {typed.ssh()}"
        ) from error
    except (AttributeError, TypeError, ValueError) as error:  # Fabric and Paramiko check neither
        raise UsageError(
            f"{name}: gateway or connect_kwargs make no connection.",
            evidence=f"{type(error).__name__}: {error}",
            hint="correct them in a file or variable of Fabric",
        ) from error
    _bound(hop.transport)


def _reason(error: Exception) -> str:
    """Return why no connection came about, in the system's words where each address of a host has its own error."""
    if isinstance(error, NoValidConnectionsError):
        return "\n".join(dict.fromkeys(getattr(one, "strerror", None) or str(one) for one in error.errors.values()))
    return str(error) or type(error).__name__


def _prepare(hop: Connection, typed: CommandLine) -> None:
    """Let a connection that is not open accept known host keys only, and wait for nothing without a bound.

    Paramiko's own reading of known_hosts stops at a malformed line and knows no marker and no pattern: its client gets
    no key, and each one that a host offers is judged here.
    """
    known = read(known_hosts_files(hop.ssh_config))
    hop.client = paramiko.SSHClient()
    hop.client.set_missing_host_key_policy(Judge(hop, known, typed))
    hop.connect_timeout, timeout = None, hop.connect_timeout or CONNECT_SECONDS  # Fabric wants one or the other
    bounds = {
        "timeout": timeout,
        "banner_timeout": CONNECT_SECONDS,
        "auth_timeout": AUTHENTICATE_SECONDS,
        "channel_timeout": DEAD_LINK_SECONDS,
    }
    make = hop.connect_kwargs.get("transport_factory") or paramiko.Transport

    def transport(*args: Any, **kwargs: Any) -> paramiko.Transport:
        made: paramiko.Transport = make(*args, **kwargs)
        options = made.get_security_options()
        options.key_types = known.algorithms(known_as(hop), options.key_types)
        return made

    hop.connect_kwargs = {**bounds, **hop.connect_kwargs, "transport_factory": transport}


def _bound(transport: paramiko.Transport) -> None:
    """Make a dead link end: unacknowledged bytes by the kernel, a silent peer by unanswered keepalives.

    What we send goes at once, too: a command follows the opening of the channel after its own, and the kernel would
    keep it until the host has acknowledged that one (RFC 896).
    """
    if transport in _BOUNDED:
        return
    _BOUNDED.add(transport)
    if isinstance(transport.sock, socket.socket) and transport.sock.family in (socket.AF_INET, socket.AF_INET6):
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
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
