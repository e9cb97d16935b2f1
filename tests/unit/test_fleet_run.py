"""How a task on several hosts ended, for each of them."""

from __future__ import annotations

from typing import Any

import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import VerifyError, gravest
from galos_ops.tasks.fleet_run import FleetRun

DONE = [{"service": "galos-sync"}]


def closed(error: Exception | None) -> tuple[list[tuple[str, int]], list[str]]:
    """The hosts with their exit codes, and those not tried, of a task that did something on the first one."""
    run = FleetRun(lambda: None, CommandLine(), (), {})
    run.document |= {"hosts": [], "not_tried": []}
    rows: dict[str, dict[str, Any]] = {"a": {"host": "a", "services": DONE}, "b": {"host": "b"}, "c": {"host": "c"}}
    run._close(rows, error)
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
