"""The judge of the tests: what happened on a host, by its engine's own events and the database's own log."""

from tests.judge.judge import Judge
from tests.judge.observe import GapError

__all__ = ["GapError", "Judge"]
