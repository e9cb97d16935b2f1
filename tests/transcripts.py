"""The transcripts of the pages: what is typed in them, and whether a screen shows what they show."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = re.compile(
    r"^#+ (?P<heading>[^\n]*)$|^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
LEFT_OUT = "…"
VARIES = (
    (r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (?=\S| )", ""),
    (r"\s+\d+\.\d s$", ""),
    (r"sha256:[0-9a-f]+|\b[0-9a-f]{8}\b", "*"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(Z|\+00:00)?)?|\.\d{4}-\d\d-\d\dT\d+", "*"),
    (r'("(seconds|downtime)"): [\d.]+', r"\1: *"),
    (r"\(\d+\.\d+[µm]?s\)|\d+(\.\d+)? (s|min|h|d|MB)\b", "*"),
    (r"^[✓!]\s+disk\s+(\S+): .*", r"disk \1"),
    (r"\b\d+\.\d+\.\d+(\+\w+)?", "*"),
    (r"\w+ on \S+ (?=has held|holds)", "* "),
    (r"\S+@\S+", "*"),
    (r"(?<=fab )(-[rS] \S+ )+", ""),
    (r"\s+", " "),
)
"""What is another thing in each run, or for each person, and what stands in its place."""


@dataclass(frozen=True)
class Typed:
    """A command of a transcript, and the lines that are shown of it."""

    command: str
    shown: tuple[str, ...]

    def wrong(self, output: str) -> str:
        """Return how an output differs from what is shown, nothing where it does not; … is any number of lines."""
        lines = [plain(line) for line in output.splitlines()]
        shown = [plain(line) for line in self.shown]
        fit = "".join("(?:.*\n)*?" if line == LEFT_OUT else f"{_pattern(line)}\n" for line in shown)
        if re.fullmatch(fit, "".join(f"{line}\n" for line in lines)):
            return ""
        return "\n".join([self.command, *difflib.ndiff(shown, lines)])


def blocks(page: Path) -> Iterator[tuple[str, str, str]]:
    """The fenced blocks of a page: below which heading, as a link has it, the language, and the text."""
    anchor = ""
    for part in PARTS.finditer(page.read_text()):
        if part["text"] is None:
            anchor = slug(part["heading"])
        else:
            yield anchor, part["kind"], re.sub(f"^{part['indent']}", "", part["text"], flags=re.MULTILINE)


def transcripts(place: str) -> list[Typed]:
    """What is typed in a page, or below one of its headings: `docs/deploy.md#hold`."""
    page, _, wanted = place.partition("#")
    found = []
    for anchor, kind, text in blocks(ROOT / page):
        if not kind and wanted in ("", anchor):
            for command in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                first, *shown = command.splitlines()
                found.append(Typed(first, tuple(shown)))
    return found


def code(place: str, kind: str) -> list[str]:
    """The blocks of a language below a heading."""
    page, _, wanted = place.partition("#")
    return [text for anchor, its, text in blocks(ROOT / page) if (anchor, its) == (wanted, kind)]


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def plain(line: str) -> str:
    """Return a line without what varies."""
    for pattern, put in VARIES:
        line = re.sub(pattern, put, line)
    return line.strip()


def _pattern(line: str) -> str:
    return ".*".join(map(re.escape, line.split(LEFT_OUT)))
