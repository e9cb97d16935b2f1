"""The judge of the tests: what happened on a host, by its engine's own events and the database's own log."""

from tests.judge.judge import GapError, Judge

__all__ = ["GapError", "Judge"]
