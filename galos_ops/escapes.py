r"""Texts in which a program wrote characters as escapes: `\u0026`, `\"` or `\\` in a string, `%26` in a URL; pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from urllib.parse import unquote_to_bytes

STRING = r"(?:\\+u[0-9A-Fa-f]{4})+|\\+[\"'/]?"
"""In a string of JSON, Go or Python, which may stand in another one, as in a line of a log."""
URL = r"(?:%[0-9A-Fa-f]{2})+"


def sub(pattern: re.Pattern[str], put: str, text: str) -> str:
    """Replace what a pattern fits in a text, as it stands there or as its escapes mean it."""
    text = pattern.sub(put, text)
    for escape, meant in ((STRING, _string), (URL, _url)):
        text = _sub(pattern, put, re.split(f"({escape})", text), meant)
    return text


def plain(text: str) -> str:
    """Return what a text means in a string; of several backslashes one is left."""
    return re.sub(STRING, lambda found: _string(found[0]), text)


def _string(escape: str) -> str:
    units = "".join(re.findall(r"u(....)", escape))
    return bytes.fromhex(units).decode("utf-16-be", "surrogatepass") if units else escape.lstrip("\\") or "\\"


def _url(escape: str) -> str:
    return unquote_to_bytes(escape).decode(errors="surrogateescape")


def _sub(pattern: re.Pattern[str], put: str, tokens: Sequence[str], meant: Callable[[str], str]) -> str:
    """Do the same by the meaning alone of a text whose every second token is an escape."""
    meanings = [meant(token) if number % 2 else token for number, token in enumerate(tokens)]
    found = pattern.finditer("".join(meanings)) if len(tokens) > 1 else ()
    text, here, there = "".join(tokens), _offsets(meanings), _offsets(tokens)

    def written(position: int) -> tuple[int, int]:
        """Return where a character of the meaning begins and ends in the text."""
        number = bisect_right(here, position) - 1
        begin = there[number] + position - here[number]
        return (there[number], there[number + 1]) if number % 2 else (begin, begin + 1)

    parts, done = [], 0
    for one in found:
        parts += [text[done : written(one.start())[0]], put]
        done = written(one.end() - 1)[1]
    return "".join((*parts, text[done:]))


def _offsets(tokens: Sequence[str]) -> list[int]:
    return [*accumulate(map(len, tokens), initial=0)]
