"""The same work on several hosts at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from galos_ops.errors import OpsError, gravest
from galos_ops.host.host import Host
from galos_ops.progress import Report

if TYPE_CHECKING:
    from concurrent.futures import Future

R = TypeVar("R")

HANG_UP_SECONDS = 30  # in which a thread notices that its connection was closed


def together(report: Report, works: Sequence[tuple[Host, Callable[[], R]]]) -> list[R]:
    """Do some work for each of several hosts at once, and return the results in the order of the hosts.

    It waits for all of them, whatever fails, and then raises the `OpsError` of the gravest exit code, with those of
    the others. An interrupt closes every connection, so that no step begins any more.
    """
    if len(works) < 2:
        return [_told(host, work) for host, work in works]

    from concurrent.futures import ThreadPoolExecutor, wait

    def apart(host: Host, work: Callable[[], R]) -> R:
        with report.lane(host.name):
            return _told(host, work)

    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(apart, host, work) for host, work in works]
        try:
            wait(futures)
        except KeyboardInterrupt:
            for host, _ in works:
                host.hang_up()
            wait(futures, HANG_UP_SECONDS)
            raise
    return _results(futures)


def _told(host: Host, work: Callable[[], R]) -> R:
    """Do the work, and say of a failure which host it is about."""
    try:
        return work()
    except OpsError as error:
        error.host = error.host or host.name
        raise


def _results(futures: Sequence[Future[R]]) -> list[R]:
    errors = [error for future in futures if (error := future.exception())]
    faults = [error for error in errors if not isinstance(error, OpsError)]
    if faults:
        raise faults[0]
    if errors:
        raise gravest([error for error in errors if isinstance(error, OpsError)])
    return [future.result() for future in futures]
