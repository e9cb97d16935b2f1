"""A .env in stretches that can be looked at, replaced and put together again."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field

BOM = "\ufeff"
NEWLINE = re.compile(r"\r\n|\n|\r")
EMPTY = {"", "''", '""'}

BLANK = r"[^\S\r\n]"
ASSIGNMENT = re.compile(
    rf"""
    (?P<lead>\s*)
    (?P<export>export{BLANK}+)?
    (?P<name>'[^']+'|[^=\#\s]+){BLANK}*
    (?:={BLANK}*(?P<raw>(?P<quoted>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|(?!['"])[^\r\n]*?))?
    (?P<comment>(?(quoted){BLANK}*|{BLANK}+)\#[^\r\n]*)?
    (?P<end>{BLANK}*(?:\r\n|\n|\r|\Z))
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Entry:
    """A part of a file: an assignment, or with an empty `key` a comment, blank lines or a malformed line.

    `raw` is the value as written, quotes and all, and None without `=`; `name` is the key as written.
    """

    line: int
    text: str = field(repr=False)
    malformed: bool = False
    key: str = ""
    name: str = ""
    raw: str | None = field(default=None, repr=False)
    value: str = field(default="", repr=False)
    comment: str = ""
    lead: str = ""
    end: str = ""
    exported: bool = False

    @property
    def statement(self) -> str:
        return f"{self.key}={self.raw or ''}"

    @property
    def quote(self) -> str:
        """`'`, `"` or nothing."""
        first = (self.raw or "")[:1]
        return first if first in ("'", '"') else ""

    def says(self, other: Entry) -> bool:
        """Whether both set the same value in the same words: flavours of docker-compose differ about quotes."""
        return self.raw is not None and (self.raw == other.raw or {self.raw, other.raw} <= EMPTY)

    def replaced(self, new: Entry | None) -> str:
        """This text with the value of another; its place and its comment stay."""
        if new is None or self.says(new):
            return self.text
        comment = self.comment or new.comment
        statement = f"{new.key}=''" if comment and not new.raw else new.statement
        return f"{self.lead}{statement}{comment and f' {comment.strip()}'}{self.end}"


def parse(text: str) -> list[Entry]:
    """The stretches, read by python-dotenv, that together are the text without its byte order mark."""
    from dotenv.parser import parse_stream

    return [
        _entry(binding.original.line, binding.original.string, binding.key, binding.value, binding.error)
        for binding in parse_stream(io.StringIO(text.removeprefix(BOM)))
    ]


def assignments(text: str) -> dict[str, Entry]:
    """The last assignment of each key: the one that counts."""
    return {entry.key: entry for entry in parse(text) if entry.key}


def _entry(line: int, text: str, key: str | None, value: str | None, error: bool) -> Entry:
    parts = ASSIGNMENT.fullmatch(text) if key else None
    if not key or parts is None:
        lead = len(text) - len(text.lstrip())
        return Entry(line + len(NEWLINE.findall(text[:lead])), text, malformed=error or bool(key))
    return Entry(
        line + len(NEWLINE.findall(parts["lead"])),
        text,
        key=key,
        name=parts["name"],
        raw=parts["raw"],
        value=value or "",
        comment=parts["comment"] or "",
        lead=parts["lead"],
        end=parts["end"],
        exported=parts["export"] is not None,
    )
