"""The configuration as frozen, checked data: `Settings.of(c.config)` or a `UsageError` that names the key."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal

from galos_ops.config.building import Fault, build
from galos_ops.errors import UsageError

Engine = Literal["compose", "swarm"]
Credentials = Literal["file", "instance"]
ToolName = Literal["sqlx", "dbmate", "alembic", "django", "flyway", "rails", "command", "none"]
Where = Literal["service", "host"]

SERVICE_NAME = r"[a-zA-Z0-9][a-zA-Z0-9._-]*\Z"  # what the compose specification allows
REGISTRY = (
    r"(?P<account>[0-9]{12})\.dkr"
    r"(\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?"
    r"|-ecr(-fips)?\.(?P<dual>[a-z0-9-]+)\.on\.(aws|amazonwebservices\.com\.cn))\Z"
)
REPOSITORY = r"[a-z0-9]+([._/-]+[a-z0-9]+)*\Z"
REGION = r"[a-z]{2}(-[a-z]+)+-[0-9]+\Z"
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z"
DIGEST = r"sha256:[0-9a-f]{64}\Z"
FILE = r"[^\0]+\Z"
DIRECTORY = r"(~|~?/[^\n\0]*)\Z"


def text(default: str, pattern: str, meaning: str) -> Any:
    """A key whose value matches a pattern, and what that is called."""
    return field(default=default, metadata={"pattern": pattern, "meaning": meaning})


def number(default: int, least: int) -> Any:
    """A key whose value is a whole number, at least so great."""
    return field(default=default, metadata={"least": least})


@dataclass(frozen=True)
class Migration:
    """How the migrations of a service are checked and run.

    `stops` are the services that stop too while they run; None is every one that has the same DATABASE_URL.
    """

    tool: ToolName = "sqlx"
    where: Where = "service"
    service: str = text("", SERVICE_NAME, "a compose service name")
    arguments: str = ""
    check: str | None = None
    run: str | None = None
    backup: str | None = None
    timeout: int = number(3600, least=1)
    stops: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Service:
    """One row of the runbook's table of services; `migration.service` is the service itself when empty."""

    repository: str = text("", REPOSITORY, "an ECR repository name")
    tag: str = text("latest", TAG, "a Docker tag")
    migration: Migration = field(default_factory=Migration)


@dataclass(frozen=True)
class Ecr:
    registry: str = text(
        "261923651564.dkr.ecr.eu-central-1.amazonaws.com",
        REGISTRY,
        "ECR's, such as ACCOUNT.dkr.ecr.REGION.amazonaws.com; another one would need a login and a helper of its own",
    )
    region: str = text("eu-central-1", REGION, "an AWS region such as eu-central-1")
    profile: str | None = None
    credentials: Credentials = "file"


@dataclass(frozen=True)
class Verify:
    seconds: int = number(5, least=0)


@dataclass(frozen=True)
class Releases:
    keep: int = number(5, least=1)


@dataclass(frozen=True)
class Lock:
    wait: int = number(0, least=0)


def runbook_services() -> dict[str, Service]:
    """The runbook's own table: galos-sync, migrated by sqlx."""
    migration = Migration(service="galos-sync", arguments="--source galos_db/migrations")
    return {"galos-sync": Service(repository="galos-sync", migration=migration)}


@dataclass(frozen=True)
class Fleet:
    """How many hosts change at a time where nothing migrates, and the seconds between two groups of them."""

    parallel: int = number(1, least=1)
    pause: int = number(0, least=0)


@dataclass(frozen=True)
class Hooks:
    """Local commands around what changes a host; they get the JSON document on standard input."""

    before: str | None = None
    after: str | None = None
    failed: str | None = None


