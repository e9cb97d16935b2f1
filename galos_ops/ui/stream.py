"""A stream that a task outlives: what its reader, or a full disk, does not take is lost, and ends nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TextIO


class Outlived:
    """A stream whose `write` and `flush` never fail; `error` is the first thing that kept them from it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, act: Callable[..., object], *given: str) -> None:
        try:
            act(*given)
        except OSError as error:
            self.error = self.error or error
            discard(self._stream)


def discard(stream: TextIO) -> None:
    """Let go nowhere what a stream still holds, and what is written to it from now on."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
