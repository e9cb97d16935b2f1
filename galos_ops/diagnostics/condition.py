"""A row of the table of conditions, and what becomes of it on a host; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from galos_ops.config.command_line import CommandLine
from galos_ops.config.settings import Settings
from galos_ops.engines.snapshot.snapshot import Container, Snapshot
from galos_ops.errors import NotReadyError, OpsError
from galos_ops.host.release_log import LOG, Release
from galos_ops.host.shell import shell_path
from galos_ops.migrations.tools import Answer
from galos_ops.redaction import masked

State = Literal["fine", "warning", "fault", "unknown"]
WORST: tuple[State, ...] = ("fault", "warning", "unknown", "fine")
LONGEST = 200


@dataclass(frozen=True)
class Refusal:
    """How the registry kept the host out."""

    sentence: str
    evidence: str = field(default="", repr=False)


@dataclass(frozen=True)
class Subject:
    """What conditions are judged of: a snapshot of a host, and one `service` of the configuration there.

    `refusal` is None where the registry lets the host in; `answer` is that of the migration check, `not_asked` why
    there is none; `release` is the service's newest, `failed` its last migration where that failed and nothing started
    since.
    """

    settings: Settings
    service: str
    snapshot: Snapshot = field(default_factory=Snapshot)
    typed: CommandLine = field(default_factory=CommandLine)
    refusal: Refusal | None = None
    answer: Answer | None = None
    not_asked: str = ""
    release: Release | None = None
    failed: Release | None = None

    @property
    def unknown(self) -> str | None:
        """Why it is unknown whether migrations are pending, None where it is known."""
        if self.answer is None:
            return self.not_asked
        return (self.answer.evidence.strip() or "in silence") if self.answer.state == "unknown" else None

    @property
    def env(self) -> str:
        """The service's .env on the host."""
        return f"{self.settings.directory.rstrip('/')}/.env"

    @property
    def log(self) -> str:
        """The log of the releases on the host."""
        return f"{self.settings.directory.rstrip('/')}/{LOG}"

    @property
    def image(self) -> str:
        """The reference that the service is configured to start."""
        return self.settings.image(self.settings.services[self.service])

    @property
    def container(self) -> Container | None:
        """That of the service; of several the one that is worst off."""
        return self.snapshot.container(self.service)

    @property
    def images(self) -> set[str]:
        """The images of the service's containers that run; without one, of the one that does not."""
        alive = [one.image for one in self.snapshot.current(self.service) if one.alive]
        return {*(alive or ([self.container.image] if self.container else []))}

    def text(self, path: str) -> str | None:
        """The text of a file on the host, None where there is none or it cannot be read."""
        found = self.snapshot.texts.get(path)
        return found.value if found is not None else None

    def fill(self, words: str) -> str:
        """Words of a condition for this host."""
        directory, registry = self.settings.directory, self.settings.ecr.registry
        names = {"service": self.service, "directory": directory, "registry": registry, "env": shell_path(self.env)}
        return self.typed.fill(words, **names)


Find = Callable[[Subject], str | None]


@dataclass(frozen=True)
class Condition:
    """Something that must be so on a host, and what it means where it is not.

    `find` gives what was found against it, in a few words without a value of .env or a key, or None; it is asked once
    the conditions `after` which it comes hold, with `each` for each service in turn. `sentence` says the same where the
    details do not matter: to a task that requires it, with the `evidence`, and of what comes after it; without one the
    finding does. `fix` is what to type, a template of `Subject.fill`; `repair` names the change that `doctor --fix`
    makes. `line` is that of `status` which shows it, as ✗ with an `error`, else as !. Only those with a `why`
    are the doctor's.
    """

    id: str
    why: str
    fix: str | Callable[[Subject], str]
    find: Find
    severity: Literal["fault", "warning"] = "fault"
    after: tuple[str, ...] = ()
    each: bool = False
    repair: str = ""
    sentence: str = ""
    evidence: Callable[[Subject], str] = lambda _: ""
    line: str = ""
    error: type[OpsError] | None = None

    def next(self, subject: Subject) -> str:
        """What to type on the host of a subject."""
        return subject.fill(self.fix if isinstance(self.fix, str) else self.fix(subject))

    def said(self, subject: Subject) -> str:
        """What is so where it does not hold, empty where it does."""
        finding = self.find(subject)
        return "" if finding is None else subject.fill(self.sentence) if self.sentence else finding


