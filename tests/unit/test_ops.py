"""What a task works with, whatever ends it."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from pytest_mock import MockerFixture

from galos_ops.config.settings import Settings
from galos_ops.engines.snapshot.snapshot import Container, Snapshot
from galos_ops.errors import CommandFailed, ConnectError
from galos_ops.tasks.running import halfway
from galos_ops.ui.plain import Plain
from galos_ops.workflows.ops import Ops
from tests.unit.fake_host import FakeHost
from tests.unit.targets import FACTS, IMAGE_ID, target


def test_an_interrupt_loses_nothing_of_what_was_done_and_is_told_though_the_log_cannot_be_written(
    mocker: MockerFixture,
) -> None:
    note = mocker.patch.object(Ops, "note", side_effect=ConnectError("box: the connection was lost."))
    ops = Ops(FakeHost(), Settings(), Plain(io.StringIO()))

    def interrupted() -> None:
        with ops.noted("doctor") as done:
            done.append("engine")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    note.assert_called_once_with("doctor", ["engine"])


ONE, TWO = (
    Container(name, IMAGE_ID, "running", 0, name, "galos-sync", False, "home", "/home") for name in ("one", "two")
)
STOPPED = replace(ONE, state="exited")


@pytest.mark.parametrize(
    ("now", "logged"),
    [
        (replace(FACTS, engine="26.1", containers=(STOPPED, TWO)), ["failed; down by then: one"]),
        (replace(FACTS, engine="26.1"), ["failed; down by then: one, two"]),
        (replace(FACTS, engine="26.1", containers=(ONE, TWO)), []),
        (FACTS, []),  # the engine does not answer
        (ConnectError("box: the connection was lost."), []),
    ],
)
def test_a_stop_that_fails_logs_what_runs_no_more_by_then(
    mocker: MockerFixture, now: Snapshot | ConnectError, logged: list[str]
) -> None:
    note = mocker.patch.object(Ops, "note")
    mocker.patch.object(Ops, "snapshot", side_effect=[now])
    ops = Ops(FakeHost(), Settings(), Plain(io.StringIO()))
    before = target(ops.host, replace(FACTS, containers=(ONE, TWO)))
    with pytest.raises(CommandFailed), halfway("stop", ops, before, ["galos-sync"]):
        raise CommandFailed("box: could not stop (exit 1).")
    note.assert_called_once_with("stop", logged)
