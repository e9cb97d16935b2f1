import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.config.settings import Settings
from galos_ops.diagnostics.condition import Subject
from galos_ops.diagnostics.status import HostStatus, Problem, described, with_release
from galos_ops.diagnostics.verdict import Line, space, tables, verdict
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.snapshot.registry import Registry
from galos_ops.engines.snapshot.snapshot import Container, FreeSpace, Snapshot
from galos_ops.errors import OpsError
from galos_ops.host.holder import LockState
from galos_ops.migrations.tools import CLEAN, Answer
from galos_ops.redaction import Secret
from tests.unit.test_releases import V1, line

BOX = CommandLine("box")
SETTINGS = Settings.of({})
REFERENCE = SETTINGS.image(SETTINGS.services["galos-sync"])
NOW, BEFORE = "2026-01-02T00:00:00+00:00", "2026-01-01T22:00:00+00:00"
OLD, NEW = V1.image, "sha256:ff"
RUNS = Container("1f", OLD, "running", 0, "root-galos-sync-1", "galos-sync", False, "root", "/root", started=BEFORE)
ENDED = replace(RUNS, state="exited", exit_code=1, finished=BEFORE)
MIGRATES = replace(RUNS, id="2f", name="galos-sync-migration", oneoff=True, role="migration")
DISK = FreeSpace("/srv", 1000, 500, 100, 50)
PROBLEM = Problem("box: there is no compose file.", "fab -H box setup")
HELD = LockState(True, "ann", "laptop", "deploy", BEFORE)
WELL = Snapshot(
    directories=("/root",), engine="26.1", flavour=DockerCompose("docker-compose", (2, 26, 1)), compose_file="c.yml",
    config=Secret(f"services: {{galos-sync: {{image: '{REFERENCE}'}}}}"), containers=(RUNS,), images={REFERENCE: OLD},
    created={OLD: BEFORE}, time=1767312000, disks=(DISK,), registry={REFERENCE: Registry("newest")},
    stores=frozenset({"ecr-login"}), texts={"~/.galos-ops/releases.jsonl": Secret(json.dumps(asdict(V1)))},
)  # fmt: skip
PENDING, BROKEN = Answer("pending", ("1 first",)), Answer("unknown", evidence="broken\nhere")


def looked(
    answer: Answer | None = CLEAN, not_asked: str = "", problem: Problem | None = None, own: Problem | None = None,
    **changed: Any,
) -> tuple[HostStatus, dict[str, list[Line]]]:  # fmt: skip
    one = replace(
        with_release(Subject(SETTINGS, "galos-sync", replace(WELL, **changed), BOX)), answer=answer, not_asked=not_asked
    )
    subjects = {"galos-sync": one}
    seen = described(subjects, problem, {"galos-sync": own} if own else {})
    return seen, tables(seen, subjects)


def judged(*answers: Any, **changed: Any) -> tuple[dict[str, Line], OpsError | None]:
    seen, found = looked(*answers, **changed)
    lines = [line for table in found.values() for line in table]
    return {line.name: line for line in lines}, verdict(BOX, seen, lines)


def ran(**changed: Any) -> dict[str, Any]:
    return {"containers": (replace(RUNS, **changed),)}


def answered(*found: str) -> dict[str, Any]:
    return {"registry": {REFERENCE: Registry(*found)}}


UNKNOWN = {"registry": {REFERENCE: Registry("unknown", reason="no answer")}}


def test_all_is_well() -> None:
    lines, error = judged()
    assert error is None
    assert {line.mark for line in lines.values()} == {"✓"}
    assert lines["container"].detail == "root-galos-sync-1 · running · 2 h ago"
    assert lines["image"].detail == "sha256:aa latest, made 2 h ago"
    assert lines["release"].detail == "2026-01-01 00:00 UTC, deploy of v1 by ann@laptop"


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("registry", answered("newer", "sha256:ee")),
        ("lock", {"lock": HELD}),
        ("clock", {"clock_difference": -61}),
        ("helper", {"stores": frozenset({"pass"})}),
        ("helper", {"helper_error": "UnrecognizedClientException"}),
        ("disk", {"disks": (replace(DISK, free_bytes=99),)}),
        ("image", {"images": {REFERENCE: NEW}}),
        ("image", {"images": {}}),
        ("release", {"texts": {}}),
        ("container", ran(restarts=1)),
        ("migrations", {"containers": (RUNS, replace(MIGRATES, state="exited"))}),
    ],
)
def test_what_is_worth_a_look_is_no_failure(name: str, changed: dict[str, Any]) -> None:
    lines, error = judged(**changed)
    assert error is None
    assert [line.name for line in lines.values() if line.mark != "✓"] == [name]


