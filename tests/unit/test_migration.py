import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galos_ops.config.settings import Migration, ToolName
from galos_ops.host.result import Result
from galos_ops.migrations.tools import CLEAN, TOOLS, Answer, argv, named, names_of_alembic, read

SQLX_PENDING = """\
Can apply 20260806140000/migrate allow stars without orbits (0ns)
Can apply 20260806150000/migrate rename surface columns (0ns)
"""
SQLX_NAMES = ("20260806140000 allow stars without orbits", "20260806150000 rename surface columns")
SQLX_MISSING = "error: migration 20260806140000 was previously applied but is missing in the resolved migrations\n"
DBMATE_PENDING = "[X] 20260806_first.sql\n[ ] 20260807_second_one.sql\n\nApplied: 1\nPending: 1\n"
RAILS_PENDING = "You have 1 pending migration:\n  20260806140000 AllowStars\nRun `bin/rails db:migrate`\n"
# printed by django 4.2.30, and the same by 5.2.19
DJANGO_CLEAN = "Planned operations:\n  No planned migration operations.\n"
DJANGO_PENDING = """\
Planned operations:
contenttypes.0002_remove_content_type_name
    Change Meta options on contenttype
    Raw Python operation
    Remove field name from contenttype
auth.0006_require_contenttypes_0002
auth.0011_update_proxy_permissions
    Raw Python operation ->     Update the content_type of prox…
shop.0001_error_log
    Create model ErrorLog
"""
DJANGO_NAMES = (
    "contenttypes 0002 remove content type name",
    "auth 0006 require contenttypes 0002",
    "auth 0011 update proxy permissions",
    "shop 0001 error log",
)


def flyway(*states: str) -> str:
    rows = [{"version": str(n), "description": "step", "state": state} for n, state in enumerate(states, 1)]
    return json.dumps({"migrations": rows})


def repeated(*states: str) -> str:
    """The same of a repeatable migration, which has no version and a row for each time that it was applied."""
    return json.dumps({"migrations": [{"version": None, "description": "views", "state": state} for state in states]})


@pytest.mark.parametrize(
    ("tool", "exited", "stdout", "expected"),
    [
        ("sqlx", 0, "", CLEAN),
        ("sqlx", 0, SQLX_PENDING, Answer("pending", SQLX_NAMES)),
        ("sqlx", 0, "Can apply 1/migrate a (b) c (1.2ms)\n", Answer("pending", ("1 a (b) c",))),
        ("dbmate", 0, "[X] 20260806_first.sql\n\nApplied: 1\nPending: 0\n", CLEAN),
        ("dbmate", 1, DBMATE_PENDING, Answer("pending", ("20260807 second one",))),
        ("alembic", 0, "ae1027a6acf (head)\n", CLEAN),
        ("alembic", 255, "FAILED: Database is not on all head revisions\n", Answer("pending")),
        ("django", 0, DJANGO_CLEAN, CLEAN),
        ("django", 1, DJANGO_PENDING, Answer("pending", DJANGO_NAMES)),
        ("flyway", 0, flyway("Success", "Baseline"), CLEAN),
        ("flyway", 0, flyway("Success", "Pending"), Answer("pending", ("2 step",))),
        ("flyway", 0, flyway("Success", "Deleted", "Available"), CLEAN),
        ("flyway", 0, repeated("Outdated", "Pending"), Answer("pending", ("views",))),
        ("flyway", 0, repeated("Outdated"), Answer("pending", ("views",))),
        ("flyway", 0, repeated("Superseded", "Success"), CLEAN),
        ("rails", 0, "", CLEAN),
        ("rails", 1, RAILS_PENDING, Answer("pending", ("20260806140000 AllowStars",))),
        ("command", 0, "all well\n", CLEAN),
        ("command", 1, "first\nsecond\n", Answer("pending", ("first", "second"))),
    ],
)
def test_a_readable_answer_is_read(tool: ToolName, exited: int, stdout: str, expected: Answer) -> None:
    assert read(Migration(tool=tool, check="c", run="r"), Result(exited, stdout, "", stdout)) == expected


