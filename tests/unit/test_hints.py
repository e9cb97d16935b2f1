"""Every command that an error tells a person to type is one that fab takes."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fabric.main import Fab, make_program
from invoke.parser.context import ParserContext

from galos_ops.config.command_line import WHOLE_HOST, CommandLine
from galos_ops.tasks import namespace

ROOT = Path(__file__).parents[2]
SOURCES = [path for path in (ROOT / "galos_ops").rglob("*.py") if path.name != "command_line.py"]
TREES = {path.relative_to(ROOT): ast.parse(path.read_text()) for path in SOURCES}
TASKS = namespace().task_names
MAKERS = {"fab", "alone", "again", "ssh"}
HOST = "deployer@galos-1:2222"
TYPED = CommandLine(HOST, "typed", {"service": "galos-sync"}, ("-r", str(ROOT), "-f", "it's.yml", "-S", "ssh config"))


def strings(tree: ast.AST) -> Iterator[str]:
    """The string constants of a module that are no docstrings, the parts of f-strings too."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """The calls of a method of that name of what was typed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
            owner = node.func.value
            if name == "alone" or "typed" in (getattr(owner, "attr", ""), getattr(owner, "id", "")):
                yield node


def commands() -> list[tuple[str, dict[str, Any]]]:
    """`(task, options)` of every command that the code can tell, in calls of `fab` and in templates."""
    found = []
    for tree in TREES.values():
        for call in [*calls(tree, "fab"), *calls(tree, "alone")]:
            if ast.unparse(call).endswith("fab(task, **named, **options)"):  # what `alone` is made of
                continue
            task = ast.literal_eval(call.args[0])
            found.append((task, {str(word.arg): value(word) for word in call.keywords}))
        for text in strings(tree):
            for spec in re.findall(r"\{fab:([^{}]+)\}", text):
                task, *words = shlex.split(spec)
                found.append((task, {word[2:]: True for word in words}))
    return [pair for index, pair in enumerate(found) if pair not in found[:index]]


def value(word: ast.keyword) -> Any:
    """What a call gives an option: the constant, or one of its kind in place of what is known only when it runs."""
    return word.value.value if isinstance(word.value, ast.Constant) else {"service": "other"}.get(str(word.arg), 600)


def parsed(command: str) -> tuple[Fab, ParserContext]:
    """The command as fab reads it, with this project's fabfile; raises `ParseError`."""
    program = make_program()
    program.create_config()
    program.parse_core(shlex.split(command))
    program.parse_collection()
    program.parse_tasks()
    [task] = program.tasks
    return program, task


@pytest.mark.parametrize(("task", "options"), commands(), ids=lambda one: str(one))
def test_a_command_of_a_hint_is_one_that_fab_takes(task: str, options: dict[str, Any]) -> None:
    program, found = parsed(TYPED.fab(task, **options))
    wanted = ({} if task in WHOLE_HOST else {"service": "galos-sync"}) | options
    assert found.name == task
    assert {name: found.args[name].value for name in wanted} == {
        name: value if value is True else str(value) for name, value in wanted.items()
    }
    assert (program.args["hosts"].value, program.args["config"].value) == (HOST, "it's.yml")
    assert program.args["ssh-config"].value == "ssh config"


def test_the_commands_are_found() -> None:
    told = commands()
    assert ("deploy", {"wait": 600}) in told
    assert ("deploy", {"tag": "TAG"}) in told
    assert ("doctor", {"fix": True}) in told
    assert {task for task, _ in told} >= {"setup", "ecr.check", "ecr.helper", "env.push", "logs", "pending", "up"}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_that_is_to_be_typed_again_is_one_that_fab_takes(name: str) -> None:
    task = namespace()[name]
    options: dict[str, Any] = {one.name: True if one.kind is bool else "a 'b" for one in task.get_arguments()}
    _, found = parsed(CommandLine(HOST, name, options, ("-r", str(ROOT))).again())
    assert found.name == name
    assert found.as_kwargs == options


def test_tasks_about_a_whole_host_are_those_without_a_service() -> None:
    with_service = {name for name in TASKS if any(one.name == "service" for one in namespace()[name].get_arguments())}
    assert set(TASKS) - with_service == WHOLE_HOST


@pytest.mark.parametrize("path", TREES, ids=str)
def test_no_command_is_written_out_in_the_code(path: Path) -> None:
    """What was typed gives it its host, its options and its quotes."""
    written = re.compile(rf"\b(fab|inv) (-|({'|'.join(map(re.escape, TASKS))})\b)|\bssh \{{?host")
    allowed = {"see: fab --help", "fab --dry would change the host all the same."}
    assert [text for text in strings(TREES[path]) if written.search(text) and text not in allowed] == []


def hints(tree: ast.AST) -> Iterator[ast.expr]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "hint")


@pytest.mark.parametrize("path", TREES, ids=str)
def test_the_command_of_a_hint_stands_behind_its_words(path: Path) -> None:
    """A person copies what is behind the last colon."""
    for hint in hints(TREES[path]):
        for text in (node for node in ast.walk(hint) if isinstance(node, ast.JoinedStr)):
            made = [any(list(calls(part, name)) for name in MAKERS) for part in text.values]
            assert True not in made[:-1], ast.unparse(text)
            assert not made[-1] or len(made) == 1 or ast.literal_eval(text.values[-2]).endswith(": "), ast.unparse(text)
    for template in strings(TREES[path]):
        for behind in re.split(r"\{(?:fab|ssh):(?:[^{}]|\{\w+\})+\}", template)[1:]:
            assert behind in ("", ", then: "), template


@pytest.mark.parametrize("path", TREES, ids=str)
def test_no_hint_removes_anything_by_force(path: Path) -> None:
    told = [text for hint in hints(TREES[path]) for text in strings(hint)]
    told += [text for call in calls(TREES[path], "ssh") for text in strings(call)]
    told += [text for text in strings(TREES[path]) if "{ssh:" in text or "{fab:" in text]
    assert [text for text in told if re.search(r"\brm\b|prune .*-f|--force", text)] == []
