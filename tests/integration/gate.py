"""A gate inside the migration of `slow-migration`: it goes on when a test says so, not after some seconds."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.aws import DATABASE
from sandbox.sandbox import Sandbox
from tests.processes import HANG_SECONDS

HOLD = "SELECT 'held' FROM pg_advisory_lock(20260812100000);\n"  # what the migration asks for in its transaction
REACHED = """DO $$ BEGIN
    FOR look IN 1..{looks} LOOP
        IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted) THEN RETURN; END IF;
        PERFORM pg_sleep(0.05);
    END LOOP;
    RAISE 'no migration came to the gate';
END $$"""


@dataclass
class Gate:
    """A database session that holds the lock which the migration needs to go on."""

    sandbox: Sandbox
    session: subprocess.Popen[str]

    def reached(self, seconds: int = HANG_SECONDS) -> None:
        """Return once a migration waits inside its transaction; raises `CommandFailed`."""
        self.sandbox.query(REACHED.format(looks=seconds * 20))

    def open(self) -> None:
        """Let the migration go on, and every later one pass."""
        assert self.session.stdin
        self.session.stdin.close()
        self.session.wait(HANG_SECONDS)


@contextmanager
def gated(sandbox: Sandbox) -> Iterator[Gate]:
    """Publish `slow-migration` as latest and hold its migration until the gate is opened, at the latest at the end."""
    sandbox.migration_seconds(0)
    sandbox.publish("slow-migration")
    db = sandbox.find("db").container
    words = ["docker", "exec", "--interactive", db.name, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "--dbname", DATABASE]
    variables = {**os.environ, **({"DOCKER_HOST": db.docker.host} if db.docker.host else {})}
    with subprocess.Popen(
        words, env=variables, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as session:
        gate = Gate(sandbox, session)
        try:
            assert session.stdin
            assert session.stdout
            session.stdin.write(HOLD)
            session.stdin.flush()
            assert session.stdout.readline() == "held\n"
            yield gate
        finally:
            gate.open()