@pytest.mark.parametrize(
    ("tool", "exited", "output"),
    [
        ("sqlx", 1, SQLX_MISSING),
        ("sqlx", 1, "error: error communicating with database: Connection refused (os error 111)\n"),
        ("sqlx", 1, SQLX_PENDING),
        ("sqlx", 0, "Usage: docker-compose run [options]\n"),
        ("sqlx", 0, SQLX_PENDING + "something else\n"),
        ("sqlx", 127, ""),
        ("dbmate", 0, ""),
        ("dbmate", 0, DBMATE_PENDING),
        ("dbmate", 1, "Pending: 0\n"),
        ("dbmate", 1, "Error: dial tcp: connection refused\n"),
        ("alembic", 255, "sqlalchemy.exc.OperationalError\n"),
        ("alembic", 1, "not on all head revisions\n"),
        ("django", 0, ""),
        ("django", 1, ""),
        ("django", 0, DJANGO_PENDING),
        ("django", 1, DJANGO_CLEAN),
        ("django", 2, DJANGO_PENDING),
        ("django", 1, "Traceback (most recent call last):\ndjango.db.utils.OperationalError\n"),
        ("django", 2, ""),
        ("flyway", 0, "not json"),
        ("flyway", 0, json.dumps({"error": {"message": "down"}})),
        ("flyway", 0, flyway("Success", "Failed")),
        ("flyway", 1, flyway("Pending")),
        ("rails", 1, "PG::ConnectionBad\n"),
        ("command", 2, ""),
        ("command", -1, ""),
    ],
)
def test_anything_else_is_unknown_and_keeps_its_evidence(tool: ToolName, exited: int, output: str) -> None:
    answer = read(Migration(tool=tool, check="c", run="r"), Result(exited, output, "", output))
    assert answer.state == "unknown"
    assert answer.evidence == (output.strip() or f"the check ended with exit {exited}, in silence")


# printed by alembic 1.20.1
HISTORY = """\
793e5ed1bfca, a689d1eedaf2 -> 6f2c0df3dc47 (head) (mergepoint), merge, both
397cb889aa28 -> 793e5ed1bfca, add error, (head) -> column
<base> -> 397cb889aa28 (current), create systems
<base> -> a689d1eedaf2, other branch
"""


@pytest.mark.parametrize(
    ("current", "pending"),
    [
        ("", ["a689d1eedaf2", "397cb889aa28", "793e5ed1bfca", "6f2c0df3dc47"]),
        ("397cb889aa28", ["a689d1eedaf2", "793e5ed1bfca", "6f2c0df3dc47"]),
        ("793e5ed1bfca", ["a689d1eedaf2", "6f2c0df3dc47"]),
        ("6f2c0df3dc47", []),
    ],
)
def test_alembic_names_what_is_neither_current_nor_below_it(current: str, pending: list[str]) -> None:
    history = HISTORY.replace(" (current)", "").replace(
        f"-> {current}", f"-> {current} (current)" if current else "-> "
    )
    assert [name.split()[0] for name in names_of_alembic(history)] == pending


def test_the_names_of_alembic_have_their_messages() -> None:
    listed = Result(0, HISTORY, "INFO  [alembic.runtime.migration] Context impl SQLiteImpl.\n", "")
    answer = named(Migration(tool="alembic"), Answer("pending"), listed)
    assert answer.names[1] == "793e5ed1bfca add error, (head) -> column"
    assert named(Migration(tool="alembic"), Answer("pending"), Result(1, HISTORY, "", "")) == Answer("pending")


def test_errors_on_standard_error_are_evidence_too() -> None:
    answer = read(Migration(), Result(1, "", "no such service", "no such service"))
    assert answer == Answer("unknown", evidence="no such service")


@pytest.mark.parametrize(
    ("tool", "check", "run"),
    [
        ("sqlx", "sqlx migrate run --dry-run --a 'b c'", "sqlx migrate run --a 'b c'"),
        (
            "dbmate",
            "dbmate --a 'b c' status --exit-code",
            "dbmate --migration-lock --no-dump-schema --a 'b c' migrate --strict",
        ),
        ("alembic", "alembic --a 'b c' current --check-heads", "alembic --a 'b c' upgrade head"),
        ("django", "python manage.py migrate --check --plan --a 'b c'", "python manage.py migrate --noinput --a 'b c'"),
        ("flyway", "flyway --a 'b c' info -outputType=json", "flyway --a 'b c' migrate"),
        ("rails", "rails db:abort_if_pending_migrations --a 'b c'", "rails db:migrate --a 'b c'"),
    ],
)  # fmt: skip
def test_arguments_stand_where_the_tool_takes_them(tool: ToolName, check: str, run: str) -> None:
    migration = Migration(tool=tool, arguments="--a 'b c'")
    assert shlex.join(argv(migration, "check")) == check
    assert shlex.join(argv(migration, "run")) == run


def test_a_command_of_ones_own_is_left_to_a_shell() -> None:
    migration = Migration(tool="command", check="a && b", run="c | d")
    assert argv(migration, "check") == ["sh", "-c", "a && b"]
    assert argv(migration, "run") == ["sh", "-c", "c | d"]


@given(tool=st.sampled_from([*TOOLS, "command"]), exited=st.integers(-1, 255).filter(bool), output=st.text())
def test_a_check_that_fails_is_never_clean(tool: ToolName, exited: int, output: str) -> None:
    answer = read(Migration(tool=tool, check="c", run="r"), Result(exited, output, "", output))
    assert answer.state != "clean"
    assert answer.evidence or answer.state == "pending"


@given(output=st.text(min_size=1).filter(lambda text: text.strip() != ""))
def test_sqlx_that_says_anything_unexpected_is_not_clean(output: str) -> None:
    assert read(Migration(), Result(0, output, "", output)).state != "clean"
