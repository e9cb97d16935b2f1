"""What a run stopped for a migration and is still to start again: a file on the host for each such service."""

from __future__ import annotations

from collections.abc import Iterable

from galos_ops.host.lock import STATE

SUFFIX = ".stopped"


def remember(service: str, image: str) -> str:
    """Return a script that notes the image which a service ran before it was stopped."""
    return f"umask 077; printf '%s\\n' {image} >{STATE}/{service}{SUFFIX} || exit 1"


def forget(services: Iterable[str]) -> str:
    """Return a script that strikes out services which run again, or which somebody stopped for good."""
    return f"rm -f {' '.join(f'{STATE}/{name}{SUFFIX}' for name in services)}"
