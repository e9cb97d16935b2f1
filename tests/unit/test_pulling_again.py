"""Hosts that pulled different images pull once more: what the registry had said by then does not count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from galos_ops.engines.images import pulling
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.engines.snapshot.registry import Registry
from galos_ops.host.lock import Lock
from galos_ops.ui.plain import Plain
from galos_ops.workflows.doing import Doing
from galos_ops.workflows.steps import Steps
from galos_ops.workflows.telling import Telling
from tests.unit.local_host import LocalHost
from tests.unit.screen import Screen
from tests.unit.targets import IMAGES, REFERENCE, target

SAID = {REFERENCE: Registry("newest")}


@dataclass
class Engine:
    """An engine that is asked for images, and what of the registry's answers it was given."""

    given: Any = None

    def pull(self, target: Any, *_: object) -> ReleaseImages:
        self.given = target.snapshot.registry
        return IMAGES


@pytest.mark.parametrize(
    "make",
    [lambda one, report: Doing(one.held(Lock("t0ken")), report), Telling],
    ids=["done", "told"],
)
@pytest.mark.parametrize(("again", "given"), [(False, SAID), (True, {})], ids=["first", "again"])
def test_what_the_registry_said_counts_once(
    box: LocalHost,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Any, Plain], Steps],
    given: dict[str, Registry],
    *,
    again: bool,
) -> None:
    engine, one = Engine(), target(box)
    monkeypatch.setattr(pulling, "newest", lambda target, _: (engine.pull(target), True))
    one = replace(one, engine=engine, snapshot=replace(one.snapshot, registry=SAID))  # type: ignore[arg-type]
    make(one, Plain(Screen())).pull(again=again)
    assert engine.given == given
