"""Each rule of the judge, on a record that breaks it and on one that does not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.judge.record import (
    KEPT,
    ONE_OFF,
    RELEASE,
    SERVICE,
    STACK,
    TASK,
    Container,
    Event,
    Record,
    completed,
    gaps,
    read,
)
from tests.judge.rules import Evidence, State, changes, violations
from tests.judge.sessions import Session, sessions

V1, V2 = frozenset({"1"}), frozenset({"1", "2"})
MS = 1_000_000
NAMES = {"old": "app-1", "new": "app-1", "check": "app-check", "again": "app-check", "migration": "app-migration"}
RELEASES = {"old": "v1", "new": "v2", "check": "v2", "again": "v2", "migration": "v2"}


def event(time: int, id: str, action: str, **attributes: str) -> Event:
    """An event of a container of a deploy, at a time in milliseconds."""
    one_off = str(id not in ("old", "new"))
    labels = {"name": NAMES[id], SERVICE: "app", ONE_OFF: one_off, RELEASE: RELEASES[id]}
    return Event("container", action, id, {**labels, **attributes}, time * MS)


OLD = Container("old", "app-1", "app", False, "v1", running=True)
DEPLOY = (
    event(10, "check", "create"),
    event(11, "check", "start"),
    event(12, "check", "die", exitCode="0"),
    event(13, "check", "destroy"),
    event(20, "old", "kill"),
    event(21, "old", "die", exitCode="0"),
    event(22, "old", "destroy"),
    event(30, "migration", "create"),
    event(31, "migration", "start"),
    event(40, "migration", "die", exitCode="0"),
    event(41, "migration", "destroy"),
    event(50, "again", "create"),
    event(51, "again", "start"),
    event(52, "again", "die", exitCode="0"),
    event(53, "again", "destroy"),
    event(60, "new", "create"),
    event(61, "new", "start"),
)
CLEAN = Evidence(
    record=Record(DEPLOY, (OLD,)),
    carried={"v1": V1, "v2": V2},
    databases={"app": "galaxy"},
    begun={"galaxy": {"1": 0, "2": 34 * MS}},
    applied={"galaxy": {"1": 0, "2": 35 * MS}},
    sessions=(
        Session("galaxy", "app", "galos-sync", "10.0.0.1", 1 * MS, 20 * MS),
        Session("galaxy", "app", "", "10.0.0.1", 32 * MS, 39 * MS),
        Session("galaxy", "app", "galos-sync", "10.0.0.1", 62 * MS, None),
    ),
    before=State((OLD,), {"app:latest": "v1"}),
    after=State((), {"app:latest": "v2", "galos-ops/app:v2": "v2"}),
)


def without(*gone: tuple[str, str], events: tuple[Event, ...] = DEPLOY) -> Record:
    return Record(tuple(each for each in events if (each.id, each.action) not in gone), (OLD,))


def moved(id: str, action: str, time: int) -> Record:
    """The deploy with one event at another time."""
    events = [replace(each, time=time * MS) if (each.id, each.action) == (id, action) else each for each in DEPLOY]
    return Record(tuple(sorted(events, key=lambda each: each.time)), (OLD,))


def changed(id: str, action: str = "", **attributes: str) -> Record:
    """The deploy with other attributes of a container's events."""
    return Record(
        tuple(
            replace(each, attributes={**each.attributes, **attributes})
            if each.id == id and action in ("", each.action)
            else each
            for each in DEPLOY
        ),
        (OLD,),
    )


BOTH = {"guard", "checked"}
ENDED = (event(47, "old", "die"), event(48, "old", "destroy"))
REVIVED = (event(45, "old", "create"), event(46, "old", "start"))
V3 = {RELEASE: "v3"}


def volume(action: str, id: str = "abc", kind: str = "volume", **attributes: str) -> Event:
    return Event(kind, action, id, attributes, 45 * MS)


def added(*events: Event) -> Record:
    return Record(tuple(sorted([*DEPLOY, *events], key=lambda each: each.time)), (OLD,))


