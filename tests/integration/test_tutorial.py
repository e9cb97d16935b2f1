"""docs/tutorial.md, typed from its first command to its last: what it shows is what a person sees."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from tests.integration.conftest import ROOT, Operator

VARIES = (
    (r"sha256:[0-9a-f]+", "sha256:*"),
    (r"\(\d+\.\d+[µm]?s\)|\d+(\.\d+)? (s|min)\b", "*"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\dZ)?|\.\d{4}-\d\d-\d\dT\d+", "*"),
    (r"\S+@\S+", "*"),
    (r"fab -\S.* -H sandbox", "fab -H sandbox"),
    (r"\b[0-9a-f]{8}\b", "*"),
    (r"\s+", " "),
)
"""What is another thing in each run, or for each person, and what stands in its place."""


def plain(line: str) -> str:
    for pattern, put in VARIES:
        line = re.sub(pattern, put, line)
    return line.strip()


def typed() -> Iterator[tuple[list[str], list[str]]]:
    """Each command of the transcripts, and the lines that are shown of it."""
    for block in re.findall(r"^```\n(\$ .*?)^```$", (ROOT / "docs/tutorial.md").read_text(), re.MULTILINE | re.DOTALL):
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            first, *shown = command.splitlines()
            yield shlex.split(first), [plain(line) for line in shown if line.strip() != "…"]


def missing(shown: list[str], output: list[str]) -> list[str]:
    """The lines that are not in an output in this order, a line that ends its middle in … by its two ends."""
    rest = iter(output)
    fits = [re.compile(".*".join(map(re.escape, line.split("…")))) for line in shown]
    return [line for line, fit in zip(shown, fits, strict=True) if not any(fit.match(found) for found in rest)]


@pytest.mark.violates(
    "checked", "another release than the one that failed to migrate is deployed, which had nothing pending"
)
def test_the_tutorial_shows_what_happens(bare: Operator) -> None:
    bare.host.shell("apt-get purge -qy amazon-ecr-credential-helper")
    codes: list[int] = []
    for words, shown in typed():
        if words[:2] == ["fab", "sandbox.publish"]:
            bare.sandbox.publish(words[2])
        elif words[0] == "galos":
            result = bare(*words[1:])
            lines = [plain(re.sub(r"^\S+Z ", "", line)) for line in (result.stdout + result.stderr).splitlines()]
            assert missing(shown, lines) == [], (words, lines)
            codes.append(result.returncode)
    assert [code for code in codes if code] == [5, 6, 6, 7]
