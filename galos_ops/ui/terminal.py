"""The view at a terminal: the line of a step is alive while it runs, what was printed stays above it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from galos_ops.progress import BLANK, DONE, FAILED, SAME, WARN, WOULD, Step
from galos_ops.ui.plain import Plain

if TYPE_CHECKING:
    from rich.text import Text

STYLES = {DONE: "green", WARN: "yellow", FAILED: "red", SAME: "dim", WOULD: "cyan", BLANK: ""}
FRAMES, ASCII_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "-\\|/"
A_SECOND = 10  # frames
ECHO = len("^C")  # left free at the end of the running line: the terminal writes it there


class Terminal(Plain):
    """Lines that fit the terminal, in colour; with NO_COLOR or TERM=dumb without colour, and nothing moves."""

    def __init__(self, stream: TextIO | None = None, width: int = 9) -> None:
        from rich.console import Console

        super().__init__(stream, width)
        self._console = Console(file=self._stream, markup=False, emoji=False, highlight=False, soft_wrap=True)
        self._moves = not (self._console.no_color or self._console.is_dumb_terminal)
        self._frames = FRAMES if self._encoding.startswith("utf") else ASCII_FRAMES
        self._running: list[Step] = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._moves:
            self._console.show_cursor(True)  # an interrupt may come at any instruction of what hid it

    @property
    def columns(self) -> int | None:
        return self._console.width

    def progress(self, text: str) -> None:
        if self._running:
            self._running[-1].progress = text

    @contextmanager
    def _alive(self, step: Step) -> Iterator[None]:
        from rich.live import Live

        self._running.append(step)
        still = not self._moves or len(self._running) > 1
        live = Live(console=self._console, get_renderable=self._frame, refresh_per_second=A_SECOND, transient=True)
        try:
            with nullcontext() if still else live:
                yield
        finally:
            self._running.pop()

    def _frame(self) -> Text:
        """The line of the step under way at this moment."""
        from rich.text import Text

        step = self._running[-1]
        frame = self._frames[int((time.monotonic() - step.began) * A_SECOND) % len(self._frames)]
        columns = self._console.width - ECHO
        line = self._line(step, frame, step.progress or step.detail, columns)
        return Text(line[:columns], no_wrap=True)

    def _emit(self, line: str, mark: str = "") -> None:
        from rich.text import Text

        text = Text(line)
        if mark and self._moves:
            text.stylize(STYLES[mark], 2, 2 + len(self._shown(mark)))
        self._console.print(text)
