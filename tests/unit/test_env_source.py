"""The .env that a command prints or the parameter store has, as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galos_ops.config.settings import Settings
from galos_ops.errors import CommandFailed, UsageError
from galos_ops.provisioning import aws, dotenv, env_source
from galos_ops.provisioning.dotenv_rules import problems
from galos_ops.provisioning.dotenv_text import assignments
from galos_ops.redaction import masked

URL = "DATABASE_URL=postgresql://galos:hunter22@db:5432/galos"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12))
def test_a_value_of_the_store_is_written_so_that_it_reads_the_same_or_is_refused(value: str) -> None:
    text = env_source.lines({"KEY": value, "LAST": "x"})
    refused = [problem for problem in problems(text) if problem.refused and problem.line]
    assert refused or {name: one.value for name, one in assignments(text).items()} == {"KEY": value, "LAST": "x"}


@pytest.mark.parametrize(
    ("value", "word"),
    [("plain", "plain"), ("", ""), ("two words", "'two words'"), ("pa$w0rd", "'pa$w0rd'"), ("it's", '"it\'s"')],
)
def test_a_value_gets_the_quotes_that_it_needs_and_no_more(value: str, word: str) -> None:
    assert env_source.word(value) == word


def settings(command: str) -> Settings:
    return Settings.of({"env_command": command})


def test_what_a_command_prints_is_checked_as_a_file_is_and_shown_nowhere() -> None:
    found = dotenv.local(settings(f"echo '{URL}'; echo TOKEN=verysecretthing"))
    assert found.text == f"{URL}\nTOKEN=verysecretthing\n"
    assert "hunter22" not in repr(found)
    assert masked("verysecretthing") == "***"
    with pytest.raises(UsageError, match=r"What galos\.env_command gives cannot be sent as it is") as caught:
        dotenv.local(settings("echo 'DATABASE_URL=<<put it here>>'"))
    assert "line 1: DATABASE_URL holds a placeholder" in caught.value.evidence


def test_a_command_that_fails_sends_nothing() -> None:
    command = "echo PASSWORD=topsecretvalue; echo 'cannot use topsecretvalue: locked' >&2; exit 3"
    with pytest.raises(CommandFailed, match=r"galos\.env_command failed \(exit 3\); nothing was sent") as caught:
        dotenv.local(settings(command))
    assert "topsecretvalue" not in caught.value.message
    assert "cannot use ***: locked" in caught.value.message


def test_a_command_is_bounded_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env_source, "SECONDS", 1)
    with pytest.raises(CommandFailed, match="not done after 1 s, ended"):
        dotenv.local(settings("sleep 3600"))


def test_of_two_parameters_with_the_name_of_one_variable_none_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = ["/galos/production/DATABASE_URL", "/galos/staging/DATABASE_URL"]
    monkeypatch.setattr(aws, "parameters", lambda *_: dict.fromkeys(["/galos/A", *paths], "hunter22"))
    with pytest.raises(UsageError, match="below which DATABASE_URL has 2 values") as caught:
        dotenv.local(settings("ssm:/galos"))
    assert caught.value.evidence.splitlines() == paths
    assert caught.value.hint == "name the path of one of them, as ssm:/galos/production"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("true", "gives an empty .env"),
        ("printf '\\377'", "is not UTF-8 text"),
        ("ssm:galos", "a path of the parameter store begins with /"),
    ],
)
def test_what_is_no_env_is_exit_2(command: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        dotenv.local(settings(command))
