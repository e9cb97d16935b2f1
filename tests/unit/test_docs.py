"""The pages: their links lead somewhere, and the commands in them name tasks and options that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from fabric.main import program
from invoke.exceptions import ParseError
from invoke.parser import Parser
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext

from galos_ops.tasks.starting import init
from tasks import ns
from tests.transcripts import slug

ROOT = Path(__file__).parents[2]
PAGES = {str(path.relative_to(ROOT)): path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))}
CI_FILES = (*ROOT.glob("docs/ci/*.yml"), *ROOT.glob("galos_ops/templates/git*.yml"))
CI = {str(path.relative_to(ROOT)): path for path in CI_FILES}
FILES = PAGES | CI

FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(
    r"""(?:^|[;&|(:$-]|[A-Z]=\S*)[ ]*(?:fab|galos-ops)(?=[ ])((?:[ ]|"[^"\n]*"|'[^'\n]*'|[^\s"';&|()<>`#\\])+)""",
    re.MULTILINE,
)
REFUSED = ("fab exec -- CMD",)
"""What pages name because it is an error."""


def slugs(page: Path) -> list[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE):
        anchor = slug(heading)
        found.append(f"{anchor}-{found.count(anchor)}" if anchor in found else anchor)
    return found


def links(page: Path) -> list[str]:
    """The targets in this repository that a page links to."""
    text = SPAN.sub("", FENCE.sub("", page.read_text()))
    return [target for target in LINK.findall(text) if "://" not in target]


@pytest.mark.parametrize("name", PAGES)
def test_a_link_leads_to_a_file_and_to_a_heading_in_it(name: str) -> None:
    page = PAGES[name]
    for target in links(page):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in slugs(there), target


def test_the_index_of_the_readme_has_every_page() -> None:
    index = set(links(ROOT / "README.md"))
    assert {name for name in PAGES if name.startswith("docs/")} - index == set()


def commands(name: str) -> Iterator[str]:
    """The command lines of `fab` and `galos-ops` in the code of a file, up to a comment or an operator of the shell."""
    text = FILES[name].read_text()
    fences = [match[0] for match in FENCE.finditer(text)]
    for code in [text] if name.endswith(".yml") else [*fences, *SPAN.findall(FENCE.sub("", text))]:
        plain = re.sub(r"\$\{\w+:\+(.*?)\}", r"\1", code).replace("2>", ">").replace("SECONDS", "60")
        for match in COMMAND.finditer(plain):
            if match[0] not in REFUSED:
                yield re.split(r",? then: |, |: ", match[1])[0]


def parser(page: str) -> Parser:
    """Fabric's parser for our tasks, `init`, and those that a page defines."""
    own = [
        ParserContext(name, args=[Argument(option) for option in re.findall(r"(\w+)=", options)])
        for name, options in re.findall(r"^@\w*task.*\ndef (\w+)\((.*)\)", page, re.MULTILINE)
    ]
    initial = ParserContext(args=[*program.core_args(), *program.task_args()])
    return Parser([*ns.to_contexts(), ParserContext("init", args=init.get_arguments()), *own], initial)


def mistake(parser: Parser, command: str) -> str | None:
    """Why a command is none, None where it is one."""
    try:
        parser.parse_argv(shlex.split(command))
    except ParseError as error:
        return f"{command}: {error}"
    return None


@pytest.mark.parametrize("name", FILES)
def test_a_command_names_tasks_and_options_that_exist(name: str) -> None:
    parse = parser(FILES[name].read_text())
    assert [wrong for command in commands(name) if (wrong := mistake(parse, command))] == []


@pytest.mark.parametrize("name", PAGES)
def test_what_make_is_told_is_a_target(name: str) -> None:
    text = PAGES[name].read_text()
    code = "\n".join([*(match[0] for match in FENCE.finditer(text)), *SPAN.findall(FENCE.sub("", text))])
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    typed = re.findall(r"(?:^|[;&:] )make((?: [a-z-]+)+)", code, re.MULTILINE)
    assert {word for words in typed for word in words.split()} - targets == set()


def test_the_commands_of_a_page_are_found() -> None:
    assert len(list(commands("docs/deploy.md"))) > 10
    assert "-H HOST doctor --fix" in [" ".join(one.split()) for one in commands("docs/doctor.md")]


@pytest.mark.parametrize("name", CI)
def test_a_ci_job_has_more_time_than_all_that_a_deploy_waits_for(name: str) -> None:
    table = (ROOT / "docs/deploy.md").read_text().partition("## Time limits")[2]
    seconds = sum(map(int, re.findall(r"\d+", table)))
    twice = 120 + 3600  # what is pending is asked again, and a backup has the time of a migration
    form = r"^ *timeout(-minutes)?: (?P<minutes>\d+).*--wait (?P<wait>\d+)"
    found = re.search(form, CI[name].read_text(), re.MULTILINE | re.DOTALL)
    assert found
    assert int(found["minutes"]) * 60 > seconds + twice + int(found["wait"])


INSTALLING = re.compile(r"^#|\bpip\b|GALOS_OPS|^ *cache|^ *env:$")


@pytest.mark.parametrize(
    ("name", "path"), [("github-actions", ".github/workflows/deploy"), ("gitlab-ci", ".gitlab-ci")]
)
def test_a_ci_file_says_where_it_lives_and_what_init_writes_is_what_is_run_but_for_how_it_installs(
    name: str, path: str
) -> None:
    ours, theirs = (CI[f"{folder}/{name}.yml"].read_text() for folder in ("docs/ci", "galos_ops/templates"))
    assert ours.startswith(f"# {path}.yml in a copy of the repository of galos-ops.\n")
    assert theirs.startswith(f"# {path}.yml in the repository of your fabfile.py and fabfile.yml.\n")
    run, written = ([line for line in text.splitlines() if not INSTALLING.search(line)] for text in (ours, theirs))
    assert written == run
    assert any('deploy ${TAG:+--tag "$TAG"} ' in line for line in written)