def unless(wanted: Callable[[Subject], object], words: str) -> Find:
    """A `find` that says the same words wherever something that is wanted of a host is not so."""
    return lambda subject: None if wanted(subject) else subject.fill(words)


def when(so: Callable[[Subject], object], words: str) -> Find:
    """A `find` that says the same words wherever something is so."""
    return lambda subject: subject.fill(words) if so(subject) else None


def those(names: Callable[[Subject], Iterable[str]], words: str = "{}") -> Find:
    """A `find` of things by their names, which come in the place of `{}`."""
    return lambda subject: words.format(found) if (found := ", ".join(names(subject))) else None


def exposed(subject: Subject, path: str) -> str | None:
    """What group and others may do with a file."""
    mode = subject.snapshot.modes.get(path, 0)
    return f"{path} is {mode:04o}" if mode & 0o077 else None


def malformed(subject: Subject, path: str, parse: Callable[[str | None], object]) -> str | None:
    """Why nothing can be merged into a file of Docker's or AWS's, in a few words."""
    if path in subject.snapshot.unreadable:
        return f"{path}: {subject.snapshot.unreadable[path]}"
    try:
        parse(subject.text(path))
    except NotReadyError as error:
        return f"{path}: {error.evidence}"
    return None


warning = partial(Condition, severity="warning")


def step(name: str, find: Find, *after: str, fix: str | Callable[[Subject], str] = "", **more: Any) -> Condition:
    """A condition that others come after, or that only `status` shows."""
    return Condition(name, "", fix, find, after=after, **more)


@dataclass(frozen=True)
class Verdict:
    """What became of a condition on a host: the `finding`, or the reason why nothing is known."""

    condition: Condition
    state: State
    finding: str = ""

    @property
    def bad(self) -> bool:
        return self.state in ("fault", "warning")


class Table(dict[str, Condition]):
    """Conditions by ID, in the order in which a person would repair what they find."""

    def __init__(self, *rows: Condition) -> None:
        super().__init__((row.id, row) for row in rows)

    def on(self, line: str) -> list[Condition]:
        """Those that a line of `status` shows, what fails before what is worth a look."""
        return sorted((row for row in self.values() if row.line == line), key=lambda row: row.error is None)

    def blocked(self, condition: Condition, subject: Subject) -> str:
        """Why a condition cannot be judged: the first of those before it that does not hold; empty where all do."""
        before = map(self.__getitem__, condition.after)
        return next(filter(None, (self.blocked(row, subject) or row.said(subject) for row in before)), "")

    def judge(self, condition: Condition, subjects: Mapping[str, Subject]) -> Verdict:
        """Judge a condition, of each service where it is about services; the worst answer counts."""
        if not condition.each:
            return self.one(condition, next(iter(subjects.values())))
        verdicts = {name: self.one(condition, subject) for name, subject in subjects.items()}
        state = min((one.state for one in verdicts.values()), key=WORST.index)
        found = {name: one.finding for name, one in verdicts.items() if one.state == state and one.finding}
        said = [finding if len(subjects) == 1 else f"{name}: {finding}" for name, finding in found.items()]
        return Verdict(condition, state, "; ".join(said))

    def one(self, condition: Condition, subject: Subject) -> Verdict:
        """Judge a condition of one service."""
        if reason := self.blocked(condition, subject):
            return Verdict(condition, "unknown", reason)
        finding = condition.find(subject)
        if finding is None:
            return Verdict(condition, "fine")
        return Verdict(condition, condition.severity, masked(finding)[:LONGEST])


def summary(verdicts: Iterable[Verdict]) -> str:
    """`31 checks: 2 faults, 1 warning, 3 not examined`."""
    states = [verdict.state for verdict in verdicts]
    words = {"fault": "fault{s}", "warning": "warning{s}", "unknown": "not examined"}
    counts = ((states.count(state), word) for state, word in words.items() if state in states)
    found = [f"{count} {word.format(s='s' * (count > 1))}" for count, word in counts]
    return f"{len(states)} checks: {', '.join(found) or 'nothing found'}"
