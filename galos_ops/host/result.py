"""What a command on the host leaves behind, gathered from its SSH channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import paramiko

OnLine = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """What a command left behind; `output` is both streams in the order they arrived."""

    exited: int
    stdout: str
    stderr: str
    output: str

    @property
    def ok(self) -> bool:
        return self.exited == 0


class Output:
    """Both streams of a channel, gathered in the order they arrive and handed on a line at a time."""

    def __init__(self, on_line: OnLine | None) -> None:
        self._on_line = on_line
        self._streams: tuple[list[bytes], list[bytes]] = ([], [])
        self._both: list[bytes] = []
        self._rest = b""

    def drain(self, channel: paramiko.Channel) -> bool:
        """Take what is there; true when nothing more can come."""
        over = bool(channel.eof_received or channel.closed)
        while channel.recv_ready():
            self._take(0, channel.recv(65536))
        while channel.recv_stderr_ready():
            self._take(1, channel.recv_stderr(65536))
        return over

    def _take(self, stream: int, data: bytes) -> None:
        self._streams[stream].append(data)
        self._both.append(data)
        if self._on_line:
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._on_line(line.decode(errors="replace").rstrip("\r"))

    @property
    def text(self) -> str:
        return _text(self._both)

    def result(self, exited: int) -> Result:
        if self._on_line and self._rest:
            self._on_line(self._rest.decode(errors="replace"))
        return Result(exited, _text(self._streams[0]), _text(self._streams[1]), self.text)


def _text(chunks: list[bytes]) -> str:
    return b"".join(chunks).decode(errors="replace")
