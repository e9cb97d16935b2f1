"""Deploys to several hosts at once, each behind a long link of its own, beside the one line with ssh on each."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.measure import Sample, interleaved, measure
from benchmarks.ways import LINE, OURS, SSH, Link, Place
from benchmarks.works import FORGET_IMAGES, IMAGE, NOTHING
from sandbox.sandbox import host_name

SIZES = (1, 2, 4)
HOSTS = tuple(map(host_name, range(max(SIZES))))
OLD, NEW = "v2", "v3"  # of the same migrations
Sizes = Mapping[int, Sequence[Sample]]
"""The samples of a way by the number of hosts."""


@dataclass(frozen=True)
class Fleet:
    """The hosts behind a link; all of them change at a time."""

    place: Place
    link: Link

    @property
    def variables(self) -> dict[str, str]:
        return self.place.variables(FABRIC_GALOS_FLEET_PARALLEL=str(len(HOSTS)))

    def fab(self, size: int, *tasks: str) -> list[str]:
        """Return the words of `fab` at the first so many hosts."""
        return [*self.place.fab(self.link, hosts=HOSTS[:size]), *tasks]

    def ssh(self, size: int) -> list[str]:
        """Return the words that run the one line on the first so many hosts at once."""
        started = [
            f'{shlex.join(["ssh", "-F", str(self.link.config), host, LINE])} & ids="$ids $!"\n' for host in HOSTS
        ]
        return ["sh", "-c", f"{''.join(started[:size])}for id in $ids; do wait $id || exit 1; done"]

    def everywhere(self, *tasks: str) -> None:
        """Run tasks on all hosts."""
        subprocess.run(self.fab(len(HOSTS), *tasks), env=self.variables, check=True, stdout=subprocess.DEVNULL)

    def new_image(self) -> None:
        """Have every host run one release, and the newest be another one, which no host has."""
        self.place.sandbox.publish(OLD)
        self.everywhere("deploy")
        self.place.sandbox.publish(NEW)
        for name in HOSTS:
            self.place.sandbox.host(name).shell(FORGET_IMAGES)

    def measured(self, prepare: Callable[[], None], argv: list[str]) -> Sample:
        """Measure one deploy, as far as the time down goes on the first host."""
        prepare()
        return measure(self.place.host, argv, self.variables)


def compared(fleet: Fleet, runs: int, say: Callable[[str], None]) -> Mapping[str, Mapping[str, Sizes]]:
    """Return the samples by work and way."""
    fleet.everywhere("setup", "deploy")
    results = {}
    for work, prepare in ((NOTHING, lambda: None), (IMAGE, fleet.new_image)):
        say(f"{work}, {', '.join(map(str, SIZES))} hosts")
        argvs = {OURS: lambda size: fleet.fab(size, "deploy"), SSH: fleet.ssh}
        ways = {
            f"{way} {size}": partial(fleet.measured, prepare, argv(size))
            for way, argv in argvs.items()
            for size in SIZES
        }
        samples = interleaved(ways, runs, say)
        results[work] = {way: {size: samples[f"{way} {size}"] for size in SIZES} for way in argvs}
    return results
