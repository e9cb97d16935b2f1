"""Measures every way of deploying side by side in a sandbox, and writes docs/performance.md: `make bench`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import report, ways, works
from benchmarks.measure import Sample, interleaved
from benchmarks.startup import startups
from benchmarks.ways import LOOPBACK, SLOW, Link, Place
from sandbox.sandbox import Sandbox
from tests.faults.relay import relayed

ONE_WAY_SECONDS = 0.05
HOST = "sandbox"


@contextmanager
def links(place: Place, folder: Path) -> Iterator[tuple[Link, Link]]:
    """Give the way through the loopback device, and one through a relay with a round trip of 100 ms."""
    port, known = place.host.port, place.sandbox.directory / "known_hosts"
    with relayed(port) as relay:
        relay.delay(ONE_WAY_SECONDS)
        slow = folder / "known_hosts"
        slow.write_text(known.read_text().replace(str(port), str(relay.port)))
        config = folder / "ssh_config"
        text = place.sandbox.ssh_config.read_text().replace(f"Port {port}", f"Port {relay.port}")
        config.write_text(text.replace(str(known), str(slow)))
        yield Link(LOOPBACK, place.sandbox.ssh_config), Link(SLOW, config)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="of each way, after one that is not counted")
    parser.add_argument("--sandbox", type=Path, help="a folder for a sandbox that stays up (default: a temporary one)")
    options = parser.parse_args()
    ways.install()
    with TemporaryDirectory() as folder:
        sandbox = Sandbox("bench", options.sandbox or Path(folder, "sandbox"), temporary=not options.sandbox)
        try:
            sandbox.up()
            place = Place(sandbox, sandbox.host(HOST))
            results = report.Results(options.runs, startups(options.runs), compared(place, options.runs, Path(folder)))
        finally:
            if not options.sandbox:
                sandbox.down()
    report.write(results)


def compared(place: Place, runs: int, folder: Path) -> dict[tuple[str, str], dict[str, list[Sample]]]:
    """Return the samples of each way by its name, for each work and link."""
    results = {}
    with links(place, folder) as both:
        works.install(place, both[0])
        for work in works.WORKS:
            for link in both:
                say(f"{work.name}, {link.name}")
                chosen = {
                    name: works.prepared(work, place, way)
                    for name, way in place.ways(link, migrates=work.migrates).items()
                }
                results[work.name, link.name] = interleaved(chosen, runs, say)
    return results


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
