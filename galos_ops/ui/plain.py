"""The plain view of a task: a line a step, with its time. The other views are made of this one."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, TextIO

from galos_ops.progress import DONE, FAILED, WARN, WOULD, Step
from galos_ops.redaction import masked, masked_own
from galos_ops.ui import layout
from galos_ops.ui.stream import Outlived

MARGIN = "    "  # as wide as a mark with the spaces around it
PLAIN = str.maketrans({DONE: "ok", FAILED: "x", "…": "~", "→": "->", "·": "-"})  # where they cannot be encoded


@dataclass
class Lane:
    """What a thread reports: under which title, in which section of a CI log, and what is held back to its end."""

    name: str = ""
    title: str = ""
    section: str = ""
    held: list[Any] | None = None


class Plain:
    """The plain view: a line a step when it ends, each with a timestamp, of any length.

    `stream` is standard error when standard output belongs to a JSON document, `width` that of the column of names.
    It is used in a `with` statement, whose end closes what it has open.
    """

    def __init__(self, stream: TextIO | None = None, width: int = 9) -> None:
        self._stream: Any = Outlived(stream or sys.stdout)
        self._main, self._threads = Lane(), threading.local()
        self._showing = threading.RLock()
        self.width = width

    def __enter__(self) -> Plain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the view, as badly as the task did."""

    @property
    def unwritten(self) -> OSError | None:
        """Why a part of it was not shown; None where all of it was, or whoever looked has gone."""
        error: OSError | None = self._stream.error
        return None if isinstance(error, BrokenPipeError) else error

    @property
    def columns(self) -> int | None:
        """How many cells a line may take; None for any number."""
        return None

    def title(self, *words: str) -> None:
        """Say what the following steps are about, unless that was said already."""
        title = "  ".join(words)
        if title != self._lane.title:
            self._lane.title = title
            self._head(title)

    @contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[Step]:
        """Time what runs inside and print its line, marked as failed when it raises."""
        step = Step(name, detail)
        try:
            with self._alive(step):
                yield step
        except BaseException:
            step.mark = FAILED
            raise
        finally:
            self._print(self._line(step, step.mark, step.detail, self.columns), step.mark, own=True)

    def progress(self, text: str) -> None:
        """Say how far the step under way is, where a person sees it at that moment."""

    def output(self, line: str) -> None:
        """A line of a command's own output, shown as it comes."""
        for part in f"{MARGIN}{line}".rstrip().splitlines():
            self._emit(self._shown(part))

    def table(self, rows: Sequence[Sequence[str]], first: int = 0) -> None:
        """Rows of cells, the columns aligned."""
        for line in layout.table([[self._shown(cell) for cell in row] for row in rows], self.columns, first):
            self._emit(self._shown(line))

    def say(self, sentence: str) -> None:
        self._print(sentence)

    def conclude(self, sentence: str) -> None:
        """The last word on what the title named, which a view that folds leaves unfolded."""
        self.say(sentence)

    def warn(self, sentence: str) -> None:
        self.marked(WARN, sentence)

    def marked(self, mark: str, sentence: str) -> None:
        """A line behind a mark."""
        self._print(f"  {mark} {sentence}", mark)

    @contextmanager
    def lane(self, name: str) -> Iterator[None]:
        """Show what this thread reports in one piece when it ends; its running step has this name meanwhile."""
        lane = self._threads.lane = Lane(name, held=[])
        try:
            yield
        finally:
            self._end()
            del self._threads.lane
            with self._showing:
                self._end()
                for each in lane.held or ():
                    self._show(each)

    @property
    def _lane(self) -> Lane:
        """That of this thread."""
        return getattr(self._threads, "lane", self._main)

    def _end(self) -> None:
        """End what the title of this thread has begun."""
        self._lane.title = ""

    def _head(self, title: str) -> None:
        self._print(title, own=True)

    def _alive(self, step: Step) -> AbstractContextManager[object]:
        """What shows a step while it runs: nothing here."""
        return nullcontext(step)

    def _line(self, step: Step, mark: str, detail: str, columns: int | None) -> str:
        seconds = None if mark == WOULD else time.monotonic() - step.began
        name = step.name.ljust(self.width)
        return self._shown(layout.step(self._shown(mark), name, self._shown(detail), seconds, columns), own=True)

    def _print(self, text: str, mark: str = "", *, own: bool = False) -> None:
        for line in text.splitlines():
            for row in layout.wrapped(self._shown(line, own=own), self.columns, len(MARGIN) if mark else 0):
                self._emit(row, mark)

    def _emit(self, line: str, mark: str = "") -> None:  # noqa: ARG002 - views in colour use the mark
        """Put out a line that is fit to be shown."""
        self._put(f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ} {line}")

    def _put(self, text: Any) -> None:
        """Show a text, or keep it for the end of the lane of this thread."""
        if self._lane.held is None:
            with self._showing:
                self._show(text)
        else:
            self._lane.held.append(text)

    def _show(self, text: Any) -> None:
        print(text, file=self._stream, flush=True)

    @property
    def _encoding(self) -> str:
        return (self._stream.encoding or "ascii").lower()

    def _shown(self, text: str, *, own: bool = False) -> str:
        """The text without secrets and control sequences, in letters that the stream can encode."""
        text = masked_own(text) if own else masked(text)
        text = text if self._encoding.startswith("utf") else text.translate(PLAIN)
        return text.encode(self._encoding, "replace").decode(self._encoding)
