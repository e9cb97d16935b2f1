"""The judge of a test: what a host's engine and the database recorded, held against the rules."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone

from sandbox import aws
from sandbox.catalogue import RELEASES, REPOSITORY
from sandbox.host import Host
from sandbox.sandbox import Sandbox
from tests.judge.observe import GapError, Observation, ask_database, barrier, observe
from tests.judge.record import Record, completed, gaps, read
from tests.judge.rules import SENTINEL, Evidence, State, changes, violations
from tests.judge.sessions import sessions

CARRIED = {
    version: frozenset(name.partition("_")[0] for name in release.migrations) for version, release in RELEASES.items()
}
PATIENCE = 20  # seconds

created: list[Judge] = []
"""The judges of the operators that were made since the running test began."""


@dataclass(eq=False)
class Judge:
    """Judges what happens on a host and in the database from `begin` to `verdict`.

    `databases` names the database of each service, `others` the services that somebody else looks after; `keep` is
    how many releases the host may keep, `tags` which of the repository it may have, `patience` how many seconds an
    event may take to the record.
    """

    sandbox: Sandbox
    host: Host
    databases: dict[str, str] = field(default_factory=lambda: {REPOSITORY: aws.DATABASE})
    keep: int = 5
    tags: set[str] = field(default_factory=lambda: {"latest"})
    others: set[str] = field(default_factory=set)
    patience: int = PATIENCE
    _began: Observation | None = field(default=None, repr=False)
    _typed: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        created.append(self)

    @property
    def begun(self) -> bool:
        return self._began is not None

    def begin(self) -> None:
        """Judge what happens from now on."""
        self._began, self._typed = observe(self.host, _sentinel(), self.patience), []

    def mark(self) -> str:
        """Return a moment of the record, for `since`."""
        sentinel = _sentinel()
        barrier(self.host, sentinel, self.patience)
        return sentinel

    @contextmanager
    def by_hand(self, reason: str) -> Iterator[None]:
        """Do not judge the library by what a person does on the host meanwhile; `reason` says what that is."""
        assert reason
        first = self.mark()
        try:
            yield
        finally:
            self._typed.append((first, self.mark()))

    def record(self, since: str | None = None) -> Record:
        """What the engine did since the judge began, or since a mark; raises GapError where some of it is missing."""
        return self._look(since)[0]

    def actions(self, *actions: str, since: str | None = None) -> list[tuple[str, str]]:
        """`(action, container)` of what happened to containers, by default to their lives, oldest first."""
        wanted = actions or ("create", "start", "die", "destroy")
        return [(each.action, each.name) for each in self.record(since).of("container", *wanted)]

    def of_service(self, *actions: str, since: str | None = None, service: str = REPOSITORY) -> list[str]:
        """What happened to containers of a service, one-off containers left out."""
        record, wanted = self.record(since), actions or ("create", "start", "die", "destroy")
        return [
            each.action for each in record.about("service", *wanted) if record.containers[each.id].service == service
        ]

    def migrations(self, since: str | None = None) -> list[tuple[str, int | None]]:
        """The release and the exit code of each container that migrated since the judge began, or since a mark."""
        runs = self.record(since).runs
        return [(each.container.release, each.code) for each in runs if each.container.kind == "migration"]

    def no_downtime(self, since: str | None = None, service: str | None = None) -> None:
        """Assert that nothing was done to a container of a service, or of this one, since the beginning or a mark."""
        record, now = self._look(since)
        if since is None:
            before = _serving(self._since_begin.state, service)
            assert before == _serving(now, service), "other containers run than when it began"
        events = [each for each in changes(record) if service in (None, record.containers[each.id].service)]
        found = [f"{each.action} of {each.name}" for each in events]
        assert not found, f"downtime where none is promised: {', '.join(found)}"

    def untouched(self, since: str | None = None) -> None:
        """Assert that no container at all was made, started, stopped or removed since the beginning or a mark."""
        record = self.record(since)
        lives = record.of("container", "create", "start", "die", "destroy")
        found = [f"{each.action} of {each.name}" for each in [*changes(record), *lives]]
        assert not found, f"the containers were touched: {', '.join(found)}"

    def obeyed(self) -> None:
        """Assert that no rule about what ran was broken since the judge began; what is left is judged at the end."""
        broken = {rule: told for rule, told in self.verdict().items() if rule != "left"}
        assert not broken, broken

    def evidence(self) -> Evidence:
        """All that is known of what happened since the judge began."""
        record, after = self._look()
        when = datetime.fromtimestamp(float(self._since_begin.time), timezone.utc)
        since = f"{when:%Y-%m-%d %H:%M:%S}"
        begun, applied, log = ask_database(self.sandbox, _sentinel(), since, {*self.databases.values()})
        by_hand = tuple((_time(record, first), _time(record, last)) for first, last in self._typed)
        before = self._since_begin.state
        tags, others = frozenset(self.tags), frozenset(self.others)
        return Evidence(
            record,
            CARRIED,
            self.databases,
            begun,
            applied,
            sessions(log),
            before,
            after,
            by_hand,
            self.keep,
            tags,
            others,
        )

    def verdict(self) -> dict[str, list[str]]:
        """Return what was broken, sentences by rule; raises GapError where the record is not whole."""
        return violations(self.evidence())

    @property
    def _since_begin(self) -> Observation:
        assert self._began, "the judge has not begun"
        return self._began

    def _look(self, since: str | None = None) -> tuple[Record, State]:
        """The record since the judge began, or since a mark, and what the host holds now."""
        began = self._since_begin
        seen = observe(self.host, _sentinel(), self.patience, began.offset, began.time)
        lines = completed(seen.lines, seen.missing)
        found = gaps(lines)
        if found:
            raise GapError("\n".join(found))
        record = Record(read(lines, int(began.time.replace(".", ""))), began.state.containers)
        return record if since is None else record.since(_at(record, since) + 1), seen.state


def _sentinel() -> str:
    return f"{SENTINEL}{secrets.token_hex(8)}"


def _at(record: Record, sentinel: str) -> int:
    """Where in the record a sentinel ends."""
    return max(at for at, each in enumerate(record.events) if each.kind == "volume" and each.id == sentinel)


def _time(record: Record, sentinel: str) -> int:
    return record.events[_at(record, sentinel)].time


def _serving(now: State, service: str | None) -> set[tuple[str, str, bool]]:
    """The containers of services, or of one, each with the time it was started."""
    found = [each for each in now.containers if each.kind == "service" and service in (None, each.service)]
    return {(each.id, each.started, each.running) for each in found}
