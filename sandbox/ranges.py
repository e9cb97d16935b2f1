"""Private address ranges that collide with nothing this machine knows."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

from galos_ops.errors import NotReadyError

CANDIDATES = tuple(IPv4Network(f"10.{n}.0.0/16") for n in range(213, 255))
ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")


def free(taken: Iterable[IPv4Network]) -> IPv4Network:
    """Return the first candidate that overlaps nothing taken; raises NotReadyError where there is none."""
    known = list(taken)
    for candidate in CANDIDATES:
        if not any(candidate.overlaps(each) for each in known):
            return candidate
    first, last = CANDIDATES[0], CANDIDATES[-1]
    raise NotReadyError(
        f"no address range from {first} to {last} is free on this machine", hint="ip route show table all"
    )


def taken(*, ours: str = "") -> list[IPv4Network]:
    """The networks that this machine routes, devices whose name matches `ours` aside, and the servers it resolves with.

    The default route counts for nothing; where there is no `ip`, only the servers are known.
    """
    return [*routes(ours), *servers()]


def routes(ours: str = "") -> list[IPv4Network]:
    """The destinations of every IPv4 route of this machine, in every table."""
    if not shutil.which("ip"):
        return []
    done = subprocess.run(
        ["ip", "-json", "-4", "route", "show", "table", "all"], capture_output=True, text=True, check=True
    )
    found = []
    for route in json.loads(done.stdout or "[]"):
        if ours and re.fullmatch(ours, route.get("dev", "")):
            continue
        destination = route.get("dst", "default")
        if destination not in ("default", "0.0.0.0/0"):
            found.append(IPv4Network(destination, strict=False))
    return found


def servers() -> list[IPv4Network]:
    """Each name server of this machine, and each proxy that its environment names by an address."""
    resolver = Path("/etc/resolv.conf")
    named = resolver.read_text() if resolver.exists() else ""
    proxies = " ".join(value for name, value in os.environ.items() if name.lower().endswith("_proxy"))
    return [IPv4Network(address) for address in ADDRESS.findall(f"{named} {proxies}") if valid(address)]


def valid(address: str) -> bool:
    """Tell whether four numbers are an address."""
    try:
        return bool(ipaddress.IPv4Address(address))
    except ValueError:
        return False
