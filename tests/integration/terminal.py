"""A terminal in which `fab` is typed: a real pty, and what a person would see on it."""

from __future__ import annotations

import itertools
import os
import select
import time

import pyte

from tests.integration.conftest import Operator
from tests.processes import HANG_SECONDS, TerminalProcess

ROWS = 60
INTERRUPT = "\x03"


class Terminal:
    """`fab WORDS` under way at a terminal of this width; `drawn` is every byte that it wrote."""

    def __init__(self, operator: Operator, *words: str, columns: int = 40) -> None:
        variables = {**operator.variables(), "TERM": "xterm-256color"}
        self.drawn = b""
        self._screen = pyte.Screen(columns, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._process = TerminalProcess(operator.command(*words), variables, ROWS, columns)

    def until(self, text: str) -> None:
        """Return when the screen shows a text."""
        deadline = time.monotonic() + HANG_SECONDS
        while text not in "\n".join(self._screen.display):
            assert self._read(deadline), f"{text} was never shown:\n" + "\n".join(self.lines)

    def pull(self, columns: int, text: str) -> None:
        """Pull at the window, to so many columns, one more and back, until the screen shows a text.

        Docker's client misses a change of size while it starts, when its command may run already.
        """
        deadline = time.monotonic() + HANG_SECONDS
        for width in itertools.cycle((columns, columns + 1)):
            if text in "\n".join(self._screen.display):
                return
            self._process.resize(ROWS, width)
            if select.select([self._process.master], [], [], 1)[0] or time.monotonic() > deadline:
                assert self._read(deadline), f"{text} was never shown:\n" + "\n".join(self.lines)

    def type(self, keys: str) -> None:
        os.write(self._process.master, keys.encode())

    def end(self) -> int:
        """Read to the end and return the exit code."""
        deadline = time.monotonic() + HANG_SECONDS
        while self._read(deadline):
            pass
        os.close(self._process.master)
        return self._process.wait()

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, without empty lines."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    @property
    def cursor_is_shown(self) -> bool:
        return not self._screen.cursor.hidden

    def _read(self, deadline: float) -> bool:
        """Take what comes next; false at the end."""
        ready = select.select([self._process.master], [], [], max(0.0, deadline - time.monotonic()))[0]
        assert ready, "nothing more came:\n" + "\n".join(self.lines)
        try:
            data = os.read(self._process.master, 65536)
        except OSError:  # what Linux says when the other side is closed
            return False
        self.drawn += data
        self._stream.feed(data)
        return bool(data)
