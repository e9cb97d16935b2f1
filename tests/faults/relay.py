"""A TCP relay that delays the link, or cuts it at an exact byte: what it has passed on by then is all that passes."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from sandbox.sandbox import Sandbox


@dataclass
class Direction:
    """One direction of a connection; `passed` and `held` are the bytes that it forwarded and those that came too late.

    Whoever has the lock knows that no byte is under way.
    """

    source: socket.socket
    sink: socket.socket
    passed: int = 0
    held: int = 0
    cut: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forward(self, data: bytes) -> None:
        """Pass bytes on, or the end of the stream when there are none, unless the link is cut."""
        with self.lock:
            if self.cut:
                self.held += len(data)
            elif data:
                self.sink.sendall(data)
                self.passed += len(data)
            else:
                self.sink.shutdown(socket.SHUT_WR)


class Relay:
    """Listens on `port` of 127.0.0.1 and forwards to another port there.

    A cut is of the connections there are; new ones pass.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._delay = 0.0
        self._directions: list[Direction] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def connections(self) -> int:
        """How many there were so far."""
        return len(self._directions) // 2

    @property
    def passed(self) -> int:
        """How many bytes went through so far, in both directions."""
        return sum(each.passed for each in self._directions)

    @property
    def held(self) -> int:
        """How many bytes the client sent after the link was cut."""
        return sum(each.held for each in self._directions[::2])

    def freeze(self) -> None:
        """Pass nothing on any more, in neither direction, not even an end; nothing is under way on return."""
        for each in list(self._directions):
            with each.lock:
                each.cut = True

    def reset(self) -> None:
        """End every connection with a RST, on both sides; nothing is under way on return."""
        self.freeze()
        for each in list(self._directions):
            with contextlib.suppress(OSError):  # it ended before
                each.source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.source.shutdown(socket.SHUT_RD)  # wakes the thread that reads it; until then close() sends nothing
                each.source.close()

    def delay(self, seconds: float) -> None:
        """Pass on whatever comes from now on later by so long, in each direction; the bandwidth stays."""
        self._delay = seconds

    def close(self) -> None:
        self._listener.close()
        self.reset()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for end in (client, server):  # a link keeps nothing back to send it with what comes next
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                both = [Direction(client, server), Direction(server, client)]
                self._directions += both
                for each in both:
                    threading.Thread(target=self._read, args=(each,), daemon=True).start()

    def _read(self, direction: Direction) -> None:
        """Read one direction to its end; what was read is written by another thread when its time has come."""
        under_way: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        threading.Thread(target=self._write, args=(under_way, direction), daemon=True).start()
        data = b"anything"
        while data:
            try:
                data = direction.source.recv(65536)
            except OSError:  # it was reset
                data = b""
            under_way.put((time.monotonic() + self._delay, data))

    def _write(self, under_way: SimpleQueue[tuple[float, bytes]], direction: Direction) -> None:
        data = b"anything"
        with contextlib.suppress(OSError):  # the other side ended or was reset
            while data:
                due, data = under_way.get()
                time.sleep(max(0.0, due - time.monotonic()))
                direction.forward(data)


@contextlib.contextmanager
def relayed(target: int) -> Iterator[Relay]:
    """A relay to a port of 127.0.0.1."""
    relay = Relay(target)
    try:
        yield relay
    finally:
        relay.close()


def redirected(sandbox: Sandbox, ports: Mapping[int, int], folder: Path) -> Path:
    """Write an ssh_config that leads to other ports than those of some hosts, and the known_hosts for it."""
    known = sandbox.directory / "known_hosts"
    config, keys = sandbox.ssh_config.read_text(), known.read_text()
    for port, other in ports.items():
        config = config.replace(f"Port {port}\n", f"Port {other}\n")
        keys = keys.replace(f"]:{port} ", f"]:{other} ")
    (folder / known.name).write_text(keys)
    written = folder / sandbox.ssh_config.name
    written.write_text(config.replace(str(known), str(folder / known.name)))
    return written


@contextlib.contextmanager
def cut(relay: Relay) -> Iterator[None]:
    """From the first byte in here to the last, nothing may pass, and nobody may connect anew."""
    before = relay.connections, relay.passed
    yield
    assert (relay.connections, relay.passed) == before, "the link was not cut: bytes passed, or a new connection came"
