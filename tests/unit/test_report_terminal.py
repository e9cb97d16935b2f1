import re
from types import SimpleNamespace

import pyte
import pytest

from galos_ops.ui import terminal as live
from galos_ops.ui.terminal import Terminal
from tests.unit.screen import Screen

NAMES = "2: 20260806140000 allow stars without orbits, 20260806150000 rename surface columns"
SHOW, HIDE = "\x1b[?25h", "\x1b[?25l"


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "24")


def display(screen: Screen, columns: int = 40) -> list[str]:
    """All lines of a terminal of this width in the end."""
    shown = pyte.Screen(columns, 24)
    pyte.Stream(shown).feed(screen.getvalue().replace("\n", "\r\n"))
    assert not shown.cursor.hidden
    return [line.rstrip() for line in shown.display]


def drawn(screen: Screen, columns: int = 40) -> list[str]:
    """What such a terminal shows in the end."""
    return [line for line in display(screen, columns) if line]


@pytest.mark.parametrize("columns", [40, 100])
def test_the_running_step_is_drawn_over_and_its_line_stays(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    screen = Screen()
    with Terminal(screen) as report:
        report.title("galos-1", "galos-sync")
        with report.step("pending", "asking") as step:
            screen.wait_for("asking")
            step.detail = NAMES
        report.say("deployed sha256:33e86345 in 9.2 s")
    title, line, said = drawn(screen, columns)
    assert (title, said) == ("galos-1  galos-sync", "deployed sha256:33e86345 in 9.2 s")
    assert re.fullmatch(r"  ✓ pending   2: 2026.*…? +\d+\.\d s", line)
    assert len(line) == columns
    assert HIDE in screen.getvalue()
    assert "\x1b[32m✓" in screen.getvalue()


def test_a_step_that_is_over_leaves_no_empty_line() -> None:
    screen = Screen()
    with Terminal(screen) as report:
        for name in ("lock", "pull"):
            with report.step(name):
                screen.wait_for(f" {name}")
    assert [line.split()[:2] for line in display(screen)[:2]] == [["✓", "lock"], ["✓", "pull"]]


def test_output_and_sentences_stay_above_the_running_line() -> None:
    screen = Screen()
    with Terminal(screen) as report, report.step("migrate"):
        screen.wait_for("⠙ migrate")
        report.output("Applied 20260806140000/migrate allow stars without orbits (1.2ms)")
        report.warn("this goes on for a little longer than the line")
        screen.truncate(0)
        screen.seek(0)
        screen.wait_for(" migrate")
    shown = drawn(screen)
    assert len(shown) == 1
    assert shown[0].startswith("  ✓ migrate")


def test_a_long_line_of_output_is_left_to_the_terminal_and_a_warning_is_wrapped() -> None:
    screen = Screen()
    with Terminal(screen) as report:
        report.output("Applied 20260806140000/migrate allow stars without orbits (1.2ms)")
        report.warn("this goes on for a little longer than the line")
    applied, *warned = [re.sub(r"\x1b\[[0-9;?]*[a-z]", "", line) for line in screen.lines]
    assert applied == "    Applied 20260806140000/migrate allow stars without orbits (1.2ms)"
    assert warned[:2] == ["  ! this goes on for a little longer", "    than the line"]


def test_how_far_a_step_is_stands_in_its_line_while_it_runs() -> None:
    screen = Screen()
    with Terminal(screen) as report:
        report.progress("nothing runs")
        with report.step("pull"):
            for number in range(8):
                report.progress(f"{number}/7 layers")
                assert f"pull      {number}/7 layers " in screen.getvalue(), "what changed is not shown at once"
        with report.step("up"):
            pass
    assert not any("layers" in line or "nothing runs" in line for line in drawn(screen))


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_ends_a_step_badly_leaves_the_terminal_as_it_was(error: type[BaseException]) -> None:
    screen = Screen()

    def interrupted() -> None:
        screen.wait_for(" migrate")
        screen.write("^C")
        raise error

    with pytest.raises(error), Terminal(screen) as report, report.step("migrate"):
        interrupted()
    shown = drawn(screen)
    assert len(shown) == 1
    assert shown[0].startswith("  ✗ migrate")
    assert screen.getvalue().rindex(SHOW) > screen.getvalue().rindex(HIDE)


def test_the_echo_of_ctrl_c_fits_behind_the_running_line() -> None:
    screen = Screen()
    with Terminal(screen) as report, report.step("migrate", "x" * 60):
        screen.wait_for("…")
        screen.write("^C")
    assert [line[:11] for line in drawn(screen)] == ["  ✓ migrate"]


def test_a_step_in_a_step_is_the_one_that_is_alive() -> None:
    screen = Screen()
    with Terminal(screen) as report, report.step("outer"), report.step("inner"):
        screen.wait_for(" inner")
    assert [line[:9] for line in drawn(screen)] == ["  ✓ inner", "  ✓ outer"]


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_without_colour_nothing_moves_and_lines_still_fit(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    screen = Screen()
    with Terminal(screen) as report:
        with report.step("pending", NAMES):
            report.progress("3/7 layers")
        report.say("deployed sha256:33e86345 in 9.2 s · service down for 2.8 s")
    assert "\x1b" not in screen.getvalue()
    assert [len(line) for line in screen.lines] == [40, 35, 22]
    assert "…" in screen.lines[0]


def test_markup_and_emoji_codes_are_text() -> None:
    screen = Screen()
    said = "[red]:smile:[/red] [/] 127.0.0.1"
    with Terminal(screen) as report:
        report.say(said)
        report.output(said)
        report.table([[said]])
        with report.step("pull", said):
            screen.wait_for("⠙ pull      [red]")
    assert screen.getvalue().count(said) == 3
    assert drawn(screen)[-1].startswith("  ✓ pull      [red]:smile:[/re…")


def test_a_terminal_that_cannot_show_the_letters_gets_plain_ones() -> None:
    screen = Screen(encoding="ascii")
    with Terminal(screen) as report, report.step("pull", "sha256:1f3a09c2 → sha256:9bc2e071"):
        screen.wait_for("pull")
    assert [len(line) for line in drawn(screen)] == [40]
    assert drawn(screen)[0].startswith("  ok pull      sha256:1f3a09c2~")


def test_a_table_is_cut_to_the_terminal() -> None:
    screen = Screen()
    with Terminal(screen) as report:
        report.table([["galos-1", "x" * 60, "end"], ["b", "y", "end"]])
    first, second = drawn(screen)
    assert len(first) == 40
    assert first.endswith("…  end")
    assert [line.index("end") for line in (first, second)] == [37, 37]


def test_frames_follow_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    report = Terminal(Screen())
    with report, report.step("pull") as step:
        clock = SimpleNamespace(now=step.began)
        monkeypatch.setattr(live, "time", SimpleNamespace(monotonic=lambda: clock.now))
        frames = []
        for tenth in range(12):
            clock.now = step.began + (tenth + 0.5) / 10
            frames.append(report._frame().plain)
    assert "".join(frame[2] for frame in frames) == "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏⠋⠙"
    assert all(frame[3:].startswith(" pull ") for frame in frames)
