"""A stream in memory that says of itself what a terminal or a log file would say."""

from __future__ import annotations

import io
import threading

from tests.processes import HANG_SECONDS


class Screen(io.StringIO):
    """Holds what was printed; `terminal` and `encoding` are what a report asks a stream for."""

    def __init__(self, *, terminal: bool = True, encoding: str = "utf-8") -> None:
        super().__init__()
        self._terminal = terminal
        self._letters = encoding
        self._written = threading.Condition()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._letters

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        text.encode(self._letters)
        with self._written:
            count = super().write(text)
            self._written.notify_all()
        return count

    def wait_for(self, text: str) -> None:
        """Wait until this text was printed, by whatever thread."""
        with self._written:
            assert self._written.wait_for(lambda: text in self.getvalue(), HANG_SECONDS), self.getvalue()

    @property
    def lines(self) -> list[str]:
        return self.getvalue().splitlines()
