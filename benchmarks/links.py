"""Links to hosts: the loopback device as it is, and the same with a long way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.ways import LOOPBACK, SLOW, Link
from sandbox.sandbox import Sandbox
from tests.faults.relay import redirected, relayed

ONE_WAY_SECONDS = 0.05


def loopback(sandbox: Sandbox) -> Link:
    """Return the way to all hosts without a detour."""
    return Link(LOOPBACK, sandbox.ssh_config)


@contextmanager
def slow(sandbox: Sandbox, hosts: Iterable[str], folder: Path) -> Iterator[Link]:
    """Give a way to hosts that leads each through a relay of its own, with a round trip of 100 ms."""
    ports = {}
    with ExitStack() as relays:
        for host in hosts:
            port = sandbox.host(host).port
            relay = relays.enter_context(relayed(port))
            relay.delay(ONE_WAY_SECONDS)
            ports[port] = relay.port
        folder.mkdir()
        yield Link(SLOW, redirected(sandbox, ports, folder))
