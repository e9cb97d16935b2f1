"""A stream in memory that says of itself what a terminal or a log file would say."""

from __future__ import annotations

import io


class Screen(io.StringIO):
    """Holds what was printed; `terminal` and `encoding` are what a report asks a stream for."""

    def __init__(self, *, terminal: bool = True, encoding: str = "utf-8") -> None:
        super().__init__()
        self._terminal = terminal
        self._letters = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._letters

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        text.encode(self._letters)
        return super().write(text)

    @property
    def lines(self) -> list[str]:
        return self.getvalue().splitlines()
