"""Every test whose fixtures hold an operator is judged, by construction."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.judge.judge import Judge, created
from tests.judge.rules import RULES

MARKERS = (
    "unjudged(reason): the judge says nothing of this test",
    "violates(rule, ..., reason): one of these rules is broken here; the test fails once none of them is",
)


def judges(item: pytest.Function) -> Iterator[Judge]:
    """The judges of a test's operators, each once."""
    found: dict[int, Judge] = {}
    for value in item.funcargs.values():
        judge = getattr(getattr(value, "operator", value), "judge", None)
        if isinstance(judge, Judge):
            found[id(judge)] = judge
    return iter(found.values())


def rules(marker: pytest.Mark) -> set[str]:
    """The rules that a marker names; raises UsageError where one is unknown or the reason is missing."""
    *named, reason = marker.args or ("",)
    if not reason or reason in RULES or set(named) - RULES.keys() or bool(named) != (marker.name == "violates"):
        raise pytest.UsageError(f"@pytest.mark.{marker.name}{marker.args}: see pytest --markers")
    return set(named)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Begin when the fixtures are done, and judge when the test is."""
    created.clear()
    unjudged = item.get_closest_marker("unjudged")
    if not isinstance(item, pytest.Function) or (unjudged and not rules(unjudged)):
        return (yield)
    alternatives = [rules(marker) for marker in item.iter_markers("violates")]
    expected = set[str]().union(*alternatives)
    given = list(judges(item))
    for judge in given:
        judge.begin()
    result = yield
    made = [each for each in created if each not in given]
    begun = [each for each in [*given, *made] if each.begun]
    unseen = {each.host.name for each in made} - {each.host.name for each in begun}
    assert not unseen, f"the test made an operator and did not begin its judge: {unseen}"
    found: dict[str, list[str]] = {}
    for judge in begun:
        for rule, told in judge.verdict().items():
            found.setdefault(rule, []).extend(f"{judge.host.name}: {sentence}" for sentence in told)
    wrong = [f"{rule}: {sentence}" for rule, told in found.items() if rule not in expected for sentence in told]
    assert not wrong, "\n".join(["the judge:", *wrong])
    for each in alternatives:
        assert each & found.keys(), f"marked to violate {' or '.join(sorted(each))}, and it does not"
    return result
