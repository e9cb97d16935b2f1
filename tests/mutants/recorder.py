"""A plugin of pytest that writes down how each test ended: `-p tests.mutants.recorder --record FILE`."""

from __future__ import annotations

import json
import traceback
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Phase:
    """The end of one phase of a test: setup, call or teardown.

    `message` is the exception's, with its type; `statements` are those that it passed through, the test's own first.
    """

    test: str
    when: str
    outcome: str
    message: str = ""
    statements: tuple[str, ...] = ()


class Recorder:
    """Appends a line of JSON for each phase, as it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        message, statements = _failure(call.excinfo, report) if call.excinfo and report.failed else ("", ())
        phase = Phase(report.nodeid, call.when, report.outcome, message, statements)
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(phase)) + "\n")
        return report


def read(path: Path) -> list[Phase]:
    """Return what was written down, in its order."""
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [Phase(**{**row, "statements": tuple(row["statements"])}) for row in rows]


def _failure(error: pytest.ExceptionInfo[BaseException], report: pytest.TestReport) -> tuple[str, tuple[str, ...]]:
    entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", [])
    lines = [line for entry in entries for line in getattr(entry, "lines", []) if not line.startswith("E ")]
    message = "\n".join("".join(traceback.format_exception_only(each)).strip() for each in _leaves(error.value))
    return message, tuple(line.removeprefix(">").strip() for line in lines)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group, which Hypothesis raises for several failures, or the one that is no group."""
    inner = getattr(error, "exceptions", None)
    if not inner:
        yield error
        return
    for each in inner:
        yield from _leaves(each)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", type=Path, help="write down how each test ends")


def pytest_configure(config: pytest.Config) -> None:
    if path := config.getoption("--record"):
        config.pluginmanager.register(Recorder(path))
