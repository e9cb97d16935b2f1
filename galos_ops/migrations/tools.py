"""Migrations: the tools as a table of data, what their output means, and the two things done with them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from galos_ops.config.settings import Migration
from galos_ops.host.result import Result

State = Literal["clean", "pending", "unknown", "undetermined"]


@dataclass(frozen=True)
class Answer:
    """What a check said: clean, pending with the names that the tool gives, or unknown with the evidence.

    A dry run's answer is undetermined where the question can only be put later; the evidence says when.
    """

    state: State
    names: tuple[str, ...] = ()
    evidence: str = ""
    remembered: bool = False

    @property
    def summary(self) -> str:
        """The answer in a few words: `none`, or the count and the names."""
        if self.state == "pending":
            return f"{len(self.names)}: {', '.join(self.names)}" if self.names else "some"
        none = "none, as checked before" if self.remembered else "none"
        return {"clean": none, "undetermined": self.evidence}.get(self.state, "unknown")


CLEAN = Answer("clean")
REMEMBERED = Answer("clean", remembered=True)


def unknown(result: Result) -> Answer:
    """Unknown is never clean: the check broke, or printed what nobody can read."""
    return Answer("unknown", evidence=result.output.strip() or f"the check ended with exit {result.exited}, in silence")


def _names(pattern: str, text: str) -> tuple[str, ...]:
    found = re.finditer(pattern, text, re.MULTILINE)
    return tuple(re.sub(r"[\s_]+", " ", " ".join(match.groups())).strip() for match in found)


def read_sqlx(result: Result) -> Answer:
    """`sqlx migrate run --dry-run`: a line `Can apply 2026/migrate NAME (0ns)` for each pending one, else silence."""
    names = _names(r"^Can apply (\d+)/migrate (.*?)(?: \([^()]*\))?$", result.stdout)
    lines = [line for line in result.stdout.splitlines() if line.strip()]
    if not result.ok or len(lines) != len(names):
        return unknown(result)
    return Answer("pending", names) if names else CLEAN


def read_dbmate(result: Result) -> Answer:
    """`dbmate status --exit-code`: `[ ] FILE` for each pending one, `Pending: N`, exit 1 when N > 0."""
    counted = re.search(r"^Pending: (\d+)$", result.stdout, re.MULTILINE)
    if not counted or result.exited != (1 if int(counted[1]) else 0):
        return unknown(result)
    names = _names(r"^\[ \] (\S+?)(?:\.sql)?$", result.stdout)
    return Answer("pending", names) if result.exited else CLEAN


def read_alembic(result: Result) -> Answer:
    """`alembic current --check-heads`: exit 255 and `not on all head revisions` when something is pending.

    Alembic has that option since 1.17.1; without it every answer is unknown.
    """
    if result.ok:
        return CLEAN
    pending = result.exited == 255 and "not on all head revisions" in result.output
    return Answer("pending") if pending else unknown(result)


REVISION = re.compile(
    r"^(?P<parents>.+?) -> (?P<id>[^\s,]+)(?P<marks>(?: \([^)]*\))*), ?(?P<message>.*)$", re.MULTILINE
)


def names_of_alembic(history: str) -> tuple[str, ...]:
    """`alembic history --indicate-current`: `PARENTS -> ID (MARKS), MESSAGE`, newest first, with the mark `current`.

    Pending is what is neither current nor an ancestor of that.
    """
    rows = {row["id"]: row for row in REVISION.finditer(history)}
    applied, found = set[str](), [name for name, row in rows.items() if "(current)" in row["marks"]]
    while found:
        name = found.pop()
        applied.add(name)
        found += [parent for parent in rows[name]["parents"].split(", ") if parent in rows]
    return tuple(f"{name} {row['message']}" for name, row in reversed(rows.items()) if name not in applied)


def read_django(result: Result) -> Answer:
    """`manage.py migrate --check --plan`: `APP.NAME` for each pending one, its operations indented below, and exit 1.

    A database that is down is exit 1 too, without a plan.
    """
    plan = result.stdout.partition("Planned operations:\n")[2]
    names = _names(r"^(\w+)\.(\S+)$", plan)
    if result.ok and plan.strip() == "No planned migration operations.":
        return CLEAN
    return Answer("pending", names) if result.exited == 1 and names else unknown(result)


FLYWAY_DONE = {
    *("Success", "Out of Order", "Baseline", "Below Baseline", "Ignored (Baseline)", "Superseded", "Undone"),
    "Deleted",  # by `flyway repair`, as its file is gone
    "Available",  # an undo script
}
FLYWAY_DUE = {"Pending", "Outdated"}
"""What the next run applies; a repeatable migration that changed has a row of each state."""


def read_flyway(result: Result) -> Answer:
    """`flyway info -outputType=json`: the state of each migration; one that failed is as bad as one unknown."""
    try:
        rows = [
            (row["state"], f"{row['version'] or ''} {row['description']}")
            for row in json.loads(result.stdout)["migrations"]
        ]
    except (ValueError, KeyError, TypeError):
        return unknown(result)
    if not result.ok or any(state not in FLYWAY_DONE | FLYWAY_DUE for state, _ in rows):
        return unknown(result)
    names = tuple(dict.fromkeys(name.strip() for state, name in rows if state in FLYWAY_DUE))
    return Answer("pending", names) if names else CLEAN


def read_rails(result: Result) -> Answer:
    """`rails db:abort_if_pending_migrations`: exit 1 and `pending migration`, then an indented line for each."""
    if result.ok:
        return CLEAN
    if result.exited != 1 or "pending migration" not in result.output:
        return unknown(result)
    return Answer("pending", _names(r"^\s+(\d{8,})\s+(.+)$", result.output))


def read_exit(result: Result) -> Answer:
    """A command of one's own: exit 0 clean, 1 pending, with its lines as the names, anything else unknown."""
    if result.ok:
        return CLEAN
    return Answer("pending", tuple(result.stdout.split("\n")[:-1])) if result.exited == 1 else unknown(result)


