import logging
import sys
from pathlib import Path

import pytest

from galos_ops.errors import CommandFailed
from galos_ops.tasks.logs import Masked
from galos_ops.tasks.looking import show
from tests.processes import run

FAB = str(Path(sys.executable).with_name("fab"))


@pytest.mark.parametrize("password", ["hunter2", "it's", "both ' and \"", "back\\slash", "", "ü $x"])
def test_a_password_in_a_logged_configuration_is_masked(password: str) -> None:
    record = logging.LogRecord(
        "invoke", logging.DEBUG, "", 0, f"Overrides: {{'sudo': {{'password': {password!r}}}}}", (), None
    )
    assert Masked().filter(record)
    assert record.getMessage() == "Overrides: {'sudo': {'password': '***'}}"


def test_what_is_no_password_is_logged_as_it_is() -> None:
    text = "Defaults: {'sudo': {'password': None, 'prompt': '[sudo] password: '}} 100%"
    record = logging.LogRecord("invoke", logging.DEBUG, "", 0, text, (), None)
    assert Masked().filter(record)
    assert record.getMessage() == text


def test_a_line_that_cannot_be_written_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(CommandFailed, match="Standard output cannot be written here: No space left on device"):
            show("line")


def test_fab_debug_does_not_show_the_sudo_password() -> None:
    words = [FAB, "-d", "--prompt-for-sudo-password", "ecr.helper"]
    result = run(words, stdin="hunter2hunter2\n")  # it has no terminal: the prompt reads standard input
    assert result.returncode == 2
    assert "'sudo': {'password': '***'}" in result.stderr
    assert "hunter2" not in result.stdout + result.stderr
