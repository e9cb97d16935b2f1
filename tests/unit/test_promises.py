"""Each promise of docs/promises.md names tests that hold it, and all of them are there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.processes import ROOT

INVARIANTS = [f"I{number}" for number in range(1, 10)]
NOT_PROMISED = "What is not promised"
SECTIONS = {
    title: text
    for title, _, text in (
        section.partition("\n") for section in (ROOT / "docs/promises.md").read_text().split("\n## ")[1:]
    )
}
PROMISES = {title: text for title, text in SECTIONS.items() if title != NOT_PROMISED}


def functions(path: str) -> set[str]:
    """The functions of a test file; raises FileNotFoundError where there is none."""
    tree = ast.parse((ROOT / "tests" / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("title", PROMISES)
def test_a_promise_names_tests_that_are_there(title: str) -> None:
    named = re.findall(r"^- `(.+)::(.+)`$", PROMISES[title], re.MULTILINE)
    assert named, "no test holds it"
    assert len(set(named)) == len(named)
    assert [f"{path}::{name}" for path, name in named if name not in functions(path)] == []
    assert all(name.startswith("test_") for _, name in named)


def test_every_invariant_is_there_once_and_first() -> None:
    assert [title.split()[0] for title in SECTIONS][: len(INVARIANTS)] == INVARIANTS
    assert NOT_PROMISED in SECTIONS
