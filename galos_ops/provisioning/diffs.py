"""Differences of files as a person may see them: names stay, every value that could be a secret is `***`.

A mask keeps the number of lines of a text, so that lines are compared as they are and shown as they may be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from difflib import SequenceMatcher

from galos_ops.provisioning.dotenv_text import BOM, Entry, parse

Mask = Callable[[str], str]

HIDDEN = "***"
CONTEXT = 3
NAME = r"(?:[A-Z_][A-Z0-9_]*|[a-z_][a-z0-9_]*)"  # in one case: a stray line of base64 is not a name
SHOWN_KEYS = ("region", "output")
SHOWN_JSON = ('"ecr-login"', "true", "false", "null")
JSON_TOKEN = re.compile(r'(?P<key>"(?:\\.|[^"\\])*"\s*:)|"(?:\\.|[^"\\])*"|[^\s{}\[\],:"]+')


def unified(path: str, old: str | None, new: str, mask: Mask) -> tuple[str, ...]:
    """The lines of a unified diff of two texts, masked; `old` is None for a file that is not there yet."""
    before, after = lines(old or ""), lines(new)
    shown_before, shown_after = lines(mask(old or "")), lines(mask(new))
    output: list[str] = []
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(CONTEXT):
        (_, a, _, b, _), (_, _, a_end, _, b_end) = group[0], group[-1]
        output.append(f"@@ -{_range(a, a_end)} +{_range(b, b_end)} @@")
        for kind, i, i_end, j, j_end in group:
            if kind == "equal":
                output += [f" {line}" for line in shown_before[i:i_end]]
            else:
                output += [f"-{line}" for line in shown_before[i:i_end]] + [f"+{line}" for line in shown_after[j:j_end]]
    return (f"--- {'/dev/null' if old is None else path}", f"+++ {path}", *output) if output else ()


def lines(text: str) -> list[str]:
    """The lines of a text, whether its last one is ended or not."""
    return text.removesuffix("\n").split("\n") if text else []


def _range(start: int, end: int) -> str:
    count = end - start
    return f"{start + (count > 0)},{count}"


def plain(text: str) -> str:
    """The mask of a file without secrets."""
    return text


def dotenv(text: str) -> str:
    """A .env: names are shown, all values and comments are not."""
    return "".join(map(_entry, parse(text.removeprefix(BOM))))


def _entry(entry: Entry) -> str:
    shown = (
        re.match(rf"(\s*(?:export[ \t]+)?{NAME}[ \t]*=)(.*)", entry.text, re.DOTALL) if entry.raw is not None else None
    )
    return shown[1] + hidden(shown[2]) if shown else hidden(entry.text)


def ini(text: str) -> str:
    """A file of AWS: sections and keys are shown, of the values only a region and a format of output."""
    return "\n".join(map(_ini_line, text.split("\n")))


def _ini_line(line: str) -> str:
    if section := re.match(r"\[[^\]]*\]", line):
        return section[0] + hidden(line[section.end() :])
    if shown := re.match(rf"({NAME})([ \t]*[=:][ \t]*)(.*)", line):
        known = shown[1] in SHOWN_KEYS and re.fullmatch(r"[a-z0-9-]{1,20}\s*", shown[3])
        return shown[1] + shown[2] + (shown[3].strip() if known else hidden(shown[3]))
    return hidden(line)


def docker_config(text: str) -> str:
    """Docker's config.json: keys and the helper that we name are shown, all other values are not."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return hidden(text)
    return JSON_TOKEN.sub(lambda token: token[0] if token["key"] or token[0] in SHOWN_JSON else f'"{HIDDEN}"', text)


def hidden(text: str) -> str:
    """A text with everything in its lines hidden; a `#` at their beginning stays."""
    return re.sub(r"[^\S\n]*(#?)[^\n]*\S[^\n]*", rf"\1{HIDDEN}", text)
