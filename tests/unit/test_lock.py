import fcntl
import json
import subprocess
from pathlib import Path

import pytest

from galos_ops.lock import describe, holder, run_url, script
from tests.processes import start

WHO = '{"user": "ann", "machine": "laptop", "task": "deploy", "since": "2026-01-02T03:04:05+00:00", "run": null}'


def test_a_holder_is_described_in_words() -> None:
    assert describe(WHO) == "ann on laptop has held the host for deploy since 2026-01-02T03:04:05+00:00"
    in_ci = json.dumps({**json.loads(WHO), "run": "https://ci/1"})
    assert describe(in_ci).endswith("+00:00, https://ci/1")


@pytest.mark.parametrize("line", ["", "{", "[]", "{}", "null", '"x"'])
def test_a_holder_that_nobody_can_read_is_still_a_holder(line: str) -> None:
    assert describe(line) == "another galos-ops task holds the host"


def test_we_describe_ourselves_in_the_same_words() -> None:
    assert "has held the host for migrate since 2" in describe(json.dumps(holder("migrate")))


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, None),
        ({"CI_JOB_URL": "https://gitlab/x/-/jobs/5"}, "https://gitlab/x/-/jobs/5"),
        (
            {"GITHUB_RUN_ID": "7", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r"},
            "https://github.com/o/r/actions/runs/7",
        ),
    ],
)
def test_the_ci_run_is_named(environment: dict[str, str], url: str | None) -> None:
    assert run_url(environment) == url


def take(directory: Path, wait: int = 0) -> "subprocess.Popen[str]":
    words = ["sh", "-c", script(str(directory), wait, "t0ken", WHO)]
    return start(words, stdin=subprocess.PIPE)


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_the_lock_lives_as_long_as_its_standard_input(tmp_path: Path) -> None:
    holding = take(tmp_path)
    assert first_line(holding) == "held"
    refused = take(tmp_path)
    assert refused.communicate()[0].splitlines() == [f"busy {WHO}"]
    assert refused.returncode == 4
    holding.communicate()
    again = take(tmp_path)
    assert first_line(again) == "held"
    again.communicate()


def test_a_killed_holder_leaves_nothing_to_remove(tmp_path: Path) -> None:
    holding = take(tmp_path)
    assert first_line(holding) == "held"
    holding.kill()
    holding.communicate()
    with (tmp_path / ".galos-ops" / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # waits for the end of what the killed shell had begun, which nobody else ends
    again = take(tmp_path)
    assert first_line(again) == "held"
    again.communicate()


def test_one_who_waits_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    holding, waiting = take(tmp_path), None
    assert first_line(holding) == "held"
    waiting = take(tmp_path, wait=30)
    assert first_line(waiting) == f"waiting {WHO}"
    holding.communicate()
    assert first_line(waiting) == "held"
    waiting.communicate()


def test_the_holders_file_is_private(tmp_path: Path) -> None:
    holding = take(tmp_path)
    assert first_line(holding) == "held"
    path = tmp_path / ".galos-ops" / "holder"
    assert json.loads(path.read_text()) == json.loads(WHO)
    assert path.stat().st_mode & 0o777 == 0o600
    holding.communicate()
    assert path.read_text() == ""
