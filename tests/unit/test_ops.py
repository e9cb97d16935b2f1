"""What a task works with, whatever ends it."""

from __future__ import annotations

import io

import pytest
from pytest_mock import MockerFixture

from galos_ops.config.settings import Settings
from galos_ops.errors import ConnectError
from galos_ops.ui.plain import Plain
from galos_ops.workflows.ops import Ops
from tests.unit.fake_host import FakeHost


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
