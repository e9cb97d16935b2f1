"""What a person finds without a page: the list, the help of each task, completion."""

from __future__ import annotations

import re
import subprocess
import sys
from inspect import getdoc
from pathlib import Path
from shutil import which

import pytest
from invoke.collection import Collection

from galos_ops.tasks import namespace
from tests.described import described

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SECTIONS = {
    "Preparing": {"setup"},
    "Updating": {"prune", "pull"},
    "Starting": {"up", "start"},
    "Stopping": {"stop", "down"},
    "Migration": {"pending", "migrate", "deploy", "rollback"},
    "Attaching": {"exec", "run"},
    "Holding": {"hold"},
    "Looking": {"status", "history", "logs", "doctor", "config"},
}


@pytest.fixture(scope="module")
def tasks() -> Collection:
    return namespace()


def test_the_list_names_the_section_of_the_runbook_for_each_task(tasks: Collection) -> None:
    found: dict[str, set[str]] = {}
    for name, task in tasks.tasks.items():
        section = (getdoc(task) or "").partition("\n")[0].replace(",", ":").partition(":")[0]
        found.setdefault(section, set()).add(name)
    assert found == SECTIONS


def test_whatever_a_terminal_can_encode_it_shows_the_help(tasks: Collection) -> None:
    texts = [text for name in tasks.task_names for text in (getdoc(tasks[name]), *tasks[name].help.values())]
    assert [text for text in texts if text and not text.isascii()] == []


def having(tasks: Collection, option: str) -> set[str]:
    """The tasks that have an option."""
    return {name for name in tasks.task_names if any(option in one.names for one in tasks[name].get_arguments())}


def test_the_tasks_with_json_are_those_of_the_page(tasks: Collection) -> None:
    page = (ROOT / "docs/json.md").read_text()
    told = re.search(r"^(`status`, (?:.|\n)*?) have the option: ", page, re.MULTILINE)
    assert told
    assert set(re.findall(r"`(.*?)`", told[1])) == having(tasks, "json")
    assert having(tasks, "json") <= described().keys()


def test_every_task_that_changes_a_host_has_a_dry_run_but_those_of_the_page(tasks: Collection) -> None:
    looking = {"status", "history", "logs", "config", "pending", "env.diff"}
    assert set(tasks.task_names) - looking - having(tasks, "dry-run") == {"exec", "run", "doctor"}
    assert "but for `exec`, `run` and `doctor --fix`" in (ROOT / "docs/dry-run.md").read_text()


@pytest.mark.parametrize(
    ("words", "word", "found"),
    [
        ("fab -H galos-1 dep", "dep", {"deploy"}),
        ("fab -H galos-1 ecr.", "ecr.", {"ecr.check", "ecr.helper", "ecr.credentials"}),
        ("fab -H galos-1 deploy --w", "--w", {"--wait"}),
        ("fab -H galos-1 deploy --d", "--d", {"--dry-run"}),
        ("galos-ops -H galos-1 dep", "dep", {"deploy"}),
        ("galos-ops ini", "ini", {"init"}),
        ("galos-ops -H galos-1 deploy --w", "--w", {"--wait"}),
    ],
)
def test_bash_completes_tasks_and_options(words: str, word: str, found: set[str]) -> None:
    program = words.split()[0]
    script = (
        f'eval "$({program} --print-completion-script bash)"; '
        f"COMP_WORDS=({words}); _complete_{program} {program} {word}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    path = {"PATH": f"{BIN}:/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, env=path, capture_output=True, text=True, check=True)
    assert found <= set(done.stdout.split())
    assert all(one.startswith(word) for one in done.stdout.split())


SHELLS = {
    "zsh": (
        ["zsh", "-f", "-c"],
        'eval "$({program} --print-completion-script zsh)"; words=({words}); _complete_{program}; print -l -- $reply',
    ),
    "fish": (
        ["fish", "--no-config", "-c"],
        '{program} --print-completion-script fish | source; complete -C "{words}"',
    ),
}
"""How a shell is called, and a script in it that prints what Tab would give; what is not installed is not asked."""


@pytest.mark.parametrize("shell", [*filter(which, SHELLS)])
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("fab -H galos-1 ecr.", {"ecr.check", "ecr.helper", "ecr.credentials"}),
        ("galos-ops -H galos-1 deploy --w", {"--wait"}),
    ],
)
def test_zsh_and_fish_complete_tasks_and_options(shell: str, words: str, found: set[str], tmp_path: Path) -> None:
    call, script = SHELLS[shell]
    command = [*call, script.format(program=words.split()[0], words=words)]
    variables = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    assert found <= set(done.stdout.split())
    assert done.stderr == ""


def test_the_list_is_no_traceback_anywhere(tmp_path: Path) -> None:
    (tmp_path / "fabfile.py").write_text("from galos_ops.tasks import namespace\nns = namespace()\n")
    done = subprocess.run([BIN / "fab", "--list"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "  deploy " in done.stdout
    assert done.stderr == ""
