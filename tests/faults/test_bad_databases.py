"""A database that answers, but not as a migration needs it: full, read-only, no place left, another password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.aws import DATABASE
from sandbox.sandbox import Sandbox
from tests.faults.conftest import Case
from tests.integration.breaking import queried, undone
from tests.integration.conftest import container
from tests.integration.test_deploy import V1, V2, applied

SMALL = "/dev/shm/small"  # the one small file system that every container has
READ_ONLY = "default_transaction_read_only"
SILENT = (
    ("CONNECTION LIMIT 0", "CONNECTION LIMIT -1", "too many connections for role"),
    ("NOLOGIN", "LOGIN", "is not permitted to log in"),
    (f"SET {READ_ONLY} = on", f"RESET {READ_ONLY}", "in a read-only transaction"),
)


def test_a_database_that_cannot_be_asked_costs_no_downtime(case: Case) -> None:
    for broken, mended, words in SILENT:
        with queried(case.operator.sandbox, f"ALTER ROLE galos {broken}", f"ALTER ROLE galos {mended}"):
            told = case.operator.refused(5, "deploy")
        assert "cannot tell whether migrations are pending; nothing is started while that is unknown." in told
        assert words in told
        assert applied(case.operator) == V1
    # Without its database the service ends by itself, and the engine starts it again.
    assert case.operator.judge.of_service("create", "kill", "stop", "destroy") == []
    case.converges()


def test_a_wrong_password_costs_no_downtime_and_is_not_shown(case: Case) -> None:
    wrong = "wr0ng+Password"
    change = f"cp ~/.env /tmp/env && sed -i 's#://galos:[^@]*@#://galos:{wrong}@#' ~/.env"
    with undone(case.operator.host, change, "[ ! -e /tmp/env ] || mv /tmp/env ~/.env"):
        told = case.operator.refused(5, "deploy")
    assert "password authentication failed" in told
    assert wrong not in told
    case.operator.judge.no_downtime()
    case.converges()


@contextmanager
def full(sandbox: Sandbox) -> Iterator[None]:
    """Meanwhile, new tables and indexes of the database go where no byte is left."""
    db = sandbox.find("db").container
    try:
        db.docker.run("exec", "--user", "postgres", db.name, "mkdir", "-p", SMALL)
        sandbox.query(f"CREATE TABLESPACE small LOCATION '{SMALL}'", database="postgres")
        sandbox.query("GRANT CREATE ON TABLESPACE small TO galos", database="postgres")
        sandbox.query(f"ALTER DATABASE {DATABASE} SET default_tablespace = small", database="postgres")
        db.docker.attempt("exec", db.name, "sh", "-c", "cat /dev/zero >/dev/shm/zeros")
        yield
    finally:
        db.docker.run("exec", db.name, "rm", "-f", "/dev/shm/zeros")
        sandbox.query(f"ALTER DATABASE {DATABASE} RESET default_tablespace", database="postgres")
        sandbox.query("DROP TABLESPACE IF EXISTS small", database="postgres")


def test_a_full_database_fails_the_migration_in_its_own_words(case: Case) -> None:
    case.operator.sandbox.migration_seconds(0)
    case.operator.sandbox.publish("slow-migration")
    with full(case.operator.sandbox):
        told = case.operator.refused(6, "deploy")
        assert "No space left on device" in told
        assert "next: make room for the database, then: " in told
        assert "the service is stopped until it succeeds" in told
        assert container(case.operator.host) == ""
        assert applied(case.operator) == V2
        case.operator.refused(5, "up")
    case.judge()
    case.operator.done("deploy")
    assert container(case.operator.host).startswith("running ")
    assert len(applied(case.operator)) == len(V2) + 1
    case.judge()
