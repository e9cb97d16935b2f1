"""The table of mutants fits the library: each change at one place, tests that exist, no sandbox test left out."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.mutants.changes import (
    Always,
    Change,
    DropCall,
    Gives,
    Instead,
    Never,
    Returns,
    Text,
    Uncaught,
    UnfitError,
    Unwrap,
    WithoutArgument,
    changed,
)
from tests.mutants.laboratory import Laboratory, Run, judge, write
from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.recorder import Phase, read
from tests.mutants.table import MUTANTS
from tests.mutants.without import WITHOUT

FUNCTION = re.compile(r"^def (test_\w+)", re.MULTILINE)
NAMED = {re.split(r"::|\[", test)[1] for mutant in MUTANTS for test in mutant.dies_of}
EXCUSED = [name for names in WITHOUT.values() for name in names]


def functions(path: str) -> set[str]:
    """The names of the tests in a file, or in the files of a folder."""
    files = [ROOT / path] if path.endswith(".py") else sorted((ROOT / path).glob("test_*.py"))
    return {name for file in files for name in FUNCTION.findall(file.read_text())}


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fits_the_library_and_names_tests_that_exist(mutant: Mutant) -> None:
    original = ast.parse((ROOT / mutant.path).read_text())
    source = mutant.source()
    assert ast.dump(ast.parse(source)) != ast.dump(original)
    assert ast.dump(ast.parse(ast.unparse(original))) == ast.dump(original), "nothing but the change may differ"
    assert mutant.dies_of
    for test, text in mutant.dies_of.items():
        file, name = re.split(r"::|\[", test)[:2]
        assert name in functions(file)
        assert text


def test_no_mutant_is_in_the_table_twice() -> None:
    assert len({str(mutant) for mutant in MUTANTS}) == len(MUTANTS)


def test_every_test_against_the_sandbox_has_a_mutant_that_it_kills_or_a_reason_why_not() -> None:
    known = functions("tests/faults") | functions("tests/integration")
    assert known - NAMED - set(EXCUSED) == set(), "give it a mutant in tests/mutants/table"
    assert set(EXCUSED) <= known - NAMED
    assert len(set(EXCUSED)) == len(EXCUSED)


FUNCTION_OF_ALL = """
def work(host, words):
    '''Go on and on.'''
    for word in words:
        if word == 'stop' and host.ready:
            host.end(word, check=True)
        host.note('x')
    try:
        return host.run(f"cd {quote(word)} || exit 1; echo 'a; b'")
    except KeyboardInterrupt:
        return [word for word in words if word.alive]
