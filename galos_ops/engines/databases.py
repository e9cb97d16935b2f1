"""Which services must not run while one of them migrates, by the database that each is given; no URL is shown."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs, unquote, urlsplit

from galos_ops.config.settings import Settings
from galos_ops.engines.snapshot.snapshot import Snapshot

VARIABLE = "DATABASE_URL"
PORTS = {"mysql": 3306, "mariadb": 3306}
POSTGRESQL = 5432
HERE = ("", "localhost", "::1", "host.docker.internal", "gateway.docker.internal")
"""Servers that are, on every host, that host."""


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
    return database(url) if url else None


def local(snapshot: Snapshot, service: str) -> str:
    """Return the server of a service's database where its name means another one on every host, else nothing.

    That is a service of the compose file, this machine itself, or a socket.
    """
    *servers, _ = used(snapshot, service) or ("",)
    names = [str(one[0]) for one in servers if isinstance(one, tuple)]
    own = {*snapshot.rows(), *HERE}
    return next((name for name in names if name in own or name.startswith(("/", "127."))), "")


def _databases(snapshot: Snapshot, service: str) -> set[Sequence[object]]:
    found = used(snapshot, service)
    return {found} if found else set()


def database(url: str) -> Sequence[object]:
    """Return what two URLs of one database have in common: servers with their ports, and the database's name.

    User, password, driver and options do not count. A URL that cannot be read is one of its own.
    """
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        servers = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
        port = PORTS.get(parts.scheme.partition("+")[0], POSTGRESQL)
        named = [(one.hostname or "", one.port or int(query.get("port", [port])[-1])) for one in servers]
    except ValueError:
        return (url,)
    if any(not host for host, _ in named):
        named = [(query.get("host", [""])[-1].lower(), named[0][1])]
    name = query.get("dbname", query.get("database", [unquote(parts.path.removeprefix("/"))]))[-1]
    return (*named, name)
