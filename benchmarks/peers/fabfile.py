"""Fabric with one line as its whole task."""

from typing import Any

from fabric import task


@task  # type: ignore[untyped-decorator]
def line(c: Any, command: str) -> None:
    """Run a line in the home."""
    c.run(command, hide=True)
