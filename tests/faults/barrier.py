"""Places where a deploy waits until a test has done its worst: in `fab` after a step, on the host inside one."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galos_ops.progress import Step
from galos_ops.ui.plain import Plain

AFTER, PLACE = "TEST_AFTER_STEP", "TEST_BARRIER"


@dataclass
class Barrier:
    """Where a process waits: it writes to one FIFO that it has come, and reads the other to go on."""

    place: Path

    @contextmanager
    def held(self) -> Iterator[Barrier]:
        """Make both FIFOs and keep them open, so that neither side waits to open its end."""
        self.place.mkdir()
        for name in ("came", "go"):
            os.mkfifo(self.place / name)
        self._came, self._go = (os.open(self.place / name, os.O_RDWR) for name in ("came", "go"))
        try:
            yield self
        finally:
            os.close(self._came)
            os.close(self._go)

    def reached(self, seconds: float) -> bool:
        """Wait until the process has come; false when it has not in time."""
        return bool(select.select([self._came], [], [], seconds)[0])

    def open(self) -> None:
        """Let the process go on."""
        os.write(self._go, b".")

    def wait(self) -> None:
        """Say that this process has come, and wait: an interrupt ends the wait, as it does that for a host."""
        (self.place / "came").write_bytes(b".")
        with (self.place / "go").open("rb", buffering=0) as go:
            go.read(1)


def install(environment: Mapping[str, str]) -> None:
    """Let this process wait after the step that the environment names, before anything that follows it."""
    if AFTER in environment:
        Plain.step = _waiting(Plain.step, environment[AFTER], Barrier(Path(environment[PLACE])))  # type: ignore[method-assign]


def _waiting(step: Callable[..., Any], name: str, barrier: Barrier) -> Any:
    @contextmanager
    def waiting(report: Plain, *words: str) -> Iterator[Step]:
        with step(report, *words) as one:
            yield one
        if words[0] == name:
            barrier.wait()

    return waiting
