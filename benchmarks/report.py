"""docs/performance.md and its picture, out of the samples; pure but for `write`."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Template

from benchmarks.fleet import Sizes
from benchmarks.measure import Sample, Spread, spread
from benchmarks.picture import picture
from benchmarks.requests import DRAIN_SECONDS, Asked
from benchmarks.startup import EMPTY, LIST
from benchmarks.ways import (
    ANSIBLE,
    BY_HAND,
    FABRIC,
    FLOOR_OF_A_MIGRATION,
    LINE,
    LOOPBACK,
    OURS,
    PYINFRA,
    ROOT,
    SLOW,
    SSH,
)
from benchmarks.works import IMAGE, MIGRATION, NOTHING
from galos_ops import __version__

TEMPLATE = Path(__file__).with_name("page.md")
PAGE, PICTURE = ROOT / "docs/performance.md", ROOT / "docs/performance.svg"


@dataclass(frozen=True)
class Results:
    """What one run found: the samples of each way by work and link, and those of several hosts by work and way.

    `asked` is what a client met of a Swarm, by the order in which containers are replaced.
    """

    runs: int
    startups: Mapping[str, Spread]
    samples: Mapping[tuple[str, str], Mapping[str, Sequence[Sample]]]
    fleet: Mapping[str, Mapping[str, Sizes]]
    asked: Mapping[str, Sequence[Asked]]

    def seconds(self, work: str, link: str, way: str) -> Spread:
        return spread(self.samples[work, link][way], "seconds")

    def down(self, work: str, link: str, way: str) -> Spread:
        return spread(self.samples[work, link][way], "down")


@dataclass(frozen=True)
class Bound:
    """How much of another way's median ours may take; `floor` is what nothing can be below that does it so."""

    what: str
    ours: float
    theirs: float
    most: float
    floor: float | None = None

    @property
    def row(self) -> str:
        ratio = self.ours / self.theirs
        floor = "" if self.floor is None else f"{self.floor / self.theirs:.2f}"
        met = "yes" if ratio <= self.most else "no"
        return f"| {self.what} | {ratio:.2f} | {self.most:.2f} | {met} | {floor} |"


def bounds(results: Results) -> Iterator[Bound]:
    """Return what a deploy may cost, as the design has it."""

    def seconds(link: str, way: str) -> float:
        return results.seconds(NOTHING, link, way).median

    for link, most in ((LOOPBACK, 1.5), (SLOW, 1.3)):
        yield Bound(
            f"{NOTHING}, {link}: bare ssh", seconds(link, OURS), seconds(link, SSH), most, seconds(link, FABRIC)
        )
    for way, most in ((PYINFRA, 0.8), (ANSIBLE, 0.35)):
        ours, theirs, floor = (seconds(LOOPBACK, one) for one in (OURS, way, FABRIC))
        yield Bound(f"{NOTHING}, {LOOPBACK}: {way}", ours, theirs, most, floor)
    for work, most, least in ((IMAGE, 1.1, SSH), (MIGRATION, 0.7, FLOOR_OF_A_MIGRATION)):
        ours, theirs, floor = (results.down(work, LOOPBACK, way).median for way in (OURS, SSH, least))
        yield Bound(f"{work}: time down by hand", ours, theirs, most, floor)
    yield Bound("`fab --list`: an empty fabfile", results.startups[LIST].median, results.startups[EMPTY].median, 1.15)
    for work, sizes in results.fleet.items():
        one, *_, most_hosts = medians(sizes[OURS])
        one_by_ssh, *_, most_by_ssh = medians(sizes[SSH])
        floor = one * most_by_ssh / one_by_ssh
        yield Bound(f"{work}, {max(sizes[OURS])} hosts, {SLOW}: one host", most_hosts, one, 1.5, floor)


def medians(sizes: Sizes) -> list[float]:
    """Return the median time of each number of hosts."""
    return [spread(samples, "seconds").median for samples in sizes.values()]


def table(results: Results, work: str, link: str) -> str:
    """Return the rows of the ways for one work on one link."""
    rows = ["| | median | quartiles | × ssh | time down | × ssh | memory |", "|---|---|---|---|---|---|---|"]
    base, gone = results.seconds(work, link, SSH), results.down(work, link, SSH)
    for way, samples in results.samples[work, link].items():
        spent, down = results.seconds(work, link, way), results.down(work, link, way)
        cells = (
            way,
            f"{spent.median:.2f} s",
            spent.quartiles(),
            f"{spent.median / base.median:.2f}",
            *((f"{down.median:.2f} s", f"{down.median / gone.median:.2f}") if gone.median else ("", "")),
            f"{spread(samples, 'memory').median:.0f} MB",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def fleet_table(ways: Mapping[str, Sizes]) -> str:
    """Return the rows of so many hosts for one work."""
    rows = [f"| hosts | {OURS} | quartiles | × one | memory | {SSH} | × one |", "|---|---|---|---|---|---|---|"]
    firsts = [medians(ways[way])[0] for way in (OURS, SSH)]
    for size, samples in ways[OURS].items():
        ours, theirs = spread(samples, "seconds"), spread(ways[SSH][size], "seconds")
        ratios = [f"{each.median / first:.2f}" for each, first in zip((ours, theirs), firsts, strict=True)]
        memory = f"{spread(samples, 'memory').median:.0f} MB"
        cells = (f"{ours.median:.2f} s", ours.quartiles(), ratios[0], memory, f"{theirs.median:.2f} s", ratios[1])
        rows.append(f"| {size} | {' | '.join(cells)} |")
    return "\n".join(rows)


def asked_table(asked: Mapping[str, Sequence[Asked]]) -> str:
    """Return a row for each order in which containers are replaced."""
    rows = ["| order | deploys | answered | failed |", "|---|---|---|---|"]
    for order, each in asked.items():
        answered, failed = sum(one.answered for one in each), sum(one.failed for one in each)
        rows.append(f"| `{order}` | {len(each)} | {answered} | {failed} |")
    return "\n".join(rows)


def page(results: Results) -> str:
    """Return the text of docs/performance.md."""
    tables = "\n\n".join(f"### {work}, {link}\n\n{table(results, work, link)}" for work, link in results.samples)
    starts = "\n".join(
        f"| {name} | {each.median:.3f} s | {each.quartiles(3)} |" for name, each in results.startups.items()
    )
    values = {
        "version": __version__,
        "date": f"{date.today():%Y-%m-%d}",
        "python": platform.python_version(),
        "runs": results.runs,
        "line": LINE,
        "by_hand": BY_HAND,
        "bounds": "\n".join(bound.row for bound in bounds(results)),
        "tables": tables,
        "fleet": "\n\n".join(f"### {work}\n\n{fleet_table(sizes)}" for work, sizes in results.fleet.items()),
        "asked": asked_table(results.asked),
        "drain": DRAIN_SECONDS,
        "startups": starts,
    }
    return Template(TEMPLATE.read_text()).substitute(values)


def write(results: Results) -> None:
    """Write the page and the picture."""
    PAGE.write_text(page(results))
    medians = {
        f"{work}, {link}": {way: results.seconds(work, link, way).median for way in ways}
        for (work, link), ways in results.samples.items()
    }
    PICTURE.write_text(picture(medians, OURS))