@dataclass(frozen=True)
class Settings:
    """The whole `galos:` tree of the configuration; times are whole seconds."""

    engine: Engine = "compose"
    directory: str = text("~", DIRECTORY, "a path in one line that starts with / or ~/")
    env_file: str = text(".env", FILE, "the path of a file")
    env_command: str | None = None
    ecr: Ecr = field(default_factory=Ecr)
    services: dict[str, Service] = field(default_factory=runbook_services)
    verify: Verify = field(default_factory=Verify)
    releases: Releases = field(default_factory=Releases)
    lock: Lock = field(default_factory=Lock)
    hosts: str = ""
    fleet: Fleet = field(default_factory=Fleet)
    hooks: Hooks = field(default_factory=Hooks)

    @staticmethod
    def of(tree: Mapping[str, Any]) -> Settings:
        """Check the `galos:` tree; raises `UsageError` with the full name of a bad key and the nearest known one."""
        settings, faults = examine(tree)
        if faults:
            raise faults[0].error
        return settings

    def chosen(self, name: str | None) -> dict[str, Service]:
        """The services a task works on: the named one, or all of them; raises `UsageError` for an unknown name."""
        if name is None:
            return self.services
        if name not in self.services:
            known = ", ".join(self.services)
            raise UsageError(f"No service is named {name!r} in galos.services.", hint=f"use one of: {known}")
        return {name: self.services[name]}

    def image(self, service: Service, tag: str | None = None) -> str:
        """The full reference `REGISTRY/REPOSITORY:TAG` of a service's image; a digest comes behind `@`."""
        wanted = tag or service.tag
        return f"{self.ecr.registry}/{service.repository}{'@' if re.match(DIGEST, wanted) else ':'}{wanted}"


def examine(tree: Mapping[str, Any]) -> tuple[Settings, list[Fault]]:
    """Return the settings that a `galos:` tree means, and all that is wrong with it, which has its default there."""
    faults: list[Fault] = []
    settings = build(Settings, tree, "galos", faults)
    services = {name: _complete(name, service) for name, service in settings.services.items()}
    settings = replace(settings, services=services)
    wrong = tuple(fault.key for fault in faults)
    # what a default in the place of a faulty value breaks is no fault of its own
    faults += [one for one in _broken_rules(settings) if not any(key.startswith(one.key) for key in wrong)]
    return settings, faults


def _complete(name: str, service: Service) -> Service:
    migration = service.migration if service.migration.service else replace(service.migration, service=name)
    return Service(service.repository or name, service.tag, migration)


def _broken_rules(settings: Settings) -> Iterator[Fault]:
    """The rules that types cannot say."""
    yield from _broken_fields(settings, "galos")
    if not settings.services:
        yield Fault("galos.services", "galos.services is empty.", "add a row to services: in fabfile.yml")
    for name, service in settings.services.items():
        row = f"galos.services.{name}"
        if not re.match(SERVICE_NAME, name):
            yield Fault(row, f"{row} is {name!r}; it must be a compose service name.")
        yield from _broken_fields(service, row)
        yield from _broken_migration_rules(f"{row}.migration", service.migration, settings.services)


def _broken_fields(item: Any, path: str) -> Iterator[Fault]:
    """The rules that the fields of a dataclass have, and those of what is in them."""
    for each in fields(item):
        key, value, rule = f"{path}.{each.name}", getattr(item, each.name), each.metadata
        if is_dataclass(value):
            yield from _broken_fields(value, key)
        elif "pattern" in rule and not re.match(rule["pattern"], value):
            yield Fault(key, f"{key} is {value!r}; it must be {rule['meaning']}.")
        elif "least" in rule and value < rule["least"]:
            yield Fault(key, f"{key} is {value}; it must be at least {rule['least']}.")


def _broken_migration_rules(row: str, migration: Migration, services: Mapping[str, Service]) -> Iterator[Fault]:
    for other in migration.stops or ():
        if other not in services:
            near = difflib.get_close_matches(other, services, n=1)
            yield Fault(
                f"{row}.stops",
                f"{row}.stops names {other!r}, which is no service of galos.services.",
                f"did you mean {near[0]}?" if near else f"use some of: {', '.join(services)}",
            )
    try:
        shlex.split(migration.arguments)
    except ValueError as error:
        yield Fault(f"{row}.arguments", f"{row}.arguments is {migration.arguments!r}: {error}.")
    if migration.tool == "command" and not (migration.check and migration.run):
        yield Fault(row, f"{row}: tool command needs both check and run.")
    if migration.tool != "command" and (migration.check or migration.run):
        yield Fault(row, f"{row}: check and run are for tool command, not {migration.tool}.")
