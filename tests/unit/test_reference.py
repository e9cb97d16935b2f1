"""The pages that could go stale: docs/reference.md and docs/exit-codes.md against the code."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.reference import PAGE, codes, page, templates

ROOT = Path(__file__).parents[2]


def test_the_reference_says_what_the_code_says_and_every_option_has_its_words() -> None:
    assert PAGE.read_text() == page(), "run: make reference"
    options = re.findall(r"^\| `--[^|]*\| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert len(options) > 30
    assert not {"", "None"} & set(options)


def test_what_init_writes_is_what_this_checkout_has() -> None:
    for path, text in templates().items():
        assert path.read_text() == text, "run: make reference"


def test_every_exit_code_has_its_row() -> None:
    rows = re.findall(r"^\| (\d) \|", (ROOT / "docs/exit-codes.md").read_text(), re.MULTILINE)
    known = [row.split(" ")[1] for row in "\n".join(codes()).splitlines()[2:]]
    assert rows == sorted(set(known))
