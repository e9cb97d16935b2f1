"""What every run of the tests shares: the order, the end of what a test started, the profile of property tests."""

from __future__ import annotations

import random
from collections.abc import Generator

import pytest

import tests.properties  # noqa: F401 - loads the profile of property tests
from tests import processes
from tests.bring_up import sandbox, sandbox_of_one_host
from tests.judge.plugin import MARKERS

__all__ = ["sandbox", "sandbox_of_one_host"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("order")
    group.addoption("--reverse", action="store_true", help="run the tests in reverse order")
    group.addoption("--shuffle", type=int, metavar="SEED", help="run the tests in the random order of this seed")


def pytest_configure(config: pytest.Config) -> None:
    processes.take_interrupts()
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("reverse"):
        items.reverse()
    seed = config.getoption("shuffle")
    if seed is not None:
        random.Random(seed).shuffle(items)  # noqa: S311


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """End what a test started; one that passed must have ended it itself."""
    try:
        yield
    except BaseException:
        processes.end_started()
        raise
    left = processes.end_started()
    assert not left, f"the test left processes running: {left}"
