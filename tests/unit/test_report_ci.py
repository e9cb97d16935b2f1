import re

import pytest

from galos_ops.errors import MigrationError, OpsError, gravest
from galos_ops.ui.ci import GitHub, GitLab, escaped, escaped_property, inert
from tests.unit.screen import Screen


def fail(report: GitHub, error: OpsError) -> None:
    with pytest.raises(OpsError), report:
        raise error


def test_github_groups_what_is_about_one_service_without_timestamps() -> None:
    screen = Screen(terminal=False)
    with GitHub(screen) as report:
        report.title("galos-1", "galos-sync")
        report.output("Applied 20260806140000")
        with report.step("up"):
            pass
        report.title("galos-1", "galos-web")
        report.say("done")
    lines = [re.sub(r" +\d\.\d s", "", line) for line in screen.lines]
    assert lines == [
        "::group::galos-1  galos-sync",
        "    Applied 20260806140000",
        "  ✓ up",
        "::endgroup::",
        "::group::galos-1  galos-web",
        "done",
        "::endgroup::",
    ]


def test_the_last_word_on_a_service_is_not_folded_away() -> None:
    screen = Screen(terminal=False)
    with GitHub(screen) as report:
        for service in ("galos-sync", "galos-web"):
            report.title("galos-1", service)
            report.conclude("deployed")
    groups = [["::group::galos-1  " + name, "::endgroup::", "deployed"] for name in ("galos-sync", "galos-web")]
    assert screen.lines == groups[0] + groups[1]


def test_github_gets_the_failure_as_an_annotation_behind_the_group() -> None:
    screen = Screen(terminal=False)
    report = GitHub(screen)
    report.title("galos-1", "galos-sync")
    fail(report, MigrationError("100% failed:\r\nno, really.", evidence="x", hint="fab -H galos-1 deploy"))
    assert screen.lines == [
        "::group::galos-1  galos-sync",
        "::endgroup::",
        "::error title=galos-ops%3A exit 6::100%25 failed:%0Ano, really.%0Anext: fab -H galos-1 deploy",
    ]


def test_github_gets_an_annotation_for_each_host_that_failed() -> None:
    screen = Screen(terminal=False)
    errors = [OpsError("a: it failed."), MigrationError("b: it failed.", hint="fab -H b deploy")]
    fail(GitHub(screen), gravest(errors))
    assert screen.lines == [
        "::error title=galos-ops%3A exit 1::a: it failed.",
        "::error title=galos-ops%3A exit 6::b: it failed.%0Anext: fab -H b deploy",
    ]


def test_github_gets_warnings_as_annotations_and_no_group_without_a_title() -> None:
    screen = Screen(terminal=False)
    report = GitHub(screen)
    report.warn("the disk is\n95 % full")
    fail(report, OpsError("it failed."))
    assert screen.lines == ["::warning::the disk is%0A95 %25 full", "::error title=galos-ops%3A exit 1::it failed."]


def test_github_commands_are_escaped_as_data_and_as_properties() -> None:
    assert escaped("a:b, 5%\r\n") == "a:b, 5%25%0D%0A"
    assert escaped_property("a:b, 5%") == "a%3Ab%2C 5%25"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("    ::error::not ours", "    : :error::not ours"),
        ("::stop-commands::x", ": :stop-commands::x"),
        ("so ##[add-mask]x", "so ## [add-mask]x"),
        ("std::vector  :: x", "std::vector  :: x"),
    ],
)
def test_output_cannot_speak_to_github(line: str, shown: str) -> None:
    assert inert(line) == shown


def test_gitlab_folds_a_section_for_each_title() -> None:
    screen = Screen(terminal=False)
    with GitLab(screen) as report:
        report.title("galos-1", "galos-sync")
        report.say("done")
    start, said, end, _ = re.split(r"\n", screen.getvalue())
    assert re.fullmatch(r"\x1b\[0Ksection_start:\d+:galos-1_galos-sync\r\x1b\[0Kgalos-1  galos-sync", start)
    assert re.fullmatch(r"\d{4}-\S+Z done", said)
    assert re.fullmatch(r"\x1b\[0Ksection_end:\d+:galos-1_galos-sync\r\x1b\[0K", end)
