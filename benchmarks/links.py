"""Links to hosts: the loopback device as it is, and the same with a long way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.ways import LOOPBACK, SLOW, Link
from sandbox.sandbox import Sandbox
from tests.faults.relay import relayed

ONE_WAY_SECONDS = 0.05


def loopback(sandbox: Sandbox) -> Link:
    """Return the way to all hosts without a detour."""
    return Link(LOOPBACK, sandbox.ssh_config)


@contextmanager
def slow(sandbox: Sandbox, hosts: Iterable[str], folder: Path) -> Iterator[Link]:
    """Give a way to hosts that leads each through a relay of its own, with a round trip of 100 ms."""
    known = sandbox.directory / "known_hosts"
    config, keys = sandbox.ssh_config.read_text(), known.read_text()
    with ExitStack() as relays:
        for host in hosts:
            port = sandbox.host(host).port
            relay = relays.enter_context(relayed(port))
            relay.delay(ONE_WAY_SECONDS)
            config, keys = (text.replace(str(port), str(relay.port)) for text in (config, keys))
        folder.mkdir()
        (folder / known.name).write_text(keys)
        (folder / sandbox.ssh_config.name).write_text(config.replace(str(known), str(folder / known.name)))
        yield Link(SLOW, folder / sandbox.ssh_config.name)
