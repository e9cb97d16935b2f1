"""A visit of the doctor: examine, repair what is safe to repair, examine again, report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from galos_ops.diagnostics.condition import Subject, Verdict, summary
from galos_ops.diagnostics.conditions.table import TABLE
from galos_ops.diagnostics.fixes import MENDS
from galos_ops.diagnostics.questions import database, registry
from galos_ops.engines.snapshot.probe import DOCTOR
from galos_ops.errors import NotReadyError, OpsError
from galos_ops.progress import BLANK, FAILED, WARN
from galos_ops.provisioning.ecr import CONFIG, CREDENTIALS, DOCKER_CONFIG
from galos_ops.workflows.ops import Ops

MARKS = {"fault": FAILED, "warning": WARN}


def visit(ops: Ops, service: str | None, *, fix: bool) -> None:
    """Report what is wrong with a host, after repairing what is safe to repair; raises `NotReadyError` for a fault."""
    before = after = look(ops, service)
    try:
        if fix and repair(ops, before, service):
            after = look(ops, service)
    finally:
        ops.document["checks"] = [row(ops, *pair) for pair in zip(before, after, strict=True)]
        show(ops, after)
    conclude(ops, after, fixable=not fix)


def look(ops: Ops, service: str | None) -> list[Verdict]:
    """What becomes of each condition on the host as it is now; asks the registry and the database once each."""
    services = ops.settings.chosen(service)
    ops.report.title(ops.host.name, "doctor")
    with ops.report.step("look"):
        subjects = {name: Subject(ops.settings, name, typed=ops.host.typed) for name in services}
        first = next(iter(subjects.values()))
        snapshot = ops.snapshot(DOCTOR, (CREDENTIALS, CONFIG, DOCKER_CONFIG, first.env, first.log))
        subjects = registry(ops.host, {name: replace(one, snapshot=snapshot) for name, one in subjects.items()})
        subjects = {name: database(ops.host, one) for name, one in subjects.items()}
    return [TABLE.judge(row, subjects) for row in TABLE.values() if row.why]


def repair(ops: Ops, verdicts: Iterable[Verdict], service: str | None) -> bool:
    """Make the safe changes for what was found, each once, going on past one that fails; false without any to make.

    Raises `LockedError` when another task holds the host.
    """
    repairs = list(dict.fromkeys(one.condition.repair for one in verdicts if one.bad and one.condition.repair))
    if not repairs:
        ops.report.say("nothing to fix by itself")
        return False
    ops.report.width = max(map(len, repairs))
    with ops.locked("doctor", service), ops.noted("doctor") as done:
        for name in repairs:
            try:
                make = partial(MENDS[name], ops.host, ops.settings, ops.report.say)
                done += [name] if ops.change(name, make) else []
            except OpsError as error:
                ops.report.marked(BLANK, error.sentence)
    return True


def show(ops: Ops, verdicts: list[Verdict]) -> None:
    """The findings, each with why and how to fix it, then what could not be known."""
    unknown: dict[str, list[str]] = {}
    for one in verdicts:
        if one.bad:
            ops.report.marked(MARKS[one.state], f"{one.condition.id}: {one.finding}")
            ops.report.marked(BLANK, one.condition.why)
            ops.report.marked(BLANK, f"fix: {fix_of(ops, one)}")
        elif one.state == "unknown":
            unknown.setdefault(one.finding, []).append(one.condition.id)
    for reason, ids in unknown.items():
        ops.report.marked(BLANK, f"not known, {reason}: {', '.join(ids)}")
    ops.report.say(summary(verdicts))


def fix_of(ops: Ops, verdict: Verdict) -> str:
    """What to type, for this host."""
    return verdict.condition.next(Subject(ops.settings, "", typed=ops.host.typed))


def row(ops: Ops, before: Verdict, after: Verdict) -> dict[str, object]:
    """A check in the JSON document; one that was fixed keeps what had been found."""
    fixed = before.bad and not after.bad and after.state == "fine"
    return {
        "id": after.condition.id,
        "state": after.state,
        "finding": before.finding if fixed else after.finding,
        "why": after.condition.why,
        "fix": fix_of(ops, after),
        "fixed": fixed,
    }


def conclude(ops: Ops, verdicts: Iterable[Verdict], *, fixable: bool) -> None:
    """Raise `NotReadyError` when there is a fault; `fixable` where `--fix` was not tried yet."""
    faults = [one for one in verdicts if one.state == "fault"]
    if not faults:
        return
    repairable = fixable and any(one.condition.repair for one in faults)
    count = f"{len(faults)} fault{'s' * (len(faults) != 1)}"
    raise NotReadyError(
        f"{ops.host.name}: {count} found: {', '.join(one.condition.id for one in faults)}.",
        hint=ops.host.typed.fab("doctor", fix=True) if repairable else fix_of(ops, faults[0]),
    )
