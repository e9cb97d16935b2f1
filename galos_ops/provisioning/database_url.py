"""What a database URL must have, told without quoting it."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from galos_ops.engines.databases import PORTS

FILES = ("sqlite", "sqlite3")
EXAMPLES = ("postgres", "postgresql", "mysql", "sqlite")


def url_problem(url: str) -> str | None:
    """What is wrong with a URL such as `postgresql://user:password@host:5432/name`, or None.

    SQLAlchemy's `postgresql+driver`, a socket in `?host=` and libpq's `host1:1,host2:2` are fine.
    """
    scheme, separator, rest = url.partition("://")
    base = scheme.lower().partition("+")[0]
    if not separator or base not in (*PORTS, *FILES):
        return f"does not start with one of {', '.join(f'{name}://' for name in EXAMPLES)}"
    if re.search(r"\s", url):
        return "holds a space: write it as %20"
    if re.search(r"%(?![0-9A-Fa-f]{2})", url):
        return "holds a % that starts no escape: write it as %25"
    if base in FILES:
        return None if rest.strip("/") else "names no database file"
    if "#" in url:
        return "holds a #: write it as %23"
    return _server_problem(f"{base}://{rest}")


def _server_problem(url: str) -> str | None:
    escapes = "write @ / : ? [ in a user name or password as %40 %2F %3A %3F %5B"
    try:
        parts = urlsplit(url)
        hosts = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
        ports = [host.port for host in hosts]
    except ValueError:
        return f"has a host or port that cannot be read: {escapes}"
    if parts.netloc.count("@") > 1 or "@" in parts.path:
        return f"holds more than one @: {escapes}"
    if (parts.username or "").count(":") or (parts.password or "").count(":"):
        return f"holds more than one : before the @: {escapes}"
    if 0 in ports:
        return "has port 0"
    query = parse_qs(parts.query)
    if not all(host.hostname for host in hosts) and "host" not in query:
        return "names no host"
    if not parts.path.strip("/") and not {"dbname", "database"} & query.keys():
        return "names no database"
    return None
