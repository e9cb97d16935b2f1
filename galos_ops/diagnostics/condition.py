"""A row of the doctor's table, and what becomes of it on a host; pure, the mending aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from galos_ops.config.settings import Settings
from galos_ops.diagnostics.examined import Examined
from galos_ops.diagnostics.needs import Need
from galos_ops.host.host import Change, Host
from galos_ops.redaction import masked

State = Literal["fine", "warning", "fault", "unknown"]
WORST: tuple[State, ...] = ("fault", "warning", "unknown", "fine")
LONGEST = 200


@dataclass(frozen=True)
class Mend:
    """A change that is safe to make without asking, and to repeat; it is reported under `name`."""

    name: str
    make: Callable[[Host, Settings], Change]


@dataclass(frozen=True)
class Check:
    """One known misconfiguration.

    `find` gives what was found, in a few words without a value of .env or a key, or None; it is asked only when none of
    the `needs` has a reason against it, and with `each` for each service in turn. `fix` is what to type, a template of
    `CommandLine.fill` with `{env}`, quoted for the host's shell, and `{registry}`.
    """

    id: str
    looks_for: str
    why: str
    fix: str
    find: Callable[[Examined], str | None]
    severity: Literal["fault", "warning"] = "fault"
    needs: tuple[Need, ...] = ()
    each: bool = False
    mend: Mend | None = None


@dataclass(frozen=True)
class Verdict:
    """What a check says of a host: the `finding`, or the reason why nothing is known."""

    check: Check
    state: State
    finding: str = ""

    @property
    def bad(self) -> bool:
        return self.state in ("fault", "warning")


def judge(check: Check, seen: Examined, services: Iterable[str]) -> Verdict:
    """Ask one check, of each service where it is about services; the worst answer counts."""
    if not check.each:
        return _one(check, seen)
    names = list(services)
    verdicts = {name: _one(check, replace(seen, service=name)) for name in names}
    state = min((verdict.state for verdict in verdicts.values()), key=WORST.index)
    found = {name: verdict.finding for name, verdict in verdicts.items() if verdict.state == state and verdict.finding}
    said = [finding if len(names) == 1 else f"{name}: {finding}" for name, finding in found.items()]
    return Verdict(check, state, "; ".join(said))


def _one(check: Check, seen: Examined) -> Verdict:
    reason = next((reason for need in check.needs if (reason := need(seen))), "")
    if reason:
        return Verdict(check, "unknown", reason)
    finding = check.find(seen)
    if finding is None:
        return Verdict(check, "fine")
    return Verdict(check, check.severity, masked(finding)[:LONGEST])


def summary(verdicts: Iterable[Verdict]) -> str:
    """`31 checks: 2 faults, 1 warning, 3 not examined`."""
    states = [verdict.state for verdict in verdicts]
    counts = {
        "fault": ("fault", "faults"),
        "warning": ("warning", "warnings"),
        "unknown": ("not examined", "not examined"),
    }
    told = [
        f"{states.count(state)} {words[states.count(state) > 1]}" for state, words in counts.items() if state in states
    ]
    return f"{len(states)} checks: {', '.join(told) or 'nothing found'}"
