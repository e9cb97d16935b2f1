"""What a container of a stack has mounted, from the volumes and the tmpfs of a resolved compose file; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

TYPES = ("bind", "tmpfs", "volume")
OPTIONS = frozenset((
    "", "ro", "rw", "nocopy", "cached", "consistent", "delegated", "private", "rprivate", "shared", "rshared", "slave",
    "rslave",
))  # fmt: skip
"""Those of a volume in the short form that `docker stack deploy` heeds, or that mean nothing on Linux."""
TMPFS_OPTIONS = frozenset(("", "rw", "noexec", "nosuid", "nodev", "mode=1777", "mode=01777"))
"""Those that every tmpfs of a stack has."""
UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}

Row = Mapping[str, Any]


def mounts(row: Row) -> list[Any]:
    """Return the volumes of a service as a stack file has them, and its tmpfs, which `docker stack` passes over."""
    return [*map(_volume, row.get("volumes") or []), *map(_tmpfs, _listed(row))]


def unsupported(row: Row) -> Iterator[str]:
    """Yield what of it a stack cannot have."""
    for volume in row.get("volumes") or []:
        if isinstance(volume, Mapping):
            if (kind := volume.get("type", "volume")) not in TYPES:
                yield f"volumes: type {kind}"
            size = (volume.get("tmpfs") or {}).get("size", 0)
            if _bytes(size) is None:
                yield f"volumes.tmpfs: size {size}"
        elif str(volume).count(":") > 1 and not OPTIONS.issuperset(str(volume).rpartition(":")[2].split(",")):
            yield f"volumes: {volume}"
    for one in _listed(row):
        size, options = _parsed(one)
        if _bytes(size) is None or options - TMPFS_OPTIONS:
            yield f"tmpfs: {one}"


def _volume(volume: Any) -> Any:
    size = volume["tmpfs"].get("size") if isinstance(volume, Mapping) and volume.get("tmpfs") else None
    return volume if size is None else {**volume, "tmpfs": {"size": _bytes(size)}}


def _tmpfs(one: str) -> dict[str, Any]:
    size = _bytes(_parsed(one)[0])
    return {"type": "tmpfs", "target": one.partition(":")[0]} | ({"tmpfs": {"size": size}} if size else {})


def _listed(row: Row) -> list[str]:
    found = row.get("tmpfs") or []
    return [found] if isinstance(found, str) else list(found)


def _parsed(one: str) -> tuple[str, set[str]]:
    """The size of a tmpfs in the short form, 0 without one, and its other options."""
    options = set(one.partition(":")[2].split(","))
    sizes = {option for option in options if option.startswith("size=")}
    return max(sizes, default="size=0").removeprefix("size="), options - sizes


def _bytes(size: object) -> int | None:
    """A size with the unit that it may have, None where that is no number of bytes."""
    match = re.fullmatch(r"(\d+)([kmg]?)(?:i?b)?", str(size).lower())
    return int(match[1]) * UNITS[match[2]] if match else None
