"""Where mutants are tried: a copy of the checkout and a sandbox of its own, and what the tests there say."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.sandbox import Sandbox
from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.recorder import Phase, read

RUN_SECONDS = 1800  # a bound for what hangs
END_SECONDS = 120
CRASH = "Traceback (most recent call last)"
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "build", "*.egg-info")

State = Literal["killed", "SURVIVED", "DIED OF SOMETHING ELSE", "COULD NOT BEGIN", "CONTROL FAILED"]


@dataclass(frozen=True)
class Trial:
    """How a mutant ended: `reasons` are the tests' own words, or why they count for nothing."""

    mutant: Mutant
    state: State
    reasons: tuple[str, ...]
    seconds: float

    def __str__(self) -> str:
        return f"{self.state}  {self.mutant}  ({self.seconds:.0f} s)" + "".join(f"\n    {why}" for why in self.reasons)


@dataclass(frozen=True)
class Run:
    """What a run of tests recorded, and the last of its output."""

    phases: Sequence[Phase]
    output: str

    def of(self, test: str) -> list[Phase]:
        """The phases of a test, of all its parameters where none are named."""
        return [phase for phase in self.phases if phase.test == test or phase.test.startswith(f"{test}[")]

    def not_passed(self, tests: Iterable[str]) -> list[str]:
        """What a control says of those tests that did not pass."""
        found = []
        for test in tests:
            bad = [phase for phase in self.of(test) if phase.outcome != "passed"]
            found += [f"{phase.test}: {phase.when} {phase.outcome}: {brief(phase.message)}" for phase in bad]
            found += [] if self.of(test) else [f"{test}: did not run: {self.output}"]
        return found


@dataclass(frozen=True)
class Laboratory:
    """A copy of the checkout and one sandbox for all runs in it, below a directory."""

    directory: Path

    @property
    def copy(self) -> Path:
        return self.directory / "copy"

    @property
    def sandbox(self) -> Sandbox:
        return Sandbox("test", self.directory / "sandbox")

    def prepare(self) -> None:
        """Copy the checkout anew."""
        shutil.rmtree(self.copy, ignore_errors=True)
        (self.directory / "sandbox").mkdir(parents=True, exist_ok=True)
        shutil.copytree(ROOT, self.copy, ignore=LEFT_OUT)

    def try_out(self, mutant: Mutant) -> Trial:
        """Run a mutant's tests without it, then with it; a sandbox in which the first fails is made anew, once."""
        began = time.monotonic()
        faults = first = self.run(mutant.dies_of).not_passed(mutant.dies_of)
        if first:
            self.sandbox.down()
            faults = self.run(mutant.dies_of).not_passed(mutant.dies_of)
        if faults:
            return Trial(mutant, "CONTROL FAILED", tuple(faults), time.monotonic() - began)
        path = self.copy / mutant.path
        original, mutated = path.read_text(), mutant.source(self.copy)
        write(path, mutated)
        try:
            found = self.run(mutant.dies_of, keep=False)
        finally:
            write(path, original)
        state, reasons = judge(found, mutant.dies_of)
        reasons += tuple(f"the control passed in a new sandbox only; before: {fault}" for fault in first)
        return Trial(mutant, state, reasons, time.monotonic() - began)

    def run(self, tests: Iterable[str], *, keep: bool = True) -> Run:
        """Run tests in the copy; unless `keep`, no state that a fixture made is there for any later run."""
        record, log = self.directory / "record", self.directory / "log"
        record.unlink(missing_ok=True)
        words = ["-p", "no:cacheprovider", "-p", "tests.mutants.recorder", "--record", str(record)]
        options = ["-n", "0", "-vv", "--tb=short", "--color=no", *words]
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
            "TEST_SANDBOX": str(self.directory / "sandbox"),
            "TEST_SAVES": "yes" if keep else "no",
            "PYTHONPATH": str(self.copy),
            "PYTHONDONTWRITEBYTECODE": "",  # what nobody has changed is compiled once
        }
        with log.open("wb") as file:  # a file: what a killed run leaves behind would keep a pipe open
            running = subprocess.Popen(
                [sys.executable, "-m", "pytest", *options, *tests],
                cwd=self.copy, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                running.wait(RUN_SECONDS)
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGINT)  # so that it ends what it started, and gives back what it took
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.wait(END_SECONDS)
            finally:
                running.kill()
                running.wait()
        return Run(read(record), brief(log.read_text(errors="replace")))

    def close(self) -> None:
        """Remove the copy and the sandbox."""
        self.sandbox.down()
        shutil.rmtree(self.directory)


def write(path: Path, text: str) -> None:
    """Write a module whole, with a time that it never had, by which Python knows bytecode of another text."""
    new, moment = path.with_suffix(".new"), secrets.randbelow(2**31)
    new.write_text(text)
    os.utime(new, (moment, moment))
    new.replace(path)


def judge(run: Run, dies_of: Mapping[str, str | tuple[str, ...]]) -> tuple[State, tuple[str, ...]]:
    """Say whether each of the tests failed, and of what it should have."""
    verdicts = [verdict for test, texts in dies_of.items() for verdict in _verdicts(run, test, texts)]
    for state in ("COULD NOT BEGIN", "SURVIVED", "DIED OF SOMETHING ELSE"):
        reasons = tuple(why for each, why in verdicts if each == state)
        if reasons:
            return state, reasons
    return "killed", tuple(dict.fromkeys(why for _, why in verdicts))


def _verdicts(run: Run, test: str, texts: str | tuple[str, ...]) -> list[tuple[State, str]]:
    """The verdict of each set of a test's parameters."""
    names = dict.fromkeys(phase.test for phase in run.of(test))
    if not names:
        return [("COULD NOT BEGIN", f"{test}: did not run: {run.output}")]
    several = (texts,) if isinstance(texts, str) else texts
    return [_verdict(name, [phase for phase in run.phases if phase.test == name], several) for name in names]


def _verdict(name: str, phases: Sequence[Phase], texts: Sequence[str]) -> tuple[State, str]:
    failures = [phase for phase in phases if phase.outcome == "failed"]
    begun = [phase for phase in phases if phase.when == "call" and phase.outcome != "skipped"]
    short = name.rpartition("::")[2]
    if not begun:
        return "COULD NOT BEGIN", f"{short}: {brief(''.join(phase.message for phase in failures)) or 'skipped'}"
    if not failures:
        return "SURVIVED", f"{short} passed"
    if named := [text for text in texts if any(names(phase, text) for phase in failures)]:
        return "killed", f"{short}: {named[0]}"
    said, where = brief(failures[0].message), statement(failures[0])
    return "DIED OF SOMETHING ELSE", f"{short}: not of {' or '.join(map(repr, texts))} but of {said}; {where}"


def names(phase: Phase, text: str) -> bool:
    """Whether a failure's message has a text in it, or it is a failed assertion, of no crash, at such a statement."""
    if text in phase.message:
        return True
    asserted = phase.message.startswith(("AssertionError", "assert ", "Failed: ")) and CRASH not in phase.message
    return asserted and any(text in each for each in phase.statements)


def statement(phase: Phase) -> str:
    """The statement of a test that failed."""
    return brief(phase.statements[0], 200) if phase.statements else ""


def brief(text: str, characters: int = 600) -> str:
    """The end of a text, in one line."""
    return " / ".join(line.strip() for line in text.strip().splitlines() if line.strip())[-characters:]
