"""How lines fit a terminal: cut, wrapped or aligned, counted in the cells that letters take; pure.

`columns` is the width of the terminal, None where lines may be of any length.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

DETAIL = 40


def cells(text: str) -> int:
    """How many cells of a terminal a text takes; rich is loaded for what is not ASCII."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells, `…` in place of what is missing."""
    if cells(text) <= width:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""


def padded(text: str, width: int) -> str:
    """The text with spaces up to `width` cells."""
    return text + " " * (width - cells(text))


def step(mark: str, name: str, detail: str, seconds: float | None, columns: int | None) -> str:
    """The line of a step, without a time where it took none; where it is too long, only the detail is cut."""
    head, detail = f"  {mark} {name} ", " ".join(detail.split())
    time = "" if seconds is None else f" {seconds:6.1f} s"
    width = max(DETAIL, cells(detail)) if columns is None else max(0, columns - cells(head + time))
    return (head + padded(cut(detail, width), min(max(DETAIL, cells(detail)), width)) + time).rstrip()


def wrapped(line: str, columns: int | None, indent: int = 0) -> list[str]:
    """A sentence in lines that end between words, all but the first one indented."""
    if columns is None or len(line) <= columns:
        return [line]
    return textwrap.wrap(
        line,
        columns,
        subsequent_indent=" " * indent,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(rows: Sequence[Sequence[str]], columns: int | None, first: int = 0) -> list[str]:
    """Rows of cells as lines, the columns aligned.

    Where a line is too long, its widest columns are cut, and before the `first` ones all others.
    """
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    while columns is not None and sum(widths) + 2 * (len(widths) - 1) > columns and max(widths) > 1:
        last = widths[first:] if max(widths[first:], default=0) > 1 else widths
        widths[widths.index(max(last), len(widths) - len(last))] -= 1
    return [
        "  ".join(padded(cut(cell, width), width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
