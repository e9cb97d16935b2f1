"""How a task on several hosts ended, for each of them."""

from __future__ import annotations

from typing import Any

import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import VerifyError, gravest
from galos_ops.tasks.fleet_run import FleetRun, summary

DONE = [{"service": "galos-sync"}]


def closed(error: Exception | None) -> tuple[list[tuple[str, int]], list[str]]:
    """The hosts with their exit codes, and those not tried, of a task that did something on the first one."""
    run = FleetRun(lambda: None, CommandLine(), (), {})
    run.document |= {"hosts": [], "not_tried": []}
    rows: dict[str, dict[str, Any]] = {"a": {"host": "a", "services": DONE}, "b": {"host": "b"}, "c": {"host": "c"}}
    run._close(rows, ["galos-sync"], error)
    return [(row["host"], row["exit"]) for row in run.document["hosts"]], run.document["not_tried"]


def failed(host: str) -> VerifyError:
    error = VerifyError("it ended.")
    error.host = host
    return error


@pytest.mark.parametrize(
    ("error", "hosts", "not_tried"),
    [
        (None, [("a", 0), ("b", 0), ("c", 0)], []),
        (failed("b"), [("a", 0), ("b", 7)], ["c"]),
        (gravest([failed("a"), failed("b")]), [("a", 7), ("b", 7)], ["c"]),
        (failed(""), [("a", 7), ("b", 7), ("c", 7)], []),
        (ZeroDivisionError(), [("a", 1), ("b", 1), ("c", 1)], []),
    ],
    ids=["well", "one", "two", "none in particular", "a fault of the task"],
)
def test_every_host_is_told_how_the_task_ended_there(
    error: Exception | None, hosts: list[tuple[str, int]], not_tried: list[str]
) -> None:
    assert closed(error) == (hosts, not_tried)


def test_a_table_at_the_end_has_every_host_once_one_of_them_got_as_far() -> None:
    one: dict[str, Any] = {"service": "galos-sync", "image": "sha256:" + "a" * 64, "changed": True, "downtime": 1.25}
    done = {"host": "a", "exit": 0, "services": [one, {**one, "changed": False, "downtime": None}]}
    failed = {"host": "b", "exit": 7, "services": []}
    half = {"host": "d", "exit": 5, "services": [one]}
    assert summary([half], [])[1] == ["d", "", "", "exit 5", ""]
    assert summary([done, failed], ["c"]) == [
        ["a", "galos-sync", "sha256:aaaaaaaa", "changed", "down for 1.2 s"],
        ["a", "galos-sync", "sha256:aaaaaaaa", "as it was", ""],
        ["b", "", "", "exit 7", ""],
        ["c", "", "", "not tried", ""],
    ]
    assert summary([failed], ["c"]) == []
    assert summary([{"host": "a", "exit": 0}], []) == []


def test_a_host_where_the_first_services_were_done_is_not_told_as_done() -> None:
    run = FleetRun(lambda: None, CommandLine("a,b", "deploy"), (), {})
    run.document |= {"hosts": [], "not_tried": []}
    rows: dict[str, dict[str, Any]] = {name: {"host": name, "services": DONE} for name in ("a", "b", "c")}
    rows["c"]["services"] = [*DONE, {"service": "galos-map"}]
    chosen = ["galos-sync", "galos-map"]
    told = run._interrupted_fleet(rows, chosen).sentence
    assert told == "c: done. a, b: interrupted; a step that had begun on a host goes on to its end."
    run._close(rows, chosen, failed("b"))
    assert [(row["host"], row["exit"]) for row in run.document["hosts"]] == [("a", 1), ("b", 7), ("c", 0)]
    assert run.document["hosts"][0]["error"]["sentence"] == "a: galos-map not tried, as another host failed."
    assert run.document["not_tried"] == []
    everywhere = {"c": rows["c"]}
    assert run._interrupted_fleet(everywhere, chosen).sentence.startswith("c: interrupted;")
