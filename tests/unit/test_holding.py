"""Holding a host for a task, and what it says of itself meanwhile."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fabric import Connection

from galos_ops.config.command_line import CommandLine
from galos_ops.engines.cluster_notes import HOME
from galos_ops.errors import NotReadyError, UsageError
from galos_ops.host.hold import Hold, hold_error
from galos_ops.host.lock import Lock
from galos_ops.tasks import hold
from galos_ops.ui.plain import Plain
from galos_ops.workflows import holding, ops
from tests.unit.fake_host import FakeHost
from tests.unit.targets import SETTINGS
from tests.unit.test_cluster import looked, note


def test_a_host_is_held_before_what_it_says_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []

    @contextmanager
    def lock(*_: object) -> Iterator[Lock]:
        yield Lock("t0ken", lambda: waited.append("for the answer") or "")  # type: ignore[func-returns-value]

    monkeypatch.setattr(ops, "lock", lock)
    with ops.Ops(FakeHost(), SETTINGS, Plain(io.StringIO())).locked_groups("deploy", None) as groups:
        assert waited == []
        with pytest.raises(NotReadyError):  # it said nothing at all
            next(groups)
    assert waited == ["for the answer"]


@pytest.mark.parametrize("task", ["hold", "deploy"])
def test_a_hold_is_ended_without_the_options_that_were_typed(task: str) -> None:
    hold = Hold("ann", "laptop", "2026-10-01T10:00:00+00:00", "2026-10-01T12:00:00+00:00", "restoring it")
    options = {"for_": "2h", "because": "x"} if task == "hold" else {"tag": "v2", "service": "galos-sync"}
    error = hold_error(CommandLine("ann@galos-1:2222", task, options, ("-S", "a b")), hold)
    assert error.hint.endswith(": fab -S 'a b' -H ann@galos-1:2222 hold --end")


@pytest.mark.parametrize("words", [{}, {"for_": "2h"}, {"because": "x"}, {"for_": "2h", "because": "x", "end": True}])
def test_a_hold_without_what_it_needs_names_a_whole_command_and_connects_to_nothing(words: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as error:
        hold(Connection("127.0.0.1:1"), **words)
    assert error.value.hint == "fab -H 127.0.0.1:1 hold --for 2h --because 'restoring it'"


def test_a_hold_on_another_manager_than_the_home_would_keep_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def lock(*_: object) -> Iterator[Lock]:
        yield Lock("t0ken")

    monkeypatch.setattr(ops, "lock", lock)
    monkeypatch.setattr(ops.Ops, "snapshot", lambda _: looked(note(HOME, "n2")))
    here = ops.Ops(FakeHost(), SETTINGS, Plain(io.StringIO()))
    with pytest.raises(NotReadyError, match="box: the stack is at home on two"):
        holding.begin(here, 60, "x")
    with pytest.raises(NotReadyError, match="box: the stack is at home on two"):
        holding.end(here)
