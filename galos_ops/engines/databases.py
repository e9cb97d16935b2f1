"""Which services must not run while one of them migrates, by the database that each is given; no URL is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from galos_ops.config.settings import Settings
from galos_ops.engines.snapshot.snapshot import Snapshot

VARIABLE = "DATABASE_URL"
PORTS = {
    **dict.fromkeys(("postgres", "postgresql", "postgis"), 5432),
    "cockroachdb": 26257,
    **dict.fromkeys(("mysql", "mysql2", "mariadb", "trilogy"), 3306),
    **dict.fromkeys(("mssql", "sqlserver"), 1433),
    "oracle": 1521,
    "clickhouse": 9000,
    "bigquery": 443,
    "spanner-postgres": 5432,
}
"""The schemes of the URLs that migration tools take, with the port where a URL has none."""
HERE = "localhost"
OURS = re.compile(r"localhost|127\..*|::1|(host|gateway)\.docker\.internal|host-gateway")
"""Servers that are, on every host, that host or the container itself: they are called `HERE`."""


def stops(settings: Settings, snapshot: Snapshot, service: str) -> tuple[str, ...]:
    """Return the configured services that must not run while one migrates, itself first, else in their order.

    Those that `migration.stops` names, or else every one that docker-compose gives the same database.
    """
    migration = settings.services[service].migration
    if migration.stops is None:
        mine = _databases(snapshot, service) | _databases(snapshot, migration.service)
        found = [name for name in settings.services if mine & _databases(snapshot, name)]
    else:
        found = list(migration.stops)
    return tuple(dict.fromkeys((service, *found)))


def used(snapshot: Snapshot, service: str) -> Sequence[object] | None:
    """Return what the URL of a service's database means; None without one."""
    url = snapshot.given(service).get(VARIABLE)
    return database(url, dict(_names(snapshot, service))) if url else None


def local(snapshot: Snapshot, service: str) -> str:
    """Return the server of a service's database where its name means another one on every host, else nothing.

    That is a service of the compose file, this machine itself, or a socket.
    """
    *servers, _ = used(snapshot, service) or ("",)
    names = [str(one[0]) for one in servers if isinstance(one, tuple)]
    own = {*snapshot.rows(), HERE, ""}
    return next((name or "a socket" for name in names if name in own or name.startswith("/")), "")


def _names(snapshot: Snapshot, service: str) -> Iterator[tuple[str, str]]:
    """Each name by which a container of a service finds another one of the compose file, or this host, and its own."""
    rows = snapshot.rows()
    for name, row in rows.items():
        networks = row.get("networks")
        joined = networks.values() if isinstance(networks, dict) else ()
        aliases = [alias for network in joined for alias in (network or {}).get("aliases") or []]
        yield from ((str(one).lower(), name) for one in (name, row.get("container_name") or name, *aliases))
    mine = rows.get(service, {})
    for link in mine.get("links") or []:
        name, _, alias = str(link).partition(":")
        yield (alias or name).lower(), name
    yield from _hosts(mine.get("extra_hosts") or [])


def _hosts(given: Any) -> Iterator[tuple[str, str]]:
    """The rows of `extra_hosts`: `NAME:ADDRESS` in v1, `NAME=ADDRESS` in v2, or a mapping."""
    rows = given.items() if isinstance(given, dict) else (re.split("[:=]", str(row), maxsplit=1) for row in given)
    for name, address in rows:
        for one in address if isinstance(address, list) else [address]:
            yield str(name).lower(), str(one).strip("[]").lower()


def _databases(snapshot: Snapshot, service: str) -> set[Sequence[object]]:
    found = used(snapshot, service)
    return {found} if found else set()


def database(url: str, names: Mapping[str, str] | None = None) -> Sequence[object]:
    """Return what two URLs of one database have in common: servers with their ports, and the database's name.

    User, password, driver and options do not count; `names` are other names of servers. Tools read passwords with
    `/`, `?`, `#`, `[` as they are, too. A URL that cannot be read is one of its own.
    """
    try:
        return _read(url, names or {})
    except ValueError:
        scheme, _, rest = url.partition("://")
        bare = f"{scheme}://{rest.rpartition('@')[2]}"
        return (url,) if bare == url else database(bare, names)


def _read(url: str, names: Mapping[str, str]) -> Sequence[object]:
    """The same of a URL as the standard has it; raises `ValueError`."""
    parts = urlsplit(url)
    behind = f"{parts.path or parts.query}{parts.fragment}"
    if ":" in parts.netloc and "@" not in parts.netloc and "@" in behind:
        raise ValueError("what looks like a port begins a password")
    query = parse_qs(parts.query)
    servers = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
    port = PORTS.get(parts.scheme.partition("+")[0], 0)
    named = [(unquote(one.hostname or ""), one.port or int(query.get("port", [port])[-1])) for one in servers]
    if any(not host for host, _ in named):
        named = [(query.get("host", [""])[-1].lower(), named[0][1])]
    named = [(_server(host, names), port) for host, port in named]
    name = query.get("dbname", query.get("database", [unquote(parts.path.removeprefix("/"))]))[-1]
    return (*named, name)


def _server(host: str, names: Mapping[str, str]) -> str:
    known = names.get(host, host)
    return HERE if OURS.fullmatch(known) else known
