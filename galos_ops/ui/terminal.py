"""The view at a terminal: the line of a step is alive while it runs, one a lane; what was printed stays above them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from galos_ops.progress import BLANK, DONE, FAILED, SAME, WARN, WOULD, Step
from galos_ops.ui.layout import cells, padded
from galos_ops.ui.plain import Plain

if TYPE_CHECKING:
    from rich.live import Live
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
        self._running: list[tuple[str, Step]] = []
        self._live: Live | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        if self._moves:
            self._console.show_cursor(True)  # an interrupt may come at any instruction of what hid it

    @property
    def columns(self) -> int | None:
        return self._console.width or None  # COLUMNS=0 says nothing of the terminal

    def progress(self, text: str) -> None:
        with self._showing:
            step = self._innermost(self._lane.name)
            if step and step.progress != text:
                step.progress = text
                if self._live:
                    self._live.refresh()

    @contextmanager
    def _alive(self, step: Step) -> Iterator[None]:
        running = self._lane.name, step
        with self._showing:
            self._running.append(running)
            if self._moves and len(self._running) == 1:
                self._live = self._animation()
                self._live.start()
        try:
            yield
        finally:
            with self._showing:
                self._running.remove(running)
                if not self._running and self._live:
                    self._live.stop()
                    self._live = None

    def _animation(self) -> Live:
        from rich.live import Live

        return Live(console=self._console, get_renderable=self._frame, refresh_per_second=A_SECOND, transient=True)

    def _innermost(self, lane: str) -> Step | None:
        return next((step for name, step in reversed(self._running) if name == lane), None)

    def _frame(self) -> Text:
        """The lines of the steps under way at this moment."""
        from rich.text import Text

        lanes = dict.fromkeys(name for name, _ in self._running)
        width = max(map(cells, lanes), default=0)
        lines = [self._moving(padded(name, width), step) for name in lanes if (step := self._innermost(name))]
        return Text("\n".join(lines), no_wrap=True)

    def _moving(self, lane: str, step: Step) -> str:
        frame = self._frames[int((time.monotonic() - step.began) * A_SECOND) % len(self._frames)]
        columns = self._console.width - ECHO
        named = replace(step, name=f"{lane}  {step.name.ljust(self.width)}" if lane else step.name)
        return self._line(named, frame, step.progress or step.detail, columns)[:columns]

    def _emit(self, line: str, mark: str = "") -> None:
        from rich.text import Text

        text = Text(line)
        if mark and self._moves:
            text.stylize(STYLES[mark], 2, 2 + len(self._shown(mark)))
        self._put(text)

    def _show(self, text: Any) -> None:
        self._console.print(text)
