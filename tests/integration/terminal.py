"""A terminal in which `fab` is typed: a real pty, and what a person would see on it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
import time

import pyte

from tests.integration.conftest import ROOT, Operator

ROWS = 60
INTERRUPT = "\x03"
SETTINGS = ("NO_COLOR", "COLUMNS", "LINES")  # of the terminal in which the tests run


class Terminal:
    """`fab WORDS` under way at a terminal of this width; `drawn` is every byte that it wrote."""

    def __init__(self, operator: Operator, *words: str, columns: int = 40) -> None:
        command = operator.command(*words)
        kept = {name: value for name, value in operator.variables().items() if name not in SETTINGS}
        self.drawn = b""
        self._screen = pyte.Screen(columns, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._pid, self._master = pty.fork()
        if self._pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
            os.chdir(ROOT)
            os.execve(command[0], command, {**kept, "TERM": "xterm-256color"})  # noqa: S606

    def until(self, text: str, timeout: float = 120) -> None:
        """Return when the screen shows a text."""
        deadline = time.monotonic() + timeout
        while text not in "\n".join(self._screen.display):
            assert self._read(deadline), f"{text} was never shown:\n" + "\n".join(self.lines)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def end(self, timeout: float = 180) -> int:
        """Read to the end and return the exit code."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        os.close(self._master)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, without empty lines."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    @property
    def cursor_is_shown(self) -> bool:
        return not self._screen.cursor.hidden

    def _read(self, deadline: float) -> bool:
        """Take what comes next; false at the end."""
        ready = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))[0]
        assert ready, "nothing more came:\n" + "\n".join(self.lines)
        try:
            data = os.read(self._master, 65536)
        except OSError:  # what Linux says when the other side is closed
            return False
        self.drawn += data
        self._stream.feed(data)
        return bool(data)
