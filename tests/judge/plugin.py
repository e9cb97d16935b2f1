"""Every test whose fixtures hold an operator is judged, by construction."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.judge.judge import Judge

MARKERS = (
    "unjudged(reason): the judge says nothing of this test",
    "violates(rule, reason): the library breaks this rule here today; the test fails once it does not",
)


def judges(item: pytest.Function) -> Iterator[Judge]:
    """The judges of a test's operators, each once."""
    found: dict[int, Judge] = {}
    for value in item.funcargs.values():
        judge = getattr(getattr(value, "operator", value), "judge", None)
        if isinstance(judge, Judge):
            found[id(judge)] = judge
    return iter(found.values())


def argument(marker: pytest.Mark, count: int) -> tuple[str, ...]:
    """The words of a marker; raises UsageError where the reason is missing."""
    words = tuple(str(word) for word in marker.args)
    if len(words) != count or not all(words):
        raise pytest.UsageError(f"@pytest.mark.{marker.name} takes {count} words, the last of them the reason")
    return words


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Begin when the fixtures are done, and judge when the test is."""
    unjudged = item.get_closest_marker("unjudged")
    if not isinstance(item, pytest.Function) or (unjudged and argument(unjudged, 1)):
        return (yield)
    expected = {argument(marker, 2)[0] for marker in item.iter_markers("violates")}
    for judge in judges(item):
        judge.begin()
    result = yield
    for judge in judges(item):
        found = judge.verdict()
        wrong = [f"{rule}: {sentence}" for rule, told in found.items() if rule not in expected for sentence in told]
        assert not wrong, "\n".join([f"on {judge.host.name}:", *wrong])
        kept = expected - found.keys()
        assert not kept, f"this test is marked to violate what it does not violate: {', '.join(sorted(kept))}"
    return result
