"""The pages that could go stale: those that are made from the code, and docs/exit-codes.md."""

from __future__ import annotations

import re

from galos_ops.config.settings import Settings
from scripts.reference import ROOT, codes, pages, templates


def test_a_page_says_what_the_code_says() -> None:
    for path, text in pages().items():
        assert path.read_text() == text, "run: make reference"


def test_every_option_has_its_words() -> None:
    options = re.findall(r"^\| `--[^|]*\| (.*) \|$", pages()[ROOT / "docs/reference.md"], re.MULTILINE)
    assert len(options) > 30
    assert not {"", "None"} & set(options)


def test_a_row_that_is_added_has_the_defaults_of_the_reference() -> None:
    added = Settings.of({"services": {"map": {}}}).services["map"]
    said = pages()[ROOT / "docs/reference.md"]
    assert "| `galos.services.NAME.migration.arguments` | text | `''` |" in said
    assert (added.migration.arguments, added.repository, added.migration.service) == ("", "map", "map")


def test_an_error_is_listed_with_its_next_command() -> None:
    rows = pages()[ROOT / "docs/errors.md"].splitlines()
    assert "| HOST: SERVICE: there is no container to start. | fab -H HOST up |" in rows
    assert len([row for row in rows if row.startswith("| ")]) > 100


def test_what_init_writes_is_what_this_checkout_has() -> None:
    for path, text in templates().items():
        assert path.read_text() == text, "run: make reference"


def test_every_exit_code_has_its_row() -> None:
    rows = re.findall(r"^\| (\d) \|", (ROOT / "docs/exit-codes.md").read_text(), re.MULTILINE)
    known = [row.split(" ")[1] for row in "\n".join(codes()).splitlines()[2:]]
    assert rows == ["0", *sorted(set(known))]


def test_the_table_of_a_deploy_has_each_step_and_what_it_leaves() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| [\d, ]+ \|$", (ROOT / "docs/deploy.md").read_text(), re.MULTILINE)
    code = "".join((ROOT / "galos_ops/workflows" / name).read_text() for name in ("doing.py", "steps.py", "ops.py"))
    assert set(rows) == set(re.findall(r'step\("(\w+)"', code)) - {"start", "prune"}
