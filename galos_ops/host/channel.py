"""Channels of an SSH connection, and commands in them: no round trip is waited for that need not be."""

from __future__ import annotations

import contextlib
import threading

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST
from paramiko.ssh_exception import SSHException

from galos_ops.host.connection import DEAD_LINK_SECONDS


class Channels:
    """The channels of a connection, each opened while the one before it is in use."""

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport = transport
        self._ahead: paramiko.Channel | None = None
        self._opening: threading.Thread | None = None

    def take(self) -> paramiko.Channel:
        """Return a fresh channel; raises `SSHException`, `OSError` or `EOFError` where the host gives none."""
        if self._opening:
            self._opening.join()
        channel, self._ahead = self._ahead, None
        if channel is None or channel.closed:
            channel = self._transport.open_session(timeout=DEAD_LINK_SECONDS)
        self._opening = threading.Thread(target=self._open, daemon=True)
        self._opening.start()
        return channel

    def close(self) -> None:
        """Close the channel that was opened ahead, for a connection that stays."""
        if self._opening:
            self._opening.join()
        if self._ahead:
            self._ahead.close()

    def _open(self) -> None:
        with contextlib.suppress(SSHException, OSError, EOFError):  # who takes one tries again, and is told
            self._ahead = self._transport.open_session(timeout=DEAD_LINK_SECONDS)


def begin(channel: paramiko.Channel, command: str) -> None:
    """Have the host run a command, whose standard input can be sent at once; raises as `Channels.take` does.

    A host that refuses closes the channel, which then has no exit code.
    """
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("exec")
    message.add_boolean(True)
    message.add_string(command)
    channel.get_transport()._send_user_message(message)  # type: ignore[attr-defined]


def send(channel: paramiko.Channel, stdin: bytes) -> None:
    """Send standard input to its end, or to that of a command which ends before it has read it all."""
    try:
        channel.sendall(stdin)
        channel.shutdown_write()
    except OSError:
        if not channel.closed:
            raise


def link_is_dead(channel: paramiko.Channel) -> bool:
    """Return whether the connection is lost, for a channel that has ended.

    A transport that dies closes its channels, which then have no exit code, before it says so itself: one that still
    takes a round trip is alive.
    """
    transport = channel.get_transport()
    if channel.exit_status < 0:
        try:
            transport.global_request("keepalive@openssh.com", wait=True)
        except (SSHException, OSError, EOFError):
            return True
    return not transport.is_active()
