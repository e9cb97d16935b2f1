"""The help of options that several tasks have."""

from __future__ import annotations

SERVICE = {"service": "one service of galos.services; without it, all of them"}
DRY = {"dry-run": "look at the host and show what would be done; change nothing"}
JSON = {"json": "one JSON document on standard output, everything else on standard error"}
