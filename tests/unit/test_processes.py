"""What tests start: it can be interrupted, sees no CI, and ends with its test."""

from __future__ import annotations

import signal
import sys

import pytest

from tests import processes

TEST = """
import pytest
import pytest_timeout
from tests.processes import start

def test_of_an_interrupt():
    sleeping = start(["sh", "-c", "echo ready; exec sleep 600"])
    assert sleeping.stdout.readline() == "ready\\n"
    sleeping.send_signal(2)
    assert sleeping.wait() == -2

def test_that_forgets_what_it_started():
    start(["sleep", "600"])

def test_that_fails_beside_what_it_started():
    start(["sleep", "600"])
    assert False, "of its own"

@pytest.mark.timeout(1)
def test_that_hangs():
    start(["sleep", "600"]).wait()
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a run of TEST in reverse order, in which SIGINT is ignored as in a background job."""
    folder = tmp_path_factory.mktemp("inner")
    (folder / "test_inner.py").write_text(TEST)
    words = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "tests.conftest"]
    line = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *words, "--reverse", "--rootdir", str(folder), str(folder)]
    return processes.run(line, env=processes.environment({"PYTHONPATH": str(processes.ROOT)})).stdout


def test_an_interrupt_reaches_what_is_started_from_a_background_job(told: str) -> None:
    assert "::test_of_an_interrupt PASSED" in told


def test_a_test_that_forgets_what_it_started_fails_and_one_that_fails_leaves_nothing(told: str) -> None:
    assert "AssertionError: the test left processes running" in told
    assert "AssertionError: of its own" in told
    assert "3 failed, 1 passed" in told


def test_a_hang_ends_with_its_stack(told: str) -> None:
    assert "Timeout (>1.0s) from pytest-timeout" in told
    assert 'start(["sleep", "600"]).wait()' in told


def test_the_order_can_be_reversed(told: str) -> None:
    assert told.index("::test_that_hangs") < told.index("::test_of_an_interrupt")


def test_what_a_ci_service_or_a_terminal_sets_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "CI_JOB_URL", "GITHUB_ACTIONS", "GITLAB_CI", "AWS_PROFILE", "FABRIC_GALOS_HOSTS", "NO_COLOR"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("KEPT", "1")
    seen = processes.run(["env"], env=processes.environment({"GITLAB_CI": "true"})).stdout.splitlines()
    assert [line for line in seen if line.startswith(processes.LEFT_OUT)] == ["GITLAB_CI=true"]
    assert "KEPT=1" in seen


def test_all_of_a_session_ends() -> None:
    process = processes.start(["sh", "-c", "sleep 600 & echo ready; wait"])
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    assert processes.end_started() == [process.pid]
    assert process.returncode == -signal.SIGKILL
    assert process.stdout.read() == "", "what it started holds its output, and would go on for ten minutes"
