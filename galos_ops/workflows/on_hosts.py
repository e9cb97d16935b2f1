"""Work for services on several hosts: on all hosts at once, on each one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from galos_ops.engines.engine import Target
from galos_ops.host.together import together
from galos_ops.progress import Report

R = TypeVar("R")
T = TypeVar("T")


class Placed(Protocol):
    """What is about one service on one host."""

    @property
    def target(self) -> Target: ...

    @property
    def report(self) -> Report: ...


P = TypeVar("P", bound=Placed)


def on_hosts(items: Sequence[P], work: Callable[[P], R]) -> list[R]:
    """Do work for services on several hosts: on each host one after the other; returns the results in their order."""
    by_host: dict[str, list[P]] = {}
    for each in items:
        by_host.setdefault(each.target.host.name, []).append(each)
    if not by_host:
        return []
    works = [(its[0].target.host, partial(_each, work, its)) for its in by_host.values()]
    results = dict(zip(by_host, map(iter, together(items[0].report, works)), strict=True))
    return [next(results[each.target.host.name]) for each in items]


def _each(work: Callable[[P], R], items: Sequence[P]) -> list[R]:
    return [work(each) for each in items]


def unique(items: Iterable[T], key: Callable[[T], object]) -> list[T]:
    """Return the first item of each key."""
    found: dict[object, T] = {}
    for each in items:
        found.setdefault(key(each), each)
    return list(found.values())


def one_of_each(items: Iterable[P]) -> list[P]:
    """Return the first item of each host."""
    return unique(items, lambda each: each.target.host.name)