@pytest.mark.parametrize(
    ("code", "words", "hint", "changed"),
    [
        (7, "it has no container", "fab -H box deploy", {"containers": ()}),
        (7, "does not run", "fab -H box up", {"containers": (ENDED,)}),
        (7, "does not run", "fab -H box up", ran(state="paused")),
        (7, "again and again", "fab -H box logs, then: fab -H box rollback", ran(state="restarting", restarts=3)),
        (7, "again and again", "fab -H box logs, then: fab -H box rollback", ran(started=NOW, restarts=1)),
        (7, "says unhealthy", "fab -H box logs", ran(health="unhealthy")),
        (7, "has not passed yet", "fab -H box logs", ran(health="starting")),
        (7, "neither what latest means nor the last release", "fab -H box deploy", ran(image=NEW)),
        (5, "1 migration pending", "fab -H box deploy", {"answer": PENDING}),
        (5, "some migrations pending", "fab -H box deploy", {"answer": Answer("pending")}),
        (5, "cannot tell whether", "then: fab -H box pending", {"answer": BROKEN}),
        (5, "a migration runs now", "ssh box 'docker logs -f galos-sync-migration'", {"containers": (RUNS, MIGRATES)}),
        (8, "registry has: no answer", "fab -H box ecr.check", UNKNOWN),
        (
            8,
            "no compose file",
            PROBLEM.next,
            {"own": PROBLEM, "answer": None, "config": Secret()},
        ),
        (8, "no compose file", PROBLEM.next, {"own": PROBLEM, "answer": None, "config": Secret(), "containers": ()}),
    ],
)
def test_what_is_not_well_has_its_exit_code_and_a_next_command(
    code: int, words: str, hint: str, changed: dict[str, Any]
) -> None:
    _, error = judged(**changed)
    assert error
    assert error.code == code
    assert words in error.sentence
    assert error.hint.endswith(hint)


TWICE = Secret(f"services: {{galos-sync: {{image: '{REFERENCE}', deploy: {{replicas: 2}}}}}}")


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("words", "changed"),
    [
        ("does not run", {"state": "exited", "exit_code": 1}),
        ("does not run", {"state": "paused"}),
        ("again and again", {"state": "restarting", "restarts": 40}),
        ("says unhealthy", {"health": "unhealthy"}),
        ("neither what latest means nor the last release", {"image": NEW}),
    ],
)
def test_of_several_containers_the_one_that_is_worst_off_counts(
    words: str, changed: dict[str, Any], swapped: bool
) -> None:
    other = replace(RUNS, id="2f", name="root-galos-sync-2", **changed)
    _, error = judged(config=TWICE, containers=(other, RUNS) if swapped else (RUNS, other))
    assert error
    assert (error.code, words in error.sentence) == (7, True)


def test_as_many_containers_run_as_docker_compose_makes() -> None:
    both = (RUNS, replace(RUNS, id="2f", name="root-galos-sync-2"))
    assert judged(config=TWICE, containers=both)[1] is None
    left = replace(ENDED, id="3f", name="root-galos-sync-3")
    assert judged(config=TWICE, containers=(left, *both))[1] is None
    _, error = judged(config=TWICE)
    assert error
    assert "1 of 2 containers run" in error.sentence
    assert error.hint == "fab -H box up"
    assert judged(config=TWICE, flavour=DockerCompose("docker-compose", (1, 29, 2)))[1] is None


