"""What a task costs in executions on the host and in channels, counted where they are sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.counting import COUNT, counted
from tests.integration.conftest import ROOT, Operator


def prepared_for_nothing(_operator: Operator) -> None:
    """What runs is the newest release, its answer remembered."""


def prepared_for_a_new_image(operator: Operator) -> None:
    operator.sandbox.publish("v2")
    operator.done("deploy")
    operator.sandbox.publish("v3")


def prepared_for_a_migration(operator: Operator) -> None:
    operator.sandbox.publish("v2")


def prepared_for_a_start(operator: Operator) -> None:
    operator.done("stop")


CASES: dict[str, tuple[Callable[[Operator], None], tuple[str, ...], int]] = {
    "deploy, nothing new": (prepared_for_nothing, ("deploy",), 1),
    "deploy, a new image": (prepared_for_a_new_image, ("deploy",), 6),
    "deploy, a migration": (prepared_for_a_migration, ("deploy",), 11),
    "deploy --dry-run, nothing new": (prepared_for_nothing, ("deploy", "--dry-run"), 3),
    "up, nothing new": (prepared_for_nothing, ("up",), 1),
    "start, it runs": (prepared_for_nothing, ("start",), 2),
    "start": (prepared_for_a_start, ("start",), 4),
    "pending": (prepared_for_nothing, ("pending",), 2),
    "status": (prepared_for_nothing, ("status",), 1),
}


@pytest.mark.parametrize(("prepare", "words", "executions"), CASES.values(), ids=CASES)
def test_a_task_takes_so_many_executions_and_one_channel_is_open_ahead(
    deployed: Operator, tmp_path: Path, prepare: Callable[[Operator], None], words: tuple[str, ...], executions: int
) -> None:
    deployed.done("deploy")
    prepare(deployed)
    count = tmp_path / "count"
    deployed.root = ROOT / "tests/faults/client"
    deployed.environment |= {COUNT: str(count), "PYTHONPATH": str(ROOT)}
    deployed.done(*words)
    assert counted(count) == (executions, executions + 1)
