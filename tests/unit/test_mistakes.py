"""What is said of a command line that Fabric cannot parse."""

from __future__ import annotations

import getpass
import shlex

import pytest
from fabric.main import make_program
from invoke.exceptions import ParseError

from galos_ops.errors import UsageError
from galos_ops.tasks import mistakes


def unparsed(command: str) -> UsageError:
    """The error for a command that Fabric refuses, with this project's fabfile."""
    program = make_program()
    program.create_config()
    with pytest.raises(ParseError) as error:  # noqa: PT012
        program.parse_core(shlex.split(command))
        program.parse_collection()
        program.parse_tasks()
    return mistakes.unparsed_error(error.value, program)


@pytest.mark.parametrize("task", ["pending", "doctor --fix", "status"])
def test_a_task_without_a_dry_run_does_not_suggest_that_of_fabric(task: str) -> None:
    name = task.split()[0]
    error = unparsed(f"fab -H h {task} --dry-run")
    assert (str(error), error.hint) == (f"There is no option of {name} --dry-run.", f"see: fab --help {name}")


def test_an_account_without_a_name_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)
    with pytest.raises((KeyError, OSError)) as caught:
        getpass.getuser()
    assert mistakes.known(caught.value).sentence == "The account that this runs as has no name."


def test_a_mistyped_dry_run_of_a_task_that_has_one_is_suggested() -> None:
    assert unparsed("fab -H h deploy --dry-rum").hint == "did you mean --dry-run? see: fab --help deploy"
    assert unparsed("fab --dri -H h deploy").hint == "see: fab --list"
