"""A TCP relay that freezes, resets or delays the link at a chosen moment."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue


class Relay:
    """Listens on `port` of 127.0.0.1 and forwards to another port there, until it is told otherwise."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._flowing = threading.Event()
        self._flowing.set()
        self._over = threading.Event()
        self._delay = 0.0
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Pass nothing on any more, in neither direction, and let no FIN through."""
        self._flowing.clear()

    def delay(self, seconds: float) -> None:
        """Pass on whatever comes from now on later by so long, in each direction; the bandwidth stays."""
        self._delay = seconds

    def reset(self) -> None:
        """End every connection with a RST, on both sides."""
        self._over.set()
        self._flowing.set()
        for one in self._sockets:
            with contextlib.suppress(OSError):  # it ended before
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RD)  # wakes the thread that reads it; until then close() sends nothing
                one.close()

    def close(self) -> None:
        self._listener.close()
        self.reset()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        """Read one direction to its end; `_pass_on` writes what was read when its time has come."""
        under_way: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        threading.Thread(target=self._pass_on, args=(under_way, sink), daemon=True).start()
        data = b"anything"
        while data:
            try:
                data = source.recv(65536)
            except OSError:  # it was reset
                data = b""
            under_way.put((time.monotonic() + self._delay, data))

    def _pass_on(self, under_way: SimpleQueue[tuple[float, bytes]], sink: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the other side ended or was reset
            while True:
                due, data = under_way.get()
                time.sleep(max(0.0, due - time.monotonic()))
                self._flowing.wait()
                if self._over.is_set():
                    return
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)


@contextlib.contextmanager
def relayed(target: int) -> Iterator[Relay]:
    relay = Relay(target)
    try:
        yield relay
    finally:
        relay.close()
