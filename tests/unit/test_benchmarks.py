"""What the benchmark makes of its samples."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from benchmarks import report
from benchmarks.measure import Sample, Spread, down
from benchmarks.picture import picture
from benchmarks.requests import Asked
from benchmarks.startup import EMPTY, LIST
from benchmarks.ways import ANSIBLE, FABRIC, FLOOR, FLOOR_OF_A_MIGRATION, LOOPBACK, OURS, PYINFRA, SLOW, SSH
from benchmarks.works import NOTHING, WORKS

FLOORS = {FLOOR: 0.5, FLOOR_OF_A_MIGRATION: 0.8}
SECONDS = {SSH: 1.0, FABRIC: 1.2, PYINFRA: 2.0, ANSIBLE: 4.0, OURS: 1.4, **FLOORS}
PLACES = [(work.name, link) for work in WORKS for link in (LOOPBACK, SLOW)]


def event(action: str, time: int, *, one_off: bool = False, service: bool = True) -> str:
    labels = {"com.docker.compose.service": "s", "com.docker.compose.oneoff": str(one_off)} if service else {}
    return json.dumps({"Action": action, "Actor": {"Attributes": labels}, "timeNano": time * 10**9})


def test_the_time_down_is_from_the_first_end_to_the_last_start_of_the_service_itself() -> None:
    migration = [event("start", 12, one_off=True), event("die", 13, one_off=True)]
    others = [event("die", 1, service=False), event("start", 99, service=False), '{"recorder": "attached"}', "", "half"]
    assert down("\n".join([event("die", 10), *migration, *others, event("start", 15)])) == 5.0
    assert down(event("start", 15)) == 0.0


def results() -> report.Results:
    samples = {
        place: {way: [Sample(seconds, 40.0, seconds / 2)] * 2 for way, seconds in SECONDS.items()} for place in PLACES
    }
    steps = {OURS: 10, SSH: 20}
    fleet = {
        way: {size: [Sample(1.0 + size / step, 40.0 + size, 0.0)] * 2 for size in (1, 2, 4)}
        for way, step in steps.items()
    }
    asked = {"start-first": [Asked.of("answered\nanswered\n"), Asked.of("answered\nfailed\n")]}
    return report.Results(
        2, {EMPTY: Spread(0.2, 0.2, 0.2), LIST: Spread(0.22, 0.2, 0.3)}, samples, {NOTHING: fleet}, asked
    )


def test_the_page_has_a_row_for_each_bound_and_for_each_way() -> None:
    page = report.page(results())
    assert "| nothing new, loopback: bare ssh | 1.40 | 1.50 | yes | 1.20 |" in page
    assert "| nothing new, 100 ms round trip: bare ssh | 1.40 | 1.30 | no | 1.20 |" in page
    assert "| nothing new, loopback: pyinfra | 0.70 | 0.80 | yes | 0.60 |" in page
    assert "| new image with a migration: time down by hand | 1.40 | 0.70 | no | 0.80 |" in page
    assert "| `fab --list`: an empty fabfile | 1.10 | 1.15 | yes |  |" in page
    assert page.count("\n| galos-ops | 1.40 s | 1.40 to 1.40 | 1.40 | 0.70 s | 1.40 | 40 MB |") == len(PLACES)
    assert "| nothing new, 4 hosts, 100 ms round trip: one host | 1.27 | 1.50 | yes | 1.14 |" in page
    assert "\n| 2 | 1.20 s | 1.20 to 1.20 | 1.09 | 42 MB | 1.10 s | 1.05 |" in page
    assert "| `start-first` | 2 | 3 | 1 |" in page
    assert "$" not in page


def test_the_picture_is_an_svg_with_a_bar_for_each_way() -> None:
    root = ElementTree.fromstring(picture({"a & b": SECONDS}, OURS))  # noqa: S314
    assert len(root.findall("{http://www.w3.org/2000/svg}rect")) == len(SECONDS)
