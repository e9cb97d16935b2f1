import os
import re

import pytest

from galos_ops.progress import SAME, WARN
from galos_ops.ui.ci import GitHub, GitLab
from galos_ops.ui.plain import Plain
from galos_ops.ui.terminal import Terminal
from galos_ops.ui.view import view
from tests.unit.screen import Screen

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ "


def unstamped(screen: Screen) -> list[str]:
    assert all(re.match(STAMP, line) for line in screen.lines)
    return [re.sub(STAMP, "", line) for line in screen.lines]


def test_a_step_is_a_line_with_its_mark_detail_and_time() -> None:
    screen = Screen()
    with Plain(screen).step("pull") as step:
        step.detail = "sha256:1f3a09c2"
    assert re.fullmatch(STAMP + r"  ✓ pull +sha256:1f3a09c2 +\d+\.\d s\n", screen.getvalue())


def test_a_step_that_raises_is_marked_as_failed() -> None:
    screen = Screen()
    with pytest.raises(ZeroDivisionError), Plain(screen).step("migrate"):
        raise ZeroDivisionError
    assert unstamped(screen)[0].startswith("  ✗ migrate")


def test_marks_tell_warnings_and_what_was_so_already() -> None:
    screen = Screen()
    for mark in (WARN, SAME):
        with Plain(screen).step("x") as step:
            step.mark = mark
    assert [line[2] for line in unstamped(screen)] == ["!", "="]


def test_each_line_has_a_timestamp_and_may_be_long() -> None:
    screen = Screen()
    report = Plain(screen)
    report.say("word " * 60)
    report.warn("one\ntwo")
    report.table([["a" * 200, "b"]])
    assert unstamped(screen) == ["word " * 60, "  ! one", "two", "a" * 200 + "  b"]


def test_a_title_is_said_once() -> None:
    screen = Screen()
    report = Plain(screen)
    for service in ("galos-sync", "galos-sync", "galos-web"):
        report.title("galos-1", service)
    assert unstamped(screen) == ["galos-1  galos-sync", "galos-1  galos-web"]


def test_a_stream_that_cannot_show_the_letters_gets_plain_ones() -> None:
    screen = Screen(encoding="ascii")
    report = Plain(screen)
    with report.step("up", "sha256:1f3a09c2 → sha256:9bc2e071"):
        pass
    report.say("deployed · café")
    up, said = unstamped(screen)
    assert up.startswith("  ok up        sha256:1f3a09c2 -> sha256:9bc2e071 ")
    assert said == "deployed - caf?"


@pytest.mark.parametrize("kind", [Plain, Terminal, GitHub, GitLab])
def test_no_view_shows_a_password_or_passes_a_control_sequence_on(kind: type[Plain]) -> None:
    screen = Screen()
    hostile = "\x1b[2Jusing postgresql://galos:secret@db/x"
    with kind(screen) as report:
        report.title(hostile)
        report.output(hostile)
        report.say(hostile)
        report.warn(hostile)
        report.table([[hostile]])
        with report.step("x", hostile):
            report.progress(hostile)
    assert "secret" not in screen.getvalue()
    assert screen.getvalue().count("galos:***@db/x") >= 6
    assert "\x1b[2J" not in screen.getvalue()


@pytest.mark.parametrize(
    ("environment", "terminal", "expected"),
    [
        ({}, False, Plain),
        ({}, True, Terminal),
        ({"NO_COLOR": "1", "TERM": "dumb"}, True, Terminal),
        ({"CI": "true"}, True, Plain),
        ({"CI": "false"}, True, Terminal),
        ({"GITHUB_ACTIONS": "true"}, False, GitHub),
        ({"GITHUB_ACTIONS": "true"}, True, GitHub),
        ({"GITHUB_ACTIONS": "false"}, False, Plain),
        ({"GITLAB_CI": "true", "CI": "true"}, False, GitLab),
    ],
)
def test_the_ci_system_decides_then_the_terminal(
    environment: dict[str, str], terminal: bool, expected: type[Plain]
) -> None:
    assert view(environment, terminal=terminal) is expected


@pytest.mark.parametrize("kind", [Plain, Terminal, GitHub, GitLab])
@pytest.mark.parametrize("disk", [True, False])
def test_what_is_not_taken_ends_no_step(kind: type[Plain], disk: bool) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = []
    with open("/dev/full" if disk else theirs, "w") as stream:
        with kind(stream) as report:
            for step in ("pull", "down"):
                report.title("box", step)
                with report.step(step):
                    done.append(step)
        assert done == ["pull", "down"]
        assert isinstance(report.unwritten, OSError) is disk
    if disk:
        os.close(theirs)
