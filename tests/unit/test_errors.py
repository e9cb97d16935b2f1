import pytest

from galos_ops import errors
from galos_ops.errors import OpsError, render
from galos_ops.redaction import Secret, masked, unquoted

CODES = {
    "CommandFailed": 1, "CommandTimedOut": 1, "NotBegun": 1, "CommandEnded": 1, "UsageError": 2, "ConnectError": 3,
    "HostKeyError": 3, "LockedError": 4, "GuardError": 5, "MigrationError": 6, "VerifyError": 7, "NotReadyError": 8,
}  # fmt: skip


def test_every_class_of_failure_has_the_exit_code_of_the_contract() -> None:
    classes = {
        name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, OpsError)
    }
    assert {name: kind("x").code for name, kind in classes.items() if kind is not OpsError} == CODES


def test_a_failure_is_a_sentence_then_evidence_then_the_next_command() -> None:
    assert render("It failed.", "one\n\ntwo\n", "fab deploy") == "It failed.\n  | one\n  |\n  | two\nnext: fab deploy"
    assert render("It failed.") == "It failed."


def test_only_the_last_lines_of_evidence_are_shown() -> None:
    shown = render("It failed.", "\n".join(map(str, range(100)))).splitlines()
    assert len(shown) == 1 + errors.EVIDENCE_LINES
    assert shown[-1] == "  | 99"


def test_of_a_line_of_evidence_without_end_the_beginning_is_shown() -> None:
    *_, shown = render("It failed.", "x" * 10_000_000).splitlines()
    assert shown == f"  | {'x' * errors.EVIDENCE_WIDTH} ..."


@pytest.mark.parametrize("password", ["s3cret", "p@ss", "a:b/c@d", "$'\"", "ü"])
def test_the_password_of_a_url_is_never_shown(password: str) -> None:
    text = f"error: cannot reach postgresql://galos:{password}@db/elite_development now"
    assert masked(text) == "error: cannot reach postgresql://galos:***@db/elite_development now"
    assert password not in (OpsError("x", evidence=text).message or "")


def test_text_without_a_password_is_left_alone() -> None:
    text = "see https://example.com/a@b and mail a:b@c"
    assert masked(text) == text


def test_control_characters_beyond_ascii_are_taken_out_too() -> None:
    assert masked("a\x9b2Jb\x85c") == "a2Jbc"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('unterminated quoted value "hunter2\nline 2', "unterminated quoted value ..."),
        ('invalid interpolation format for A: "hunter2\\"$"', "invalid interpolation format for A: ..."),
        ("key 'hunter2' and `hunter2` and \"x\" end", "key ... and ... and ... end"),
        ("can't read .env: a=b isn't it", "can't read .env: a=b isn't it"),
    ],
)
def test_what_a_text_quotes_is_left_out_even_where_the_quote_does_not_end(text: str, shown: str) -> None:
    assert unquoted(text) == shown


def test_a_secret_is_shown_by_nobody_but_who_asks_for_its_value() -> None:
    secret = Secret("hunter2")
    assert {f"{secret}", str(secret), repr(secret), repr([secret]), "%s" % secret} == {"***", "[***]"}  # noqa: UP031
    assert secret.value == "hunter2"
