import io
import re

import pytest

from galos_ops.report import SAME, WARN, Report


class Screen(io.StringIO):
    encoding = "utf-8"

    def __init__(self, *, live: bool) -> None:
        super().__init__()
        self._is_live = live

    def isatty(self) -> bool:
        return self._is_live


def test_a_step_is_a_line_with_its_mark_detail_and_time() -> None:
    screen = Screen(live=True)
    with Report(screen).step("pull") as step:
        step.detail = "sha256:1f3a09c2"
    assert re.fullmatch(r"  ✓ pull +sha256:1f3a09c2 +\d+\.\d s\n", screen.getvalue())


def test_a_step_that_raises_is_marked_as_failed() -> None:
    screen = Screen(live=True)
    with pytest.raises(ZeroDivisionError), Report(screen).step("migrate"):
        raise ZeroDivisionError
    assert screen.getvalue().startswith("  ✗ migrate")


def test_marks_tell_warnings_and_what_was_so_already() -> None:
    screen = Screen(live=True)
    for mark in (WARN, SAME):
        with Report(screen).step("x") as step:
            step.mark = mark
    assert [line[2] for line in screen.getvalue().splitlines()] == ["!", "="]


def test_without_a_terminal_each_line_has_a_timestamp() -> None:
    screen = Screen(live=False)
    Report(screen).say("done")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ done\n", screen.getvalue())


def test_a_stream_that_cannot_show_the_marks_gets_plain_ones() -> None:
    screen = Screen(live=True)
    screen.encoding = "ascii"
    with Report(screen).step("up"):
        pass
    assert screen.getvalue().startswith("  ok up")


def test_output_of_a_command_shows_no_password() -> None:
    screen = Screen(live=True)
    Report(screen).output("using postgresql://galos:secret@db/x")
    assert screen.getvalue() == "    using postgresql://galos:***@db/x\n"
