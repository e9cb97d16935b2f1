"""The sandbox of a worker: brought up once, for the integration tests and the fault tests alike."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.sandbox import Sandbox

FLAVOURS = {"v1": "sandbox-2", "v2": "sandbox", "v5": "sandbox-3"}


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Three hosts, with docker-compose v1, v2 and v5; the one in $TEST_SANDBOX stays up for the next run."""
    with of_three_hosts(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@contextmanager
def of_three_hosts(directory: Path) -> Iterator[Sandbox]:
    """The sandbox of $TEST_SANDBOX, or one in a directory, which is taken down in the end."""
    kept = os.environ.get("TEST_SANDBOX")
    sandbox = Sandbox("test", Path(kept) if kept else directory, temporary=not kept)
    flavours = {name: flavour for flavour, name in FLAVOURS.items()}
    try:
        sandbox.up(len(flavours), [flavours[name] for name in sorted(flavours)])
        yield sandbox
    finally:
        if not kept:
            sandbox.down()


@pytest.fixture(scope="session")
def sandbox_of_one_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One more sandbox, for tests of the sandbox itself."""
    sandbox = Sandbox("self", tmp_path_factory.mktemp("sandbox"), temporary=True)
    try:
        sandbox.up()
        yield sandbox
    finally:
        sandbox.down()
