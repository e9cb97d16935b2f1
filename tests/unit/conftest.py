"""The hosts that unit tests work on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.local_host import SHELLS, LocalHost


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    """Each shell that may be `sh` and the user's own on a host."""
    name: str = request.param
    return name


@pytest.fixture
def host(shell: str, tmp_path: Path) -> Iterator[LocalHost]:
    """This machine as a host; in the end its stubs were called as the test said, and no other way."""
    host = LocalHost(tmp_path, shell)
    yield host
    host.stubs.check()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[LocalHost]:
    """The same with one shell, where shells are not the subject."""
    host = LocalHost(tmp_path)
    yield host
    host.stubs.check()
