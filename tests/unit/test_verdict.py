from dataclasses import replace
from typing import Any

import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.diagnostics.status import ContainerStatus, HostStatus, ImageStatus, PendingStatus, Problem, ServiceStatus
from galos_ops.diagnostics.survey import Disk, Lock, Registry
from galos_ops.diagnostics.verdict import Line, low, of_host, of_service, room, verdict
from galos_ops.errors import OpsError
from tests.unit.test_releases import V1

BOX = CommandLine("box")
NOW, BEFORE = "2026-01-02T00:00:00+00:00", "2026-01-01T22:00:00+00:00"
OLD, NEW = V1.image, "sha256:ff"
RUNS = ContainerStatus("running", "root-galos-sync-1", "1f", OLD, BEFORE, None, 0, None)
SERVICE = ServiceStatus(
    "galos-sync", None, RUNS, ImageStatus("r/galos-sync:latest", OLD, BEFORE), V1, Registry("newest", "sha256:dd"),
    PendingStatus("clean", remembered=True), None,
)  # fmt: skip
DISK = Disk("/srv", 1000, 500, 100, 50)
PROBLEM = Problem("box: there is no compose file.", "fab -H box setup")
HELD = Lock(True, "ann", "laptop", "deploy", BEFORE)
WELL = HostStatus(None, NOW, 0, "26.1", "docker-compose 2.26.1", "c.yml", Lock(False), (DISK,), True, None, (SERVICE,))


def judged(host: dict[str, Any] | None = None, **service: Any) -> tuple[dict[str, Line], OpsError | None]:
    seen = replace(WELL, services=(replace(SERVICE, **service),), **(host or {}))
    lines = [*of_host(seen), *of_service(BOX, seen, seen.services[0])]
    return {line.name: line for line in lines}, verdict(BOX, seen, lines)


def test_all_is_well() -> None:
    lines, error = judged()
    assert error is None
    assert {line.mark for line in lines.values()} == {"✓"}
    assert lines["container"].detail == "root-galos-sync-1 · running · 2 h ago"
    assert lines["image"].detail == "sha256:aa latest, made 2 h ago"
    assert lines["release"].detail == "2026-01-01 00:00 UTC, deploy of v1 by ann@laptop"


@pytest.mark.parametrize(
    ("name", "host", "service"),
    [
        ("registry", {}, {"registry": Registry("newer", "sha256:ee")}),
        ("lock", {"lock": HELD}, {}),
        ("clock", {"clock_difference": -61}, {}),
        ("helper", {"helper": False}, {}),
        ("helper", {"helper_error": "UnrecognizedClientException"}, {}),
        ("disk", {"disks": (replace(DISK, free_bytes=99),)}, {}),
        ("image", {}, {"image": ImageStatus("r/galos-sync:latest", NEW, None)}),
        ("image", {}, {"image": ImageStatus("r/galos-sync:latest", None, None)}),
        ("release", {}, {"release": None}),
        ("container", {}, {"container": replace(RUNS, restarts=1)}),
        ("migrations", {}, {"migrator": "exited"}),
    ],
)
def test_what_is_worth_a_look_is_no_failure(name: str, host: dict[str, Any], service: dict[str, Any]) -> None:
    lines, error = judged(host, **service)
    assert error is None
    assert [line.name for line in lines.values() if line.mark != "✓"] == [name]


@pytest.mark.parametrize(
    ("code", "words", "hint", "service"),
    [
        (7, "it has no container", "fab -H box deploy", {"container": ContainerStatus("none")}),
        (7, "does not run", "fab -H box up", {"container": replace(RUNS, state="exited", exit_code=1)}),
        (7, "does not run", "fab -H box up", {"container": replace(RUNS, state="paused")}),
        (7, "again and again", "fab -H box logs", {"container": replace(RUNS, state="restarting", restarts=3)}),
        (7, "again and again", "fab -H box logs", {"container": replace(RUNS, since=NOW, restarts=3)}),
        (7, "says unhealthy", "fab -H box logs", {"container": replace(RUNS, health="unhealthy")}),
        (7, "has not passed yet", "fab -H box logs", {"container": replace(RUNS, health="starting")}),
        (
            7,
            "neither what latest means nor the last release",
            "fab -H box deploy",
            {"container": replace(RUNS, image=NEW)},
        ),
        (5, "1 migration pending", "fab -H box deploy", {"pending": PendingStatus("pending", ("1 first",))}),
        (5, "some migrations pending", "fab -H box deploy", {"pending": PendingStatus("pending")}),
        (5, "cannot tell whether", "then: fab -H box pending", {"pending": PendingStatus("unknown", reason="broken")}),
        (5, "a migration runs now", "ssh box 'docker logs -f galos-sync-migration'", {"migrator": "running"}),
        (8, "registry has: no answer", "fab -H box ecr.check", {"registry": Registry("unknown", reason="no answer")}),
        (8, "no compose file", PROBLEM.next, {"problem": PROBLEM, "pending": PendingStatus("unknown", reason="-")}),
    ],
)
def test_what_is_not_well_has_its_exit_code_and_a_next_command(
    code: int, words: str, hint: str, service: dict[str, Any]
) -> None:
    _, error = judged(**service)
    assert error
    assert error.code == code
    assert words in error.sentence
    assert error.hint.endswith(hint)


def test_the_gravest_comes_first() -> None:
    bad: dict[str, Any] = {
        "registry": Registry("unknown", reason="no answer"),
        "container": ContainerStatus("none"),
        "pending": PendingStatus("pending", ("1 first",)),
    }
    codes = [judged(**bad)[1], judged({"lock": HELD}, **bad)[1], judged({"lock": HELD, "problem": PROBLEM}, **bad)[1]]
    assert [error.code for error in codes if error] == [5, 4, 8]


def test_an_engine_that_does_not_answer_makes_nothing_up() -> None:
    unseen: dict[str, Any] = {
        "container": ContainerStatus("unknown"),
        "pending": PendingStatus("unknown", reason="not asked"),
    }
    lines, error = judged({"problem": PROBLEM, "engine": None}, **unseen)
    assert error
    assert (error.sentence, error.hint) == (PROBLEM.sentence, PROBLEM.next)
    assert lines["container"].rows == [("!", "container", "not known")]


def test_a_long_detail_goes_on_below_within_80_columns() -> None:
    rows = judged(registry=Registry("unknown", reason="x" * 100))[0]["registry"].rows
    assert [row[:2] for row in rows] == [("✗", "registry"), ("", "")]
    assert max(len(f"✗  migrations  {detail}") for _, _, detail in rows) <= 80


@pytest.mark.parametrize(
    ("disk", "little"),
    [(DISK, False), (replace(DISK, free_inodes=9), True), (replace(DISK, inodes=None, free_inodes=None), False)],
)
def test_room_is_counted_in_bytes_and_in_inodes_where_there_are_any(disk: Disk, little: bool) -> None:
    assert low(disk) is little
    assert ("inodes" in room(disk)) is (disk.inodes is not None)