def test_pending_migrations_and_the_reason_of_an_unknown_answer_are_the_evidence() -> None:
    told = [judged(PENDING), judged(BROKEN), judged(None, "not asked")]
    assert [error.evidence for _, error in told if error] == ["1 first", "broken\nhere", "not asked"]
    assert told[1][0]["migrations"].detail == "not known: here"


def test_a_failed_migration_is_told_until_something_starts_or_the_check_is_clean() -> None:
    ended = {
        "outcome": "failed",
        "reason": "exit 1: the database is full",
        "evidence": ("no", "room"),
        "output": "x.log",
    }
    log = [V1, line("migrate", "ff", 1, migrations=("1 first",)), line("migrate", "ff", 1, **ended), line("exec", "")]
    texts = {"~/.galos-ops/releases.jsonl": Secret("\n".join(json.dumps(asdict(one)) for one in log))}
    lines, error = judged(PENDING, texts=texts)
    assert error
    assert error.code == 6
    assert error.sentence == (
        "box: galos-sync: its last migration failed, 2026-01-01 00:00 UTC, of sha256:ff by ann@laptop "
        "(exit 1: the database is full)."
    )
    assert error.evidence == "no\nroom\nall of it: ~/x.log on the host"
    assert error.hint == "make room for the database, then: fab -H box deploy"
    assert lines["migrations"].detail == "1 pending; the last one failed 1 d ago"
    assert judged(CLEAN, texts=texts)[1] is None
    later = {name: Secret(f"{text.value}\n{json.dumps(asdict(V1))}") for name, text in texts.items()}
    again = judged(PENDING, texts=later)[1]
    assert again
    assert again.code == 5


def test_the_gravest_comes_first() -> None:
    bad: dict[str, Any] = {"containers": (), "answer": PENDING, **UNKNOWN}
    codes = [judged(**bad)[1], judged(lock=HELD, **bad)[1], judged(lock=HELD, problem=PROBLEM, **bad)[1]]
    assert [error.code for error in codes if error] == [5, 4, 8]


def test_an_engine_that_does_not_answer_makes_nothing_up() -> None:
    silent: dict[str, Any] = {"engine": "", "containers": (), "images": {}}
    lines, error = judged(None, "not asked", PROBLEM, **silent)
    assert error
    assert (error.sentence, error.hint) == (PROBLEM.sentence, PROBLEM.next)
    for name in ("container", "migrations"):
        assert lines[name].rows == [("!", name, "not known")]


def test_a_long_detail_goes_on_below_within_80_columns() -> None:
    rows = judged(registry={REFERENCE: Registry("unknown", reason="x" * 100)})[0]["registry"].rows
    assert [row[:2] for row in rows] == [("✗", "registry"), ("", "")]
    assert max(len(f"✗  migrations  {detail}") for _, _, detail in rows) <= 80


def test_a_digest_and_the_name_of_a_registry_are_each_in_one_line() -> None:
    released = {"~/.galos-ops/releases.jsonl": Secret(json.dumps(asdict(replace(V1, tag=f"sha256:{'a1' * 32}"))))}
    unknown = Registry("unknown", reason=f"no address is known for {SETTINGS.ecr.registry}")
    lines = judged(texts=released, registry={REFERENCE: unknown})[0]
    assert lines["release"].detail == "2026-01-01 00:00 UTC, deploy of sha256:a1a1a1a1 by ann@laptop"
    assert lines["registry"].rows[1][2] == SETTINGS.ecr.registry


@pytest.mark.parametrize(
    ("disk", "mark"),
    [
        (DISK, "✓"),
        (replace(DISK, free_inodes=9), "!"),
        (replace(DISK, free_inodes=0), "!"),
        (replace(DISK, inodes=None, free_inodes=None), "✓"),
    ],
)
def test_room_is_counted_in_bytes_and_in_inodes_where_there_are_any(disk: FreeSpace, mark: str) -> None:
    roomy = replace(DISK, path="/var")
    _, found = looked(disks=(disk, roomy))
    assert {line.detail: line.mark for line in found["host"] if line.name == "disk"} == {
        space(disk): mark, space(roomy): "✓",
    }  # fmt: skip
    assert ("inodes" in space(disk)) is (disk.inodes is not None)
