"""Why a migration failed, told by what its tool or database says: a table of data; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from galos_ops.host.shell import ExitCode

NEVER_STARTED = 125  # Docker's exit code for a container that it could not start
LATE = "not done in time"
KILLED = "it was killed, by hand or as the host had no memory left"


@dataclass(frozen=True)
class Cause:
    """What is wrong, in a few words, and what to type, a template of `CommandLine.fill`.

    It is told by a `pattern` in the output, or by one of `exits`, the exit codes of the migration.
    """

    words: str
    fix: str
    pattern: str = ""
    exits: tuple[int, ...] = ()

    def fits(self, exited: int, output: str) -> bool:
        """Whether this is why a migration ended so."""
        return exited in self.exits or bool(self.pattern and re.search(self.pattern, output, re.IGNORECASE))


SQL = Cause("", "publish an image with the migration corrected, then: {fab:deploy}")
"""What it is where nothing says otherwise: the migration itself."""

CAUSES = (
    Cause(
        "it never started",
        "correct what it says, on the host or in the image, then: {fab:deploy}",
        exits=(NEVER_STARTED, 126, 127),
    ),
    Cause(LATE, "look at the database, then: {fab:pending}"),
    Cause("nobody saw its end", "look at the database, then: {fab:pending}", exits=(ExitCode.GONE,)),
    Cause(
        KILLED,
        "see why: {ssh:journalctl -k -n 50}, then: {fab:deploy}",
        exits=(137, 143),
    ),
    Cause(
        "an earlier run left a migration half done",
        "put the database in order by hand, with the tool's own words for it, then: {fab:deploy}",
        # sqlx without a transaction, Flyway without one, golang-migrate
        r"is partially applied|(?:contains|detected) (?:a )?failed migration|dirty database",
    ),
    Cause(
        "a migration that was applied is another one in this image",
        "publish an image with the migration as it was applied, then: {fab:deploy}",
        r"previously applied but has been modified|checksum mismatch|can't locate revision"
        r"|InconsistentMigrationHistory",
    ),
    Cause(
        "the database is full",
        "make room for the database, then: {fab:deploy}",
        # PostgreSQL 53100; MySQL 1114, 1021; SQLite
        r"no space left on device|could not extend file|\b53100\b|disk (?:is )?full|table '[^']*' is full",
    ),
    Cause(
        "a statement ran past the statement_timeout of the database",
        "give its user a longer one, then: {fab:deploy}",
        r"statement timeout|\b57014\b",
    ),
    Cause(
        "the database is locked by somebody else",
        "see who holds it, then: {fab:deploy}",
        # PostgreSQL 55P03, 40P01; MySQL 1205, 1213; SQLite; the locks that tools take
        r"lock timeout|\b55P03\b|deadlock|\b40P01\b|lock wait timeout|database (?:table )?is locked"
        r"|could not (?:acquire|obtain) (?:\w+ )?lock|unable to (?:acquire|obtain) (?:\w+ ){0,4}lock"
        r"|ConcurrentMigrationError|another migration process is currently running",
    ),
    Cause(
        "the database is read-only",
        "name its primary in DATABASE_URL, or let it write again, then: {fab:deploy}",
        r"read-only transaction|\b25006\b|read-only mode|readonly database|--(?:super-)?read-only option",
    ),
    Cause(
        "the database has no connection left",
        "end what holds them, then: {fab:deploy}",
        r"too many (?:clients|connections)|\b53300\b|remaining connection slots",
    ),
    Cause(
        "the database refuses this user",
        "correct DATABASE_URL or the rights of its user, then: {fab:deploy}",
        # PostgreSQL 28P01, 28000, 42501; MySQL 1044, 1045, 1142
        r"password authentication failed|no pg_hba\.conf entry|FATAL:\s+role \"[^\"]*\" does not exist"
        r"|permission denied for"
        r"|must be owner of|\b(?:28P01|28000|42501)\b|access denied for user|command denied to user",
    ),
    Cause(
        "the database is away",
        "bring the database back, then: {fab:deploy}",
        # PostgreSQL 08xxx, 57P01 to 57P03; MySQL 2002, 2003, 2006, 2013; the operating system
        r"connection (?:to [^\n]* )?(?:refused|failed|reset|timed out)|could not (?:connect|translate host)"
        r"|can't connect to|name or service not known|failed to lookup address|name resolution|no such host"
        r"|no route to host|server closed the connection|terminating connection|connection (?:was )?(?:closed|lost)"
        r"|the database system is|server has gone away|lost connection to|timed out while waiting for an open"
        r"|unexpected end of file|0 bytes at EOF|broken pipe|\b57P0[123]\b|(?:SQLSTATE\W{0,3}|[(\[])08\d{3}\b",
    ),
)


def cause(exited: int, output: str) -> Cause:
    """Return why a migration failed: the first row that fits, else that of the migration itself."""
    return next((row for row in CAUSES if row.fits(exited, output)), SQL)


def of_reason(reason: str | None) -> Cause:
    """Return the cause that a reason was given for."""
    return next((row for row in CAUSES if row.words in (reason or "")), SQL)
