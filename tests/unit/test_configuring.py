"""`config` as a person types it: the merged configuration, where it comes from, all that is wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from galos_ops.config.origins import Layer, values
from galos_ops.redaction import masked_command
from tests import processes
from tests.described import violations

FAB = str(Path(sys.executable).with_name("fab"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a fabfile of one's own, and a home."""
    (tmp_path / "fabfile.py").write_text(
        "from pathlib import Path\nfrom galos_ops import namespace\n"
        "ns = namespace(Path(__file__).with_name('fabfile.yml'))\n"
    )
    (tmp_path / "fabfile.yml").write_text("galos: {verify: {seconds: 30}, services: {web: {tag: stable}}}\n")
    (tmp_path / "home").mkdir()
    return tmp_path


def fab(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = processes.environment({"HOME": str(folder / "home"), **variables})
    return processes.run([FAB, *words], cwd=folder, env=environment)


def listed(folder: Path, *words: str, **variables: str) -> dict[str, Any]:
    done = fab(folder, *words, "config", "--json", **variables)
    document: dict[str, Any] = json.loads(done.stdout)
    assert violations(document, "config") == []
    assert document["exit"] == done.returncode
    return document


def test_each_value_tells_the_strongest_of_what_sets_it(folder: Path) -> None:
    (folder / "home" / ".fabric.yml").write_text("galos: {lock: {wait: 7}}\nuser: ann\nsudo: {password: hunter22}\n")
    (folder / "more.yml").write_text("galos: {directory: /srv, verify: {seconds: 3}}\n")
    found = listed(folder, "-f", "more.yml", "-H", "nowhere", FABRIC_GALOS_HOSTS="a,b", FABRIC_GALOS_VERIFY_SECONDS="9")
    rows = {one["key"]: (one["value"], one["origin"]) for one in found["values"]}
    home = str(folder / "home" / ".fabric.yml")
    assert {
        "galos.engine": ("compose", "default"),
        "galos.lock.wait": ("7", "home/.fabric.yml"),
        "galos.services.web.tag": ("stable", "fabfile.yml"),
        "galos.services.web.migration.timeout": ("3600", "default"),
        "galos.directory": ("/srv", "-f more.yml"),
        "galos.verify.seconds": ("3", "-f more.yml"),
        "galos.hosts": ("a,b", "FABRIC_GALOS_HOSTS"),
        "user": ("ann", "home/.fabric.yml"),
        "sudo.password": ("***", "home/.fabric.yml"),
    }.items() <= rows.items(), (rows, home)
    assert (found["hosts"], found["faults"], found["error"]) == ([], [], None)


def test_all_faults_are_told_at_once_with_where_they_come_from(folder: Path) -> None:
    (folder / "fabfile.yml").write_text("galos: {engin: x, services: {web: {tag: 'a b'}}}\n")
    (folder / "more.yml").write_text("galos: {directory: srv}\n")
    variables = {"FABRIC_GALOS_VERIFY_SECONDS": "soon", "FABRIC_GALOS_HOST": "a"}
    done = fab(folder, "-f", "more.yml", "config", **variables)
    assert done.returncode == 2
    for words in (
        "galos.engin is not a known key (fabfile.yml).",
        "did you mean galos.engine?",
        "galos.services.web.tag is 'a b'; it must be a Docker tag (fabfile.yml).",
        "galos.directory is 'srv'; it must be a path in one line that starts with / or ~/ (-f more.yml).",
        "galos.verify.seconds must be a whole number, not text (FABRIC_GALOS_VERIFY_SECONDS).",
        "FABRIC_GALOS_HOST is the variable of no known key.",
    ):
        assert words in done.stdout
    assert done.stderr.splitlines() == [
        "The configuration has 5 faults.",
        "next: correct what is marked, then: fab -f more.yml config",
    ]
    assert {one["origin"] for one in listed(folder, **variables)["faults"]} == {"fabfile.yml", *variables}


def test_any_other_task_ends_at_the_first_of_them(folder: Path) -> None:
    done = fab(folder, "-H", "nowhere", "pending", FABRIC_GALOS_VERIFY_SECONDS="soon")
    assert (done.returncode, done.stderr) == (2, "galos.verify.seconds must be a whole number, not text.\n")


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("curl -d @- https://hooks.slack.com/services/T0/B0/XyZ", "curl -d @- https://hooks.slack.com/***"),
        ("pg_dump postgresql://u:pw@db:5432/galos", "pg_dump postgresql://db:5432/***"),
        ("PGPASSWORD=hunter22 pg_dump", "PGPASSWORD=*** pg_dump"),
        ("curl -H 'Authorization: Bearer abc' https://h", "curl -H 'Authorization: ***' https://h"),
        ("notify --token abc --to me", "notify --token *** --to me"),
        ("op read op://vault/galos/env", "op read op://vault/***"),
    ],
)
def test_a_command_is_shown_without_its_secrets(command: str, shown: str) -> None:
    assert masked_command(command) == shown
    merged = {"galos": {"hooks": {"after": command}}}
    assert [one.value for one in values(merged, [Layer("f", merged)])] == [shown]


def test_a_command_without_secrets_is_shown_as_it_is() -> None:
    assert masked_command("--source galos_db/migrations") == "--source galos_db/migrations"
