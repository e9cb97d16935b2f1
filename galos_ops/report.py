"""What a person sees: a line a step, with its time, at a terminal; the same with a timestamp elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TextIO

from galos_ops.errors import masked

DONE, WARN, FAILED, SAME = "✓", "!", "✗", "="
PLAIN = {DONE: "ok", WARN: "!", FAILED: "x", SAME: "="}  # for a stream that cannot encode the marks


@dataclass
class Step:
    """A step under way: its line is printed with this mark and detail when it ends."""

    detail: str = ""
    mark: str = DONE


class Report:
    """Prints the steps of a task; `stream` is standard error when standard output belongs to a JSON document.

    `width` is that of the column of step names.
    """

    def __init__(self, stream: TextIO | None = None, width: int = 9) -> None:
        self._stream = stream or sys.stdout
        self.width = width
        self._live = self._stream.isatty()

    def title(self, *words: str) -> None:
        self._print("  ".join(words))

    @contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[Step]:
        """Time what runs inside and print its line, marked as failed when it raises."""
        step, began = Step(detail), time.monotonic()
        try:
            yield step
        except BaseException:
            step.mark = FAILED
            raise
        finally:
            self._print(
                f"  {self._mark(step.mark)} {name:<{self.width}} {step.detail:<40} {time.monotonic() - began:6.1f} s"
            )

    def output(self, line: str) -> None:
        """A line of a command's own output, shown as it comes."""
        self._print(f"    {line}".rstrip())

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Rows of cells, the columns aligned."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            self._print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def say(self, sentence: str) -> None:
        self._print(sentence)

    def warn(self, sentence: str) -> None:
        self._print(f"  {self._mark(WARN)} {sentence}")

    def _mark(self, mark: str) -> str:
        encoding = (self._stream.encoding or "ascii").lower()
        return mark if encoding.startswith("utf") else PLAIN[mark]

    def _print(self, text: str) -> None:
        stamp = "" if self._live else f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ} "
        for line in text.splitlines():
            print(stamp + masked(line), file=self._stream, flush=True)


def short(image: str) -> str:
    """An image ID cut to what a person compares: `sha256:` and eight digits."""
    return image[:15]