def test_a_deploy_as_the_runbook_has_it_breaks_no_rule() -> None:
    assert violations(CLEAN) == {}


@pytest.mark.parametrize(
    ("evidence", "rules", "sentence"),
    [
        (replace(CLEAN, applied={"galaxy": {"1": 0, "2": 62 * MS}}), BOTH, "started with ['2'] pending"),
        (replace(CLEAN, applied={"galaxy": {"1": 0}}), BOTH, "started with ['2'] pending"),
        (replace(CLEAN, applied={}), BOTH, "started with ['1', '2'] pending"),
        (replace(CLEAN, carried={"v1": V1, "v2": V1}), BOTH, "['2'] unknown to its image"),
        (replace(CLEAN, carried={"v1": V1}), BOTH, "knows not what its image carries"),
        (replace(CLEAN, databases={}), {"guard"}, "or not its database"),
        (replace(CLEAN, record=added(*REVIVED)), BOTH, "v1"),
        (replace(CLEAN, record=moved("old", "destroy", 33)), {"stopped"}, "app-1 (v1) existed while app-migration"),
        (replace(CLEAN, record=without(("old", "destroy"))), {"stopped"}, "app-1 (v1) existed while app-migration"),
        (replace(CLEAN, record=moved("old", "die", 33)), {"stopped"}, "app-1 (v1) ran while app-migration (v2) did"),
        (replace(CLEAN, record=without(("migration", "die"))), {"stopped", "sessions"}, "app-1 (v2) ran while"),
        (
            replace(CLEAN, sessions=(Session("galaxy", "app", "galos-sync", "10.0.0.9", 33 * MS, 36 * MS),)),
            {"sessions"},
            "galos-sync of 10.0.0.9 was connected to galaxy during app-migration (v2)",
        ),
        (
            replace(CLEAN, sessions=(Session("galaxy", "app", "galos-sync", "10.0.0.1", 1 * MS, None),)),
            {"sessions"},
            "galos-sync of 10.0.0.1 was connected",
        ),
        (replace(CLEAN, record=without(("again", "start"))), {"checked"}, "no check of its image was clean since"),
        (replace(CLEAN, record=changed("again", "die", exitCode="1")), {"checked"}, "no check of its image was clean"),
        (replace(CLEAN, record=changed("again", **V3)), {"checked"}, "no check of its image was clean since the last"),
        (replace(CLEAN, record=changed("migration", **V3)), {"checked"}, "app-1 (v2) started after app-migration (v3)"),
        (replace(CLEAN, record=without(("migration", "destroy"))), {"left"}, "the container app-migration is left"),
        (replace(CLEAN, record=added(volume("create"))), {"left"}, "the volume abc is left"),
        (
            replace(CLEAN, record=added(volume("create", kind="network", name="ours"))),
            {"left"},
            "the network ours is left",
        ),
        (replace(CLEAN, after=State(tags={"app:v2": "v2"})), {"left"}, "the tag app:v2 is left"),
        (replace(CLEAN, after=State(files=frozenset({"/.galos-ops.1"}))), {"left"}, "the file /.galos-ops.1 is left"),
        (replace(CLEAN, keep=0), {"left"}, "1 releases are kept, not 0"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_said(evidence: Evidence, rules: set[str], sentence: str) -> None:
    found = violations(evidence)
    assert found.keys() == rules
    assert any(sentence in each for told in found.values() for each in told), found


STARTED = (event(70, "new", "kill"), event(71, "new", "die", exitCode="0"), event(72, "new", "start"))


@pytest.mark.parametrize(
    "evidence",
    [
        replace(CLEAN, record=added(volume("create"), volume("destroy"))),
        replace(CLEAN, record=added(volume("create", kind="network", name="root_default"))),
        replace(CLEAN, record=added(volume("create", kind="network", name="bridge"))),
        replace(CLEAN, record=added(*REVIVED, *ENDED), by_hand=((45 * MS, 46 * MS),)),
        replace(CLEAN, record=added(*STARTED)),
        replace(CLEAN, sessions=(Session("map", "app", "galos-sync", "10.0.0.1", 33 * MS, 36 * MS),)),
        replace(CLEAN, sessions=(Session("galaxy", "postgres", "psql", "[local]", 33 * MS, 36 * MS),)),
        replace(CLEAN, before=State((OLD,), {"app:v2": "v2"}), after=State(tags={"app:v2": "v2"})),
    ],
)  # fmt: skip
def test_what_is_allowed_is_not_called_a_violation(evidence: Evidence) -> None:
    assert violations(evidence) == {}


def test_a_remembered_answer_is_as_good_as_a_check_until_a_migration() -> None:
    again = (event(5, "old", "kill"), event(6, "old", "die"), event(7, "old", "start"))
    known = replace(CLEAN, before=State((OLD,), remembered=frozenset({"app"})))
    started = Record(again, (OLD,))
    assert violations(replace(known, record=started)) == {}
    assert violations(replace(CLEAN, record=started)).keys() == {"checked"}
    migrated = Record((event(1, "migration", "start"), event(2, "migration", "die"), *again), ())
    assert "checked" in violations(replace(known, record=migrated))


WITHIN = Session("galaxy", "galos", "", "10.0.0.1", 37 * MS, 38 * MS)


@pytest.mark.parametrize(
    ("session", "code", "known"),
    [
        (WITHIN, "0", True),
        (WITHIN, "1", False),
        (replace(WITHIN, start=34 * MS), "0", False),
        (replace(WITHIN, start=42 * MS), "0", False),
        (replace(WITHIN, database="other"), "0", False),
        (replace(WITHIN, application="galos-sync"), "0", False),
    ],
)
def test_a_migration_that_asks_again_when_all_is_applied_needs_no_other_check(
    session: Session, code: str, known: bool
) -> None:
    ended = changed("migration", "die", exitCode=code)
    record = without(("again", "start"), ("again", "die"), events=ended.events)
    found = violations(replace(CLEAN, record=record, sessions=(*CLEAN.sessions, session)))
    assert ("no check of its image was clean" not in str(found.get("checked"))) == known


@pytest.mark.parametrize(("more", "known"), [((), False), ((WITHIN,), True)])
def test_a_migration_with_nothing_new_asked_again_if_it_was_connected_twice(
    more: tuple[Session, ...], known: bool
) -> None:
    record = without(("again", "start"), ("again", "die"))
    old = {"galaxy": {"1": 0, "2": 5 * MS}}
    found = violations(replace(CLEAN, record=record, begun=old, applied=old, sessions=(*CLEAN.sessions, *more)))
    assert ("no check of its image was clean" not in str(found.get("checked"))) == known


def test_a_start_that_the_engine_tells_late_takes_nothing_from_the_check_within() -> None:
    events = moved("migration", "start", 39).events
    record = without(("again", "start"), ("again", "die"), events=events)
    assert violations(replace(CLEAN, record=record, sessions=(*CLEAN.sessions, WITHIN))) == {}


def test_what_migrates_later_takes_nothing_from_a_check_before() -> None:
    record = without(("again", "start"), ("again", "die"))
    later = {"galaxy": {**CLEAN.begun["galaxy"], "3": 90 * MS}}
    applied = {"galaxy": {**CLEAN.applied["galaxy"], "3": 91 * MS}}
    sessions = (*CLEAN.sessions, WITHIN)
    assert violations(replace(CLEAN, record=record, begun=later, applied=applied, sessions=sessions)) == {}


def test_a_restart_policy_needs_no_check_but_a_clean_database() -> None:
    restarted = Record((event(6, "old", "die", exitCode="1"), event(7, "old", "start")), (OLD,))
    assert violations(replace(CLEAN, record=restarted, applied={"galaxy": {"1": 0}})) == {}
    assert violations(replace(CLEAN, record=restarted, applied={})).keys() == {"guard"}


@pytest.mark.parametrize("action", ["die", "kill", "stop", "destroy", "start", "create", "restart", "pause", "rename"])
def test_whatever_is_done_to_a_container_of_the_service_is_downtime(action: str) -> None:
    assert [each.action for each in changes(Record((event(1, "old", action),), (OLD,)))] == [action]


@pytest.mark.parametrize("action", ["exec_create: ls", "exec_start: ls", "exec_die", "health_status: healthy", "top"])
def test_looking_at_a_container_is_no_downtime(action: str) -> None:
    record = Record((event(1, "old", action), event(2, "check", "start"), event(3, "check", "die")), (OLD,))
    assert changes(record) == []


def test_a_record_can_be_read_from_a_moment_on() -> None:
    assert CLEAN.record.since(4).before == (OLD,)
    later = CLEAN.record.since(9)
    assert [(each.id, each.running) for each in later.before] == [("migration", True)]
    assert [(run.container.id, run.start // MS) for run in later.runs] == [("migration", 0), ("again", 51), ("new", 61)]


def line(time: int, action: str = "start") -> str:
    return json.dumps({"Type": "container", "Action": action, "Actor": {"ID": "a", "Attributes": {}}, "timeNano": time})


def mark(time: int, action: str, engine: str = "1") -> str:
    return json.dumps({"recorder": action, "engine": engine, "timeNano": time})


ATTACHED, DETACHED = "attached", "detached"


@pytest.mark.parametrize(
    "lines",
    [
        [line(1), line(2)],
        [line(1), "", mark(2, DETACHED), "", mark(10, ATTACHED, "2"), line(9), line(11)],
        [line(1), mark(2, DETACHED), mark(4, ATTACHED), line(1), line(3), line(5)],
        [
            line(1),
            mark(2, DETACHED),
            mark(3, ATTACHED),
            line(1),
            mark(4, DETACHED),
            mark(6, ATTACHED),
            line(1),
            line(5),
        ],
        [mark(1, ATTACHED), mark(2, DETACHED), mark(4, ATTACHED), line(3)],
        [mark(KEPT, ATTACHED), *(line(time) for time in range(1, KEPT))],
    ],
)
def test_a_whole_record_has_no_gap(lines: list[str]) -> None:
    assert gaps(lines) == []


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([line(1), line(2)[:20]], "a line of the record is cut off"),
        ([line(1), '{"Type": "container"}'], "a line of the record is cut off"),
        ([line(1), mark(2, DETACHED), mark(9, ATTACHED), line(4), line(5)], "longer than the engine keeps events"),
        (
            [line(1), mark(2, DETACHED), mark(3, ATTACHED), mark(4, DETACHED), mark(9, ATTACHED), line(5)],
            "longer than the engine keeps events",
        ),
        (
            [line(1), mark(2, DETACHED), mark(999, ATTACHED, "2"), *(line(time) for time in range(3, 3 + KEPT))],
            "had done more than it keeps",
        ),
    ],
)
def test_a_gap_in_a_record_is_said(lines: list[str], sentence: str) -> None:
    assert any(sentence in each for each in gaps(lines))


def test_what_the_engine_keeps_and_the_record_lacks_is_put_where_its_time_belongs() -> None:
    assert completed([line(1), "", line(3)], [line(2), line(4)]) == [line(1), line(2), line(3), line(4)]


def test_what_is_told_again_at_an_attachment_counts_once() -> None:
    events = read([line(1), mark(2, DETACHED), mark(4, ATTACHED), line(1), line(3), line(5)])
    assert [(each.time, each.replayed) for each in events if each.kind != "recorder"] == [
        (1, False),
        (3, True),
        (5, False),
    ]


def test_what_is_told_again_of_the_time_before_the_judge_began_is_left_out() -> None:
    events = read([line(7), mark(8, DETACHED), mark(10, ATTACHED), line(3), line(7), line(9)], since=5)
    assert [each.time for each in events if each.kind != "recorder"] == [7, 9]


def test_what_the_engine_starts_when_it_starts_was_asked_by_nobody() -> None:
    record = Record((event(1, "old", "stop"), event(2, "old", "die"), replace(event(3, "old", "start"), replayed=True)))
    assert [run.asked for run in record.runs] == [False]


def logged(second: int, session: str, message: str, **more: Any) -> str:
    return json.dumps(
        {"timestamp": f"2026-11-24 23:15:{second:02}.500 UTC", "session_id": session, "message": message, **more}
    )


def test_sessions_are_read_from_the_log_of_the_database() -> None:
    granted = "connection authorized: user=galos database=galaxy"
    told = sessions(
        [
            logged(1, "a", "connection received: host=10.0.0.1 port=1", remote_host="10.0.0.1"),
            logged(1, "a", f"{granted} application_name=galos-sync", remote_host="10.0.0.1"),
            logged(2, "b", granted, remote_host="10.0.0.1"),
            logged(3, "a", "disconnection: session time: 0:00:02.000 user=galos database=galaxy host=10.0.0.1 port=1"),
            logged(3, "d", granted, remote_host="10.0.0.1"),
            logged(4, "d", 'role "galos" is not permitted to log in', error_severity="FATAL"),
            logged(4, "", "starting PostgreSQL 17.6 on x86_64-pc-linux-gnu"),
            logged(5, "c", f"{granted} application_name=galos-sync", remote_host="10.0.0.1"),
        ]
    )
    assert [(each.application, each.end is None or (each.end - each.start) // 10**9) for each in told] == [
        ("galos-sync", 2),
        ("", 2),
        ("", 1),
        ("galos-sync", True),
    ]
    assert {each.database for each in told} == {"galaxy"}


def test_what_somebody_else_looks_after_may_start_unasked() -> None:
    events = (
        *DEPLOY,
        Event("container", "start", "cache", {"name": "cache-1", SERVICE: "cache", ONE_OFF: "False"}, 70 * MS),
    )
    unknown = replace(CLEAN, record=Record(events, (OLD,)))
    assert list(violations(unknown)) == ["guard"]
    assert violations(replace(unknown, others=frozenset({"cache"}))) == {}


@pytest.mark.parametrize(
    ("name", "service", "one_off", "wanted"),
    [
        ("root-app-1", "app", False, ("service", "app")),
        ("app-migration", "app", True, ("migration", "app")),
        ("app-check-0a1b", "carrier", True, ("check", "app")),
        ("app-check-me", "app", True, ("other", "app")),
        ("someone", "app", True, ("other", "app")),
        ("app-check", "app", False, ("service", "app")),
    ],
)
def test_a_container_works_for_the_service_that_its_name_has(
    name: str, service: str, one_off: bool, wanted: tuple[str, str]
) -> None:
    found = Container.of("id", name, {SERVICE: service, ONE_OFF: str(one_off)})
    assert (found.kind, found.service) == wanted


OF_STACK = {STACK: "galos", TASK: "galos_app", RELEASE: "v1"}


@pytest.mark.parametrize(
    ("labels", "service", "kind"),
    [
        (OF_STACK, "app", "service"),
        ({**OF_STACK, STACK: "other", TASK: "other_galos_app"}, "galos_app", "service"),
        ({TASK: "galos-ops-image-1234"}, "", "other"),
    ],
)
def test_a_container_that_swarm_makes_is_one_of_the_service_of_its_stack(
    labels: dict[str, str], service: str, kind: str
) -> None:
    found = Container.of("a", "galos_app.1.abc", labels)
    assert (found.service, found.kind, found.release) == (service, kind, labels.get(RELEASE, ""))


def test_a_task_of_swarm_that_has_ended_is_gone_though_its_container_is_kept() -> None:
    task = replace(OLD, task=True)
    kept = tuple(each for each in DEPLOY if (each.id, each.action) != ("old", "destroy"))
    assert "stopped" not in violations(replace(CLEAN, record=Record(kept, (task,))))
    assert "stopped" in violations(replace(CLEAN, record=Record(kept, (OLD,))))
    runs_on = tuple(each for each in kept if each.id != "old")
    assert "stopped" in violations(replace(CLEAN, record=Record(runs_on, (task,))))
