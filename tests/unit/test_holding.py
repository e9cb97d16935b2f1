"""Holding a host for a task, and what it says of itself meanwhile."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from galos_ops.errors import NotReadyError
from galos_ops.host.lock import Lock
from galos_ops.ui.plain import Plain
from galos_ops.workflows import ops
from tests.unit.fake_host import FakeHost
from tests.unit.targets import SETTINGS


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
