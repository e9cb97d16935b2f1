"""The transcripts of the pages: each is typed by a test, and what it shows is compared as it should be."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.transcripts import ROOT, Typed, blocks, code, transcripts

TESTS = (ROOT / "tests/integration/test_transcripts.py", Path(__file__))
WHOLE = "docs/tutorial.md"
PAGES = [f"{path.relative_to(ROOT)}" for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))]

OUTPUT = re.compile(r'^\$ |^ *[✓✗!=~] |^ *\| |^next: |"schema": \d', re.MULTILINE)
"""What a command and its output begin with: a prompt, a mark, evidence, a hint, a document."""


ELSEWHERE = {
    "README.md#first-deploy": "test_from_an_empty_folder_to_a_rollback",
    "docs/ci.md#other-services": "test_the_commands_of_the_pages_do_what_is_said_of_them",
    "docs/failed-migration.md#now": "test_the_way_back_that_rollback_names_starts_the_image_before_where_its_check_is_clean",  # noqa: E501
    "docs/hooks.md#a-deploy-window": "test_the_example_of_a_window_lets_deploys_through_in_it_alone",
    "docs/library.md#install": "test_a_project_uses_the_tasks_from_its_own_fabfile",
    "docs/performance.md#what-a-deploy-costs": "test_the_page_has_a_row_for_each_bound_and_for_each_way",
    "docs/sandbox.md#hosts": "test_plain_ssh_gets_in",
    "docs/sandbox.md#the-sandbox": "test_up_again_changes_nothing",
    "docs/status.md#logs": "test_logs_of_a_time_and_of_a_pattern_with_any_docker_compose",
    "docs/swarm.md#a-docker-swarm": "test_without_a_migration_there_is_no_moment_without_the_service",
    "docs/troubleshooting.md#by-hand-on-the-host": "test_the_commands_of_the_pages_do_what_is_said_of_them",
    "docs/tutorial.md#a-host": "test_the_tutorial_shows_what_happens",
    "docs/upgrade.md#uninstall-from-a-host": "test_uninstalling_leaves_the_service_and_nothing_of_ours",
}
"""Commands that a test of their own runs, as they stand or in other words."""


@pytest.mark.parametrize("page", PAGES)
def test_what_shows_an_output_is_a_transcript_which_has_no_language(page: str) -> None:
    for anchor, kind, text in blocks(ROOT / page):
        if kind:
            assert not OUTPUT.search(text), (anchor, text)
        else:
            assert text.startswith("$ "), (anchor, text)


def test_each_transcript_is_typed_by_a_test() -> None:
    held = {f"{page}#{anchor}" for page in PAGES for anchor, kind, _ in blocks(ROOT / page) if not kind}
    typed = re.findall(r'(?:shows|interrupted)\("([^"]+)"', "".join(path.read_text() for path in TESTS))
    assert sorted(typed) == sorted(place for place in held if not place.startswith(f"{WHOLE}#"))


def test_each_command_is_typed_by_a_test_but_those_for_make() -> None:
    held = {
        f"{page}#{anchor}"
        for page in PAGES
        for anchor, kind, text in blocks(ROOT / page)
        if kind == "sh"
        and page != "CONTRIBUTING.md"
        and not all(line.startswith("make ") for line in text.splitlines())
    }
    typed = re.findall(r'types\("([^"]+)"', TESTS[0].read_text())
    assert {*typed, *ELSEWHERE} == held
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [place for place, name in ELSEWHERE.items() if f"def {name}(" not in tests] == []


def test_the_configuration_page_shows_what_happens(tmp_path: Path) -> None:
    """Nothing is connected for it, so it needs no host."""

    def shows(place: str, exit: int = 0) -> None:
        [typed] = transcripts(place)
        own = {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
        result = processes.run(["sh", "-c", f"{typed.command} 2>&1"], cwd=tmp_path, env=processes.environment(own))
        assert not typed.wrong(result.stdout)
        assert result.returncode == exit

    (tmp_path / "fabfile.py").write_text("from galos_ops.tasks import ns\n")
    (tmp_path / "fabfile.yml").write_text(code("docs/configuration.md#configuration", "yaml")[0])
    (tmp_path / "careful.yml").write_text(code("docs/configuration.md#what-overrides-what", "yaml")[0])
    shows("docs/configuration.md#config")
    (tmp_path / "fabfile.yml").write_text("galos: {verfy: {seconds: 30}}\n")
    shows("docs/configuration.md#configuration", exit=2)


@pytest.mark.parametrize(
    ("shown", "output", "fits"),
    [
        (["  ✓ lock       0.1 s"], "2026-11-23T20:33:51Z   ✓ lock     1.7 s\n", True),
        (["  ✓ lock"], "  ✓ lock     1.7 s\n", True),
        (["  ✓ lock"], "  ✓ lock     1.7 s\nmore\n", False),
        (["  ✓ lock", "…"], "  ✓ lock     1.7 s\nmore\nand more\n", True),
        (["…", "the end"], "begin\nthe end\n", True),
        (["  ✓ lock", "  ✓ pull"], "  ✓ pull\n  ✓ lock\n", False),
        (["says …/x"], "says registry/x\n", True),
        ([], "something\n", False),
        (["by ann@laptop for 5 s"], "by root@vm for 1 s\n", True),
    ],
)
def test_what_is_shown_is_compared_but_for_what_varies(shown: list[str], output: str, fits: bool) -> None:
    assert (Typed("fab deploy", tuple(shown)).wrong(output) == "") == fits
