"""What databases, tools and engines say of a failed migration, and what that is told as."""

from __future__ import annotations

import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.migrations.causes import CAUSES, SQL, cause, of_reason

SAID = {
    "it never started": ["sh: 1: nonsense: not found"],
    "an earlier run left a migration half done": [
        "error: migration 20260811100000 is partially applied; fix and remove row from `_sqlx_migrations` table",
        "ERROR: Schema \"public\" contains a failed migration to version 3 !",
        "Validate failed: Migrations have failed validation\nDetected failed migration to version 2 (drop)",
    ],
    "a migration that was applied is another one in this image": [
        "error: migration 20260811100000 was previously applied but has been modified",
        "Migration checksum mismatch for migration version 1",
        "alembic.util.exc.CommandError: Can't locate revision identified by '6f2c0df3dc47'",
        "django.db.migrations.exceptions.InconsistentMigrationHistory: Migration a.0001 is applied before b.0001",
    ],
    "the database is full": [
        'error returned from database: could not extend file "base/1/2": No space left on device',
        "SQLSTATE[53100]: Disk full",
        "ERROR 1114 (HY000): The table 'bodies' is full",
        "sqlite3.OperationalError: database or disk is full",
    ],
    "a statement ran past the statement_timeout of the database": [
        "ERROR: canceling statement due to statement timeout",
    ],
    "the database is locked by somebody else": [
        "error returned from database: canceling statement due to lock timeout",
        "psycopg2.errors.DeadlockDetected: deadlock detected",
        "ERROR 1205 (HY000): Lock wait timeout exceeded; try restarting transaction",
        "sqlite3.OperationalError: database is locked",
        "ActiveRecord::ConcurrentMigrationError: Cannot run migrations because another migration process is currently "
        "running.",
        "ERROR: Unable to obtain table lock - another Flyway instance may be running",
        "could not acquire advisory lock",
    ],
    "the database is read-only": [
        "cannot execute ALTER TABLE in a read-only transaction",
        "attempt to write a readonly database",
        "The MySQL server is running with the --read-only option so it cannot execute this statement",
    ],
    "the database has no connection left": [
        "FATAL: sorry, too many clients already",
        "error: too many connections for role \"galos\"",
        "FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute",
    ],
    "the database refuses this user": [
        'FATAL: password authentication failed for user "galos"',
        'no pg_hba.conf entry for host "10.0.0.1", user "galos"',
        'error returned from database: permission denied for schema public',
        "must be owner of table bodies",
        "Access denied for user 'galos'@'%' (using password: YES)",
    ],
    "the database is away": [
        "error: error communicating with database: Connection refused (os error 111)",
        'psycopg2.OperationalError: connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused',
        'could not translate host name "db" to address: Name or service not known',
        "error: failed to lookup address information: Temporary failure in name resolution",
        "Error: dial tcp 10.0.0.1:5432: connect: no route to host",
        "server closed the connection unexpectedly",
        "FATAL: terminating connection due to administrator command",
        "FATAL: the database system is shutting down",
        "ERROR 2006 (HY000): MySQL server has gone away",
        "error: pool timed out while waiting for an open connection",
        "error: expected to read 5 bytes, got 0 bytes at EOF",
        "PDOException: SQLSTATE[08006]: connection failure",
    ],
    "": [
        'error returned from database: role "reporting" does not exist',
        "ERROR: value 08123 is out of range",
        'error returned from database: column "axial_tilt" of relation "bodies" does not exist',
        "ERROR: syntax error at or near \"ALTR\"",
        "django.db.utils.ProgrammingError: relation \"locks\" already exists",
        "duplicate key value violates unique constraint \"connections_closed_key\"",
        "",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("words", "output"), [(words, text) for words, texts in SAID.items() for text in texts])
def test_a_failure_is_told_as_what_it_is(words: str, output: str) -> None:
    found = cause(127 if words == "it never started" else 1, f"Applying 1\n{output}\n")
    assert found.words == words
    assert of_reason(f"exit 1: {found.words}" if words else "exit 1") == found


def test_an_exit_code_of_the_engine_tells_more_than_the_output() -> None:
    assert cause(137, "deadlock detected").words.startswith("it was killed")
    assert cause(97, "").words == "nobody saw its end"
    assert cause(1, "") is SQL


@pytest.mark.parametrize("row", [*CAUSES, SQL], ids=lambda row: row.words or "sql")
def test_every_cause_ends_in_a_command(row: object) -> None:
    assert isinstance(row, type(SQL))
    assert CommandLine("box").fill(row.fix).rpartition(": ")[2].startswith(("fab -H box ", "ssh box "))
