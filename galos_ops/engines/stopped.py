"""What a run stopped for a migration and is still to start again: a file on the host for each such service."""

from __future__ import annotations

from collections.abc import Iterable

from galos_ops.engines import notes


def remember(service: str, image: str) -> str:
    """Return a script that notes the image which a service ran before it was stopped, and when that is."""
    return f"{notes.keep(service, notes.STOPPED, f'{image} $(date -u +%Y-%m-%dT%H:%M:%SZ)')} || exit 1"


def forget(services: Iterable[str]) -> str:
    """Return a script that strikes out services which run again, or which somebody stopped for good."""
    return f"rm -f {' '.join(notes.path(name, notes.STOPPED) for name in services)}"
