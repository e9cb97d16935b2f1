"""What a flow reports to: its steps, their marks, the sentences that it says. The views are in `ui`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
DONE, WARN, FAILED, SAME, WOULD, BLANK = "✓", "!", "✗", "=", "~", " "


@dataclass
class Step:
    """A step under way: its line is printed with this mark and detail when it ends."""

    name: str
    detail: str = ""
    mark: str = DONE
    progress: str = ""
    began: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Change:
    """What a step that is safe to repeat did, or would do in a dry run: whether it changed the host, and what to show.

    `diff` are the lines of a file's difference; neither they nor `detail` hold a secret.
    """

    changed: bool
    detail: str
    diff: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.changed


class Report(Protocol):
    """A view of one task's work; `width` is that of the column of step names."""

    width: int

    def title(self, *words: str) -> None:
        """Say what the following steps are about, unless that was said already."""

    def step(self, name: str, detail: str = "") -> AbstractContextManager[Step]:
        """Time what runs inside and show its line, marked as failed when it raises."""

    def progress(self, text: str) -> None:
        """Say how far the step in progress is."""

    def output(self, line: str) -> None:
        """Show a line of a command's own output as it comes."""

    def table(self, rows: Sequence[Sequence[str]], first: int = 0) -> None:
        """Show rows of cells, the columns aligned; the `first` ones are the last to be cut."""

    def say(self, sentence: str) -> None:
        """Show a sentence."""

    def conclude(self, sentence: str) -> None:
        """Say the last word on what the title named."""

    def warn(self, sentence: str) -> None:
        """Show a sentence as a warning."""

    def marked(self, mark: str, sentence: str) -> None:
        """Show a sentence behind a mark."""

    def lane(self, name: str) -> AbstractContextManager[None]:
        """Show what this thread reports in one piece when it ends; its running step has this name meanwhile."""


def short(image: str) -> str:
    """An image ID cut to what a person compares: `sha256:` and eight digits."""
    return image[:15]


def spoken(seconds: int) -> str:
    """A time as a person types it: 90 seconds are 1m30s."""
    parts = []
    for unit, length in UNITS.items():
        count, seconds = divmod(seconds, length)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)
