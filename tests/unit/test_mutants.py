"""The table of mutants names what it must: texts that are there once, tests that exist, every fault test."""

from __future__ import annotations

import re

import pytest

from tests.mutants import MUTANTS, ROOT, WITHOUT, Mutant

FUNCTION = re.compile(r"^def (test_\w+)", re.MULTILINE)
NAMED = {re.split(r"::|\[", word)[1] for mutant in MUTANTS for word in mutant.test.split()}


def functions(path: str) -> set[str]:
    """The names of the tests in a file, or in the files of a folder."""
    files = [ROOT / path] if path.endswith(".py") else sorted((ROOT / path).glob("test_*.py"))
    return {name for file in files for name in FUNCTION.findall(file.read_text())}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.module} {mutant.text.strip()[:40]}")
def test_a_mutant_is_up_to_date(mutant: Mutant) -> None:
    assert (ROOT / "galos_ops" / mutant.module).read_text().count(mutant.text) == 1
    for word in mutant.test.split():
        file, name = re.split(r"::|\[", word)[:2]
        assert name in functions(file)


def test_every_fault_test_has_a_mutant_that_it_kills_or_a_reason_why_not() -> None:
    assert functions("tests/faults") == (NAMED | WITHOUT.keys()) & functions("tests/faults")
    assert WITHOUT.keys() <= functions("tests/faults") - NAMED
