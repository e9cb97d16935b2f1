"""An SSH server in this process, for what `Host` does with a channel: what it answers is a function of the test."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from typing import IO

import paramiko
from fabric import Config, Connection
from paramiko.common import AUTH_SUCCESSFUL, OPEN_FAILED_RESOURCE_SHORTAGE, OPEN_SUCCEEDED

from tests.unit.local_host import LocalHost

Answer = Callable[[str, paramiko.Channel], None]


def over_tcp() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection over TCP, as `socket.socketpair` returns those of one that is none."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        near = socket.create_connection(listening.getsockname())
        return listening.accept()[0], near


class SshServer(paramiko.ServerInterface):
    """Lets anybody in, and calls `answer` with each command and its channel, in a thread of the connection."""

    def __init__(self, pair: Callable[[], tuple[socket.socket, socket.socket]] = socket.socketpair) -> None:
        ours, self._theirs = pair()
        self.transport = paramiko.Transport(ours)
        self.transport.add_server_key(paramiko.ECDSAKey.generate())
        self.transport.start_server(threading.Event(), self)
        self.answer: Answer | None = None
        self.refuses_channels = False
        self.refused: set[int] = set()  # channels by their number, from 1
        self.channels = 0
        self.opened = threading.Semaphore(0)
        self.commands: list[str] = []

    def connection(self) -> Connection:
        """An open connection to it."""
        connection = Connection("box", config=Config(overrides={"load_ssh_configs": False}))
        client = connection.client
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect("box", username="ann", password="x", sock=self._theirs, look_for_keys=False, allow_agent=False)
        connection.transport = client.get_transport()
        return connection

    def check_auth_password(self, username: str, password: str) -> int:  # noqa: ARG002
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        self.channels += 1
        self.opened.release()
        refused = self.refuses_channels or self.channels in self.refused
        return OPEN_FAILED_RESOURCE_SHORTAGE if refused else OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.commands.append(command.decode())
        threading.Thread(target=self._begin, args=(command.decode(), channel), daemon=True).start()
        return True

    def _begin(self, command: str, channel: paramiko.Channel) -> None:
        """Answer once the client has heard that its command began: what it says to a question comes after that."""
        assert self.answer
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):  # the client may leave at any moment
            self.transport.global_request("anybody@there", wait=True)
            self.answer(command, channel)


def shell(host: LocalHost) -> Answer:
    """Return what sshd does: run the command on a host, its streams those of the channel."""

    def answer(command: str, channel: paramiko.Channel) -> None:
        process = host.started(command)
        assert process.stdin
        assert process.stdout
        threading.Thread(target=_hand_on, args=(channel.recv, process.stdin), daemon=True).start()
        while data := os.read(process.stdout.fileno(), 65536):
            channel.sendall(data)
        channel.send_exit_status(process.wait())
        channel.close()

    return answer


def _hand_on(read: Callable[[int], bytes], stdin: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):
        while data := read(65536):
            stdin.write(data)
            stdin.flush()
        stdin.close()
