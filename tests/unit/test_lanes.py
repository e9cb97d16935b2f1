"""What several threads report at once: each in one piece, nothing interleaved, a line a lane alive at a terminal."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from galos_ops.ui.ci import GitHub
from galos_ops.ui.plain import Plain
from galos_ops.ui.terminal import Terminal
from tests.processes import HANG_SECONDS
from tests.unit.screen import Screen

NAMES = ("galos-1", "galos-2")


def both(report: Plain, work: Callable[[str], None]) -> None:
    """Report from two threads, whose steps are under way at the same time; the second one ends first."""
    begun, second = threading.Barrier(2), threading.Event()

    def report_one(name: str) -> None:
        with report.lane(name):
            report.title(name, "galos-sync")
            with report.step("pull") as step:
                begun.wait(HANG_SECONDS)
                work(name)
                step.detail = f"of {name}"
            report.say(f"{name} has it")
            if name == NAMES[0]:
                assert second.wait(HANG_SECONDS)
        if name == NAMES[1]:
            second.set()

    with ThreadPoolExecutor() as pool:
        list(pool.map(report_one, NAMES))


def words(screen: Screen) -> list[str]:
    return [re.sub(r"^\S+Z | +\d\.\d s$", "", line) for line in screen.lines]


def test_what_a_thread_reports_stays_together() -> None:
    screen = Screen(terminal=False)
    with Plain(screen) as report:
        report.title("galos-1", "lock")
        both(report, lambda name: report.output(f"output of {name}"))
        report.title("galos-1", "lock")
    pieces = [
        [f"{name}  galos-sync", f"    output of {name}", f"  ✓ pull      of {name}", f"{name} has it"]
        for name in reversed(NAMES)
    ]
    assert words(screen) == ["galos-1  lock", *pieces[0], *pieces[1], "galos-1  lock"]


def test_every_thread_has_sections_of_its_own_in_ci() -> None:
    screen = Screen(terminal=False)
    with GitHub(screen) as report:
        report.title("galos-1", "lock")
        both(report, lambda name: report.warn(f"slow {name}"))
    pieces = [
        [
            f"::group::{name}  galos-sync",
            f"::warning::slow {name}",
            f"  ✓ pull      of {name}",
            f"{name} has it",
            "::endgroup::",
        ]
        for name in reversed(NAMES)
    ]
    assert words(screen) == ["::group::galos-1  lock", "::endgroup::", *pieces[0], *pieces[1]]


def test_a_terminal_shows_a_line_a_host_while_they_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "60", "LINES": "24"}.items():
        monkeypatch.setenv(name, value)
    screen = Screen()
    with Terminal(screen) as report:

        def work(name: str) -> None:
            report.progress(f"3/{len(name)} layers of {name}")
            for other in NAMES:
                screen.wait_for(f"{other}  pull      3/7 layers of {other}")

        both(report, work)
    kept = [line for line in screen.getvalue().split("\n") if "has it" in line]
    assert len(kept) == len(NAMES)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_a_thread_had_to_say_is_shown_when_it_fails(error: type[BaseException]) -> None:
    screen = Screen(terminal=False)
    report = Plain(screen)

    def failing() -> None:
        with report.lane("galos-1"), report.step("pull"):
            raise error

    with pytest.raises(error):
        failing()
    assert words(screen) == ["  ✗ pull"]
