"""The pages that could go stale: those that are made from the code, and docs/exit-codes.md."""

from __future__ import annotations

import re

from galos_ops.config.settings import Settings
from galos_ops.engines import compose, watching
from galos_ops.engines.images import pulling
from galos_ops.host import connection, ssh_config
from galos_ops.migrations import guard
from galos_ops.tasks import hooks
from scripts.causes import CAUSES
from scripts.failures import failures
from scripts.reference import ROOT, codes, pages, templates

FOREIGN = [
    "Signature expired",
    "Signature not yet current",
    "was previously applied but is missing",
]
"""The symptoms of the troubleshooting page in the words of Docker, AWS and sqlx."""


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


def test_an_error_is_listed_with_its_cause_and_its_next_command() -> None:
    rows = re.findall(r"^\| (.*\S) \| (.*\S) \|(.*)\|$", pages()[ROOT / "docs/errors.md"], re.MULTILINE)
    next_of = {sentence: hint.strip() for sentence, _, hint in rows}
    assert next_of["HOST: SERVICE: there is no container to start."] == "fab -H HOST up"
    assert next_of["HOST: SERVICE: …: its container restarts again and again."] == "fab -H HOST logs"
    assert len(next_of) > 140


def test_every_cause_is_that_of_a_sentence_which_the_code_says() -> None:
    assert CAUSES.keys() == {one.sentence for one in failures(ROOT / "galos_ops")}


def test_what_init_writes_is_what_this_checkout_has() -> None:
    for path, text in templates().items():
        assert path.read_text() == text, "run: make reference"


def test_every_exit_code_has_its_row() -> None:
    rows = re.findall(r"^\| (\d) \|", (ROOT / "docs/exit-codes.md").read_text(), re.MULTILINE)
    known = [row.split(" ")[1] for row in "\n".join(codes()).splitlines()[2:]]
    assert rows == ["0", *sorted(set(known))]


def test_the_table_of_a_deploy_has_each_step_in_its_order() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| [\d, ]+ \|$", (ROOT / "docs/deploy.md").read_text(), re.MULTILINE)
    doing, *other = (
        re.findall(r'step\("(\w+)"', (ROOT / "galos_ops/workflows" / name).read_text())
        for name in ("doing.py", "steps.py", "ops.py")
    )
    done = [step for step in doing if step not in {"start", "prune"}]
    assert [step for step in rows if step in done] == done
    assert set(rows) == {*done, *(step for each in other for step in each)}


def test_the_time_limits_of_a_deploy_are_those_of_the_code() -> None:
    table = (ROOT / "docs/deploy.md").read_text().partition("## Time limits")[2]
    rows = re.findall(r"^\| (.*?) \| (.*\d.*) \|$", table, re.MULTILINE)
    migration, lock = Settings().services["galos-sync"].migration.timeout, Settings().lock.wait
    assert [[int(number) for number in re.findall(r"\d+", said)] for _, said in rows] == [
        [ssh_config.ASK_SECONDS, connection.CONNECT_SECONDS, connection.AUTHENTICATE_SECONDS],
        [connection.DEAD_LINK_SECONDS],
        [migration],
        [pulling.PULL_SECONDS],
        [guard.CHECK_SECONDS],
        [migration],
        [compose.START_SECONDS],
        [watching.HEALTH_SECONDS],
        [lock],
        [hooks.SECONDS, hooks.SECONDS],
    ]


def test_a_symptom_is_what_the_code_or_those_that_it_speaks_to_say() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text().partition("## Symptom, cause, command")[2]
    symptoms = [one for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for one in re.findall(r"`(.+?)`", row)]
    code = "".join(path.read_text() for path in (ROOT / "galos_ops").rglob("*.py"))
    said = re.sub(r"\{.*?\}", "…", code)
    assert [one for one in symptoms if one not in said] == FOREIGN
