"""What a command on the host leaves behind, gathered from its SSH channel."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import paramiko

OnLine = Callable[[str], None]
KEPT_BYTES = 1_000_000


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


class Tail:
    """Bytes as they arrive; with a `limit` only the last of them, and what came in one piece with these."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._chunks: deque[bytes] = deque()
        self._size = 0

    def add(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)
        while self._limit is not None and self._size - len(self._chunks[0]) >= self._limit:
            self._size -= len(self._chunks.popleft())

    @property
    def text(self) -> str:
        return b"".join(self._chunks).decode(errors="replace")


class Output:
    """Both streams of a channel, gathered in the order they arrive and handed on a line at a time.

    Of what is handed on, the last `KEPT_BYTES` of each stream are kept, so that a log may be followed for ever.
    """

    def __init__(self, on_line: OnLine | None) -> None:
        self._on_line = on_line
        limit = KEPT_BYTES if on_line else None
        self._streams, self._both = (Tail(limit), Tail(limit)), Tail(limit)
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
        self._streams[stream].add(data)
        self._both.add(data)
        if self._on_line:
            *lines, self._rest = (self._rest + data).split(b"\n")
            if len(self._rest) > KEPT_BYTES:
                lines, self._rest = [*lines, self._rest], b""
            for line in lines:
                self._on_line(line.decode(errors="replace").rstrip("\r"))

    @property
    def text(self) -> str:
        return self._both.text

    def result(self, exited: int) -> Result:
        if self._on_line and self._rest:
            self._on_line(self._rest.decode(errors="replace"))
        return Result(exited, self._streams[0].text, self._streams[1].text, self.text)