@dataclass(frozen=True)
class Tool:
    """A migration tool: how it checks and runs, where its options go, and how the answer of the check is read.

    Where that names nothing, `list` is a second command, and `names` reads what is pending from its output.
    """

    check: str
    run: str
    read: Callable[[Result], Answer]
    list: str = ""
    names: Callable[[str], tuple[str, ...]] = lambda _: ()


TOOLS: dict[str, Tool] = {
    "sqlx": Tool("sqlx migrate run --dry-run {arguments}", "sqlx migrate run {arguments}", read_sqlx),
    "dbmate": Tool(
        "dbmate {arguments} status --exit-code",
        "dbmate --migration-lock --no-dump-schema {arguments} migrate --strict",
        read_dbmate,
    ),
    "alembic": Tool(
        "alembic {arguments} current --check-heads",
        "alembic {arguments} upgrade head",
        read_alembic,
        "alembic {arguments} history --indicate-current",
        names_of_alembic,
    ),
    "django": Tool(
        "python manage.py migrate --check --plan {arguments}",
        "python manage.py migrate --noinput {arguments}",
        read_django,
    ),
    "flyway": Tool("flyway {arguments} info -outputType=json", "flyway {arguments} migrate", read_flyway),
    "rails": Tool("rails db:abort_if_pending_migrations {arguments}", "rails db:migrate {arguments}", read_rails),
}


def argv(migration: Migration, verb: Literal["check", "run", "list"]) -> list[str]:
    """The words of a check, a run or a list: the tool's own, or a shell around a command of one's own.

    There are none for the list of a tool whose check names what is pending.
    """
    if migration.tool == "command":
        own = {"check": migration.check, "run": migration.run}
        return ["sh", "-c", own[verb] or ""] if verb in own else []
    tool = TOOLS[migration.tool]
    template = {"check": tool.check, "run": tool.run, "list": tool.list}[verb]
    return shlex.split(template.format(arguments=migration.arguments)) if template else []


def read(migration: Migration, result: Result) -> Answer:
    """What the result of a check means."""
    return read_exit(result) if migration.tool == "command" else TOOLS[migration.tool].read(result)


def named(migration: Migration, answer: Answer, listed: Result) -> Answer:
    """A pending answer with the names that a list gives; it stays as it is where the list failed."""
    return replace(answer, names=TOOLS[migration.tool].names(listed.stdout)) if listed.ok else answer
