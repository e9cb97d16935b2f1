"""Take each protection out of a copy of the library and expect the tests that cover it to fail: `make mutants`.

Words choose the mutants in whose function, change or tests one of them stands.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.laboratory import Laboratory, Trial
from tests.mutants.mutant import Mutant
from tests.mutants.table import MUTANTS


def main(arguments: Sequence[str]) -> int:
    """Try the mutants and return the exit code: 0 when each of them died as it should."""
    options = parsed(arguments)
    chosen = [mutant for mutant in MUTANTS if not options.words or any(word in text(mutant) for word in options.words)]
    if options.list:
        print("\n".join(text(mutant) for mutant in chosen))
        return 0
    began, trials = time.monotonic(), []
    with laboratories(options.workers, options.keep) as free:
        for trial in tried(chosen, free, options.workers):
            trials.append(trial)
            print(trial, flush=True)
    lines = summary(trials, time.monotonic() - began)
    print("\n".join(lines))
    if options.report:
        options.report.write_text("\n".join([*map(str, sorted(trials, key=str)), *lines]) + "\n")
    return 0 if trials and all(trial.state == "killed" for trial in trials) else 1


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--list", action="store_true", help="only show which mutants there are")
    parser.add_argument(
        "--workers", type=int, default=3, help="how many are tried at a time, each in a sandbox of its own"
    )
    parser.add_argument("--report", type=Path, help="a file for all the lines and the summary")
    parser.add_argument("--keep", type=Path, help="a directory where the sandboxes stay for the next run")
    return parser.parse_args(arguments)


def text(mutant: Mutant) -> str:
    """A mutant with its tests, as `--list` shows it and words are looked for in it."""
    return f"{mutant}" + "".join(f"\n    {test}: {why}" for test, why in mutant.dies_of.items())


@contextmanager
def laboratories(count: int, keep: Path | None) -> Iterator[SimpleQueue[Laboratory]]:
    """So many laboratories, which are removed at the end unless a directory to keep them in is given."""
    base = keep or Path(tempfile.mkdtemp())
    made = [Laboratory((base / str(number)).resolve()) for number in range(count)]
    free: SimpleQueue[Laboratory] = SimpleQueue()
    for laboratory in made:
        laboratory.prepare()
        free.put(laboratory)
    try:
        yield free
    finally:
        for laboratory in () if keep else made:
            laboratory.close()


def tried(mutants: Sequence[Mutant], free: SimpleQueue[Laboratory], count: int) -> Iterator[Trial]:
    """The trials of mutants, each as it ends."""

    def try_out(mutant: Mutant) -> Trial:
        laboratory = free.get()
        try:
            return laboratory.try_out(mutant)
        finally:
            free.put(laboratory)

    pool = ThreadPoolExecutor(count)
    try:
        for future in as_completed([pool.submit(try_out, mutant) for mutant in mutants]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def summary(trials: Sequence[Trial], seconds: float) -> list[str]:
    """How many ended how, and which ones not as they should."""
    states = [trial.state for trial in trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    alive = [f"  {trial.state}: {trial.mutant}" for trial in trials if trial.state != "killed"]
    return [f"{len(trials)} mutants in {seconds:.0f} s: {counts or 'none chosen'}", *alive]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