"""
CASES: tuple[tuple[Change, str, str], ...] = (
    (DropCall("host.end"), "host.end(word, check=True)", "pass"),
    (DropCall("host.note", mentions="'x'"), "host.note('x')", "pass"),
    (Gives("quote", "'~'"), "quote(word)", "'~'"),
    (Unwrap("quote"), "quote(word)", "word"),
    (Instead("host.ready", "host.old"), "host.ready", "host.old"),
    (WithoutArgument("end", "check"), "end(word, check=True)", "end(word)"),
    (WithoutArgument("end", "word"), "end(word, check=True)", "end(check=True)"),
    (Never("stop"), "word == 'stop' and host.ready", "False and host.ready"),
    (Always("host.ready"), "word == 'stop' and host.ready", "word == 'stop' and True"),
    (Always("word.alive"), "if word.alive", "if True"),
    (Text("|| exit 1", "|| :"), "|| exit 1", "|| :"),
    (Uncaught("KeyboardInterrupt"), "KeyboardInterrupt", "ZeroDivisionError"),
)


@pytest.mark.parametrize(("change", "old", "new"), CASES, ids=lambda value: str(value))
def test_a_change_alters_its_one_place_and_nothing_else(change: Change, old: str, new: str) -> None:
    root = ast.parse(FUNCTION_OF_ALL).body[0]
    before = ast.unparse(root)
    assert before.count(old) == 1
    assert ast.unparse(changed(root, change)) == ast.unparse(ast.parse(before.replace(old, new)))
    assert ast.unparse(root) == before


def test_a_whole_body_gives_way_to_one_expression() -> None:
    root = ast.parse(FUNCTION_OF_ALL).body[0]
    assert ast.unparse(changed(root, Returns("None"))) == "def work(host, words):\n    return None"


@pytest.mark.parametrize(
    "change",
    [Never("nowhere"), Never("word"), DropCall("host"), Gives("host.run", "1 +"), Text("word", ""), Text("on", "")],
    ids=str,
)
def test_a_change_that_fits_nowhere_or_twice_is_an_error(change: Change) -> None:
    with pytest.raises((UnfitError, SyntaxError)):
        changed(ast.parse(FUNCTION_OF_ALL).body[0], change)


def test_a_function_or_module_that_is_not_there_is_an_error() -> None:
    for name in ("galos_ops.workflows.deploy.nowhere", "galos_ops.nowhere.deploy", "galos_ops.host.host.Host.nowhere"):
        with pytest.raises(UnfitError, match="nowhere"):
            Mutant(name, Returns("None"), {}).source()


PASSED = [Phase("t.py::test_a", when, "passed") for when in ("setup", "call", "teardown")]
CRASH = "AssertionError: Traceback (most recent call last): x\nassert 1 == 0"
STATES: dict[str, tuple[list[Phase], str]] = {
    "all passed": (PASSED, "SURVIVED"),
    "nothing ran": ([], "COULD NOT BEGIN"),
    "its fixture failed": ([Phase("t.py::test_a", "setup", "failed", "assert 1 == 5")], "COULD NOT BEGIN"),
    "skipped": ([Phase("t.py::test_a", "setup", "skipped")], "COULD NOT BEGIN"),
    "the message": ([*PASSED[:1], Phase("t.py::test_a", "call", "failed", "said\nassert 1 == 5")], "killed"),
    "the statement": (
        [*PASSED[:1], Phase("t.py::test_a", "call", "failed", "AssertionError: x", ("assert 1 == 5, x",))],
        "killed",
    ),
    "a judge after the test": ([*PASSED[:2], Phase("t.py::test_a", "teardown", "failed", "assert 1 == 5")], "killed"),
    "another failure": ([*PASSED[:1], Phase("t.py::test_a", "call", "failed", "assert 2")], "DIED OF SOMETHING ELSE"),
    "a crash at the statement": (
        [*PASSED[:1], Phase("t.py::test_a", "call", "failed", CRASH, ("assert 1 == 5",))],
        "DIED OF SOMETHING ELSE",
    ),
    "an error at the statement": (
        [*PASSED[:1], Phase("t.py::test_a", "call", "failed", "NameError: x", ("assert 1 == 5",))],
        "DIED OF SOMETHING ELSE",
    ),
    "of two parameters one passed": (
        [Phase("t.py::test_a[1]", "call", "failed", "assert 1 == 5"), Phase("t.py::test_a[2]", "call", "passed")],
        "SURVIVED",
    ),
}


@pytest.mark.parametrize(("phases", "state"), STATES.values(), ids=STATES)
def test_only_a_named_failure_of_each_test_kills_a_mutant(phases: list[Phase], state: str) -> None:
    dies_of: Mapping[str, str] = {"t.py::test_a": "1 == 5"}
    assert judge(Run(phases, "no tests ran"), dies_of)[0] == state


def test_a_laboratory_tries_a_mutant_with_a_control_and_leaves_its_copy_as_it_was(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)
    laboratory.prepare()
    test = "tests/unit/test_dry_run.py::test_a_file_that_would_change_is_told_with_its_difference"
    mutant = Mutant("galos_ops.provisioning.files.place", Always("not host.dry"), {test: "a dry run must not write"})
    trial = laboratory.try_out(mutant)
    assert trial.state == "killed", trial
    assert (laboratory.copy / mutant.path).read_text() == (ROOT / mutant.path).read_text()


def test_bytecode_of_one_text_is_never_taken_for_that_of_another(tmp_path: Path) -> None:
    module = tmp_path / "mutated.py"
    said = []
    for text in ("print(1)", "print(2)", "print(1)"):
        write(module, text)
        command = [sys.executable, "-c", "import mutated; print(mutated.__cached__)"]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        answer, cached = done.stdout.split()
        assert Path(cached).is_file(), "no bytecode was written, so this proves nothing"
        said.append(answer)
    assert said == ["1", "2", "1"]


RECORDED = """
import pytest
@pytest.fixture
def broken():
    assert "no host"
    raise OSError("no host")
def check(value): assert value == 1, "said"
def test_fails(): check(2)
def test_cannot_begin(broken): pass
def test_passes(): pass
"""


def test_the_recorder_tells_the_phase_the_message_and_the_statements(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(RECORDED)
    record = tmp_path / "record"
    words = ["-n", "0", "-p", "no:cacheprovider", "-p", "tests.mutants.recorder", "--record", str(record), "--tb=short"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *words, "test_it.py"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False,
    )  # fmt: skip
    found = {(phase.test.rpartition("::")[2], phase.when): phase for phase in read(record)}
    failed = found["test_fails", "call"]
    assert failed.outcome == "failed"
    assert failed.message.startswith("AssertionError: said\nassert 2 == 1")
    assert [each for each in failed.statements if "check(2)" in each or "value == 1" in each]
    assert found["test_cannot_begin", "setup"].message == "OSError: no host"
    assert found["test_passes", "call"].outcome == "passed"
