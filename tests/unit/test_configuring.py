"""`config` as a person types it: the merged configuration, where it comes from, all that is wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from galos_ops.config.command_text import masked_argv, masked_command
from galos_ops.config.origins import Layer, values
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


def test_a_row_with_nothing_in_it_has_the_defaults_and_no_line_of_its_own(folder: Path) -> None:
    (folder / "fabfile.yml").write_text("galos: {services: {web: {}}, lock: {}}\nsudo: {}\nservices: {web: {}}\n")
    rows = {one["key"]: (one["value"], one["origin"]) for one in listed(folder)["values"]}
    assert rows["galos.services.web.tag"] == ("latest", "default")
    assert rows["services.web"] == ("{}", "fabfile.yml")
    assert {"galos.services.web", "galos.lock", "sudo"} & rows.keys() == set()


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
        ("git ls-remote https://ghp_abc@github.com", "git ls-remote https://github.com"),
        ("curl -H 'Authorization: token ghp_abc' https://h", "curl -H 'Authorization: ***' https://h"),
        ('curl -H "Authorization: GenieKey a-b" https://h', 'curl -H "Authorization: ***" https://h'),
        ("curl -H 'Cookie: a=b; c=d' https://h", "curl -H 'Cookie: ***' https://h"),
        ("curl -H 'X-Api-Key: abc' https://h", "curl -H 'X-Api-Key: ***' https://h"),
        ("curl -su ann:hunter22 https://h", "curl -su ann:*** https://h"),
        ("curl --user 'ann:hunter 22' https://h", "curl --user 'ann:***' https://h"),
        ("notify --api-key abc --access-key d --to me", "notify --api-key *** --access-key *** --to me"),
        ("mysqldump -uroot -phunter22 galos >x", "mysqldump -uroot -p*** galos >x"),
        ("mariadb-dump -P 3306 -p'hunter 22' galos", "mariadb-dump -P 3306 -p*** galos"),
        ("sshpass -p hunter22 ssh -p 2222 h", "sshpass -p *** ssh -p 2222 h"),
        ("docker login -u ann -p hunter22 h", "docker login -u ann -p *** h"),
    ],
)
def test_a_command_is_shown_without_its_secrets(command: str, shown: str) -> None:
    assert masked_command(command) == shown
    merged = {"galos": {"hooks": {"after": command}}}
    assert [one.value for one in values(merged, [Layer("f", merged)])] == [shown]


@pytest.mark.parametrize(
    "command",
    [
        'curl -d \'{"token": "hunter22"}\' https://h',
        r'curl -d "{\"token\": \"hunter22\"}" https://h',
        r'curl -d "{\"Authorization\": \"Bearer hunter22\"}" https://h',
        r"curl -H Authorization:\ token\ hunter22 https://h",
        'curl -H "Authorization: Bearer  hunter22"',
        r"PASSWORD=a\ hunter22 x",
        "PASSWORD=$'a hunter22' x",
        "curl -d 'password=abc|hunter22' https://h",
        "curl -u ann:hunter22 https://h | curl -u bob:hunter22 https://h",
        "mysqldump -phunter22 a | mysql -p hunter22 b",
        "docker exec db sh -c 'mysqldump -uroot -phunter22 galos'",
        "notify --private-key hunter22 --auth_key=hunter22",
    ],
)
def test_no_secret_is_shown_however_a_command_quotes_it(command: str) -> None:
    assert "hunter22" not in masked_command(command)
    assert "hunter22" not in masked_argv(["sh", "-c", command])


@pytest.mark.parametrize("piece", ["x", "mysql ", "curl ", '"', "password ", "\\", "cookie:", "a://"])
def test_a_long_command_is_shown_at_once(piece: str) -> None:
    began = time.process_time()
    masked_command(piece * (100_000 // len(piece)))
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "command", ["--source galos_db/migrations", "mysqldump -p >x", "docker run -p 80:80 -u 1:1 i", "curl https://h"]
)
def test_a_command_without_secrets_is_shown_as_it_is(command: str) -> None:
    assert masked_command(command) == command


def test_galos_ops_takes_the_nearest_fabfile_yml_above_and_no_task_of_ones_own(folder: Path) -> None:
    below = folder / "a" / "b"
    below.mkdir(parents=True)
    (folder / "fabfile.py").write_text("raise SystemExit('read')\n")
    galos_ops = str(Path(FAB).with_name("galos-ops"))
    done = processes.run([galos_ops, "config", "--json"], cwd=below)
    assert done.returncode == 0, done.stderr
    [row] = [row for row in json.loads(done.stdout)["values"] if row["key"] == "galos.verify.seconds"]
    assert (row["value"], Path(row["origin"]).name) == ("30", "fabfile.yml")
