"""Measures every way of deploying side by side in a sandbox, and writes docs/performance.md: `make bench`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import fleet, report, requests, ways, works
from benchmarks.links import loopback, slow
from benchmarks.measure import Sample, interleaved
from benchmarks.startup import startups
from benchmarks.ways import Place
from sandbox.sandbox import Sandbox


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
            place = Place(sandbox, sandbox.host(fleet.HOSTS[0]))
            starts, one = startups(options.runs), compared(place, options.runs, Path(folder, "one"))
            sandbox.up(len(fleet.HOSTS))
            with slow(sandbox, fleet.HOSTS, Path(folder, "several")) as link:
                several = fleet.compared(fleet.Fleet(place, link), options.runs, say)
            asked = requests.compared(requests.Cluster(place, loopback(sandbox)), options.runs, say)
            results = report.Results(options.runs, starts, one, several, asked)
        finally:
            if not options.sandbox:
                sandbox.down()
    report.write(results)


def compared(place: Place, runs: int, folder: Path) -> dict[tuple[str, str], dict[str, list[Sample]]]:
    """Return the samples of each way by its name, for each work and link."""
    results, near = {}, loopback(place.sandbox)
    with slow(place.sandbox, [place.host.name], folder) as far:
        works.install(place, near)
        for work in works.WORKS:
            for link in (near, far):
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
