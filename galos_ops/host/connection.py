"""Opening a connection safely: known host keys only, every wait bounded, a dead link noticed."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any
from weakref import WeakSet

import paramiko
from fabric import Connection
from paramiko.ssh_exception import AuthenticationException, SSHException

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import ConnectError, OpsError
from galos_ops.host.host_key import Judge, host_key_error, known_as, known_hosts_files
from galos_ops.host.known_hosts import read

CONNECT_SECONDS = 10
AUTHENTICATE_SECONDS = 30
DEAD_LINK_SECONDS = 15
KEEPALIVE_SECONDS = 5

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


def _prepare(connection: Connection, typed: CommandLine) -> None:
    """Known host keys and bounded times, for a connection and for each gateway before it.

    Paramiko's own reading of known_hosts stops at a malformed line and knows no marker and no pattern: its client gets
    no key, and each one that a host offers is judged here.
    """
    known = read(known_hosts_files(connection.ssh_config))
    connection.client = paramiko.SSHClient()
    connection.client.set_missing_host_key_policy(Judge(connection, known, typed))
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
