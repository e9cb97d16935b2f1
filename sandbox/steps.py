"""One short line for each step, with its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


def show(line: str) -> None:
    """Print a line at once, also where standard output is a file."""
    print(line, flush=True)


@dataclass(frozen=True)
class Steps:
    """Writes what is done, each line when it is done."""

    write: Callable[[str], None] = show

    def say(self, text: str) -> None:
        """Write one line on what is under way."""
        self.write(f"  {text}".rstrip())

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Write `text` and the seconds that the block took; a block that raises writes nothing."""
        started = time.monotonic()
        yield
        self.write(f"  {text:<48}{time.monotonic() - started:6.1f} s")
