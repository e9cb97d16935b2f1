"""The configuration as frozen, checked data: `Settings.of(c.config)` or a `UsageError` that names the key."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from galos_ops.errors import UsageError

Engine = Literal["compose", "swarm"]
Credentials = Literal["file", "instance"]
ToolName = Literal["sqlx", "dbmate", "alembic", "django", "flyway", "rails", "command", "none"]
Where = Literal["service", "host"]

SERVICE_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*\Z")  # what the compose specification allows
REGISTRY = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?\Z")
REPOSITORY = re.compile(r"[a-z0-9]+([._/-]+[a-z0-9]+)*\Z")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+\Z")
TAG = re.compile(r"\w[\w.-]{0,127}\Z", re.ASCII)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Migration:
    """How the migrations of a service are checked and run.

    `stops` are the services that stop too while they run; None is every one that has the same DATABASE_URL.
    """

    tool: ToolName = "sqlx"
    where: Where = "service"
    service: str = ""
    arguments: str = ""
    check: str | None = None
    run: str | None = None
    backup: str | None = None
    timeout: int = 3600
    stops: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Service:
    """One row of the runbook's table of services; `migration.service` is the service itself when empty."""

    repository: str = ""
    tag: str = "latest"
    migration: Migration = field(default_factory=Migration)


@dataclass(frozen=True)
class Ecr:
    registry: str = "261923651564.dkr.ecr.eu-central-1.amazonaws.com"
    region: str = "eu-central-1"
    profile: str | None = None
    credentials: Credentials = "file"


@dataclass(frozen=True)
class Verify:
    seconds: int = 5


@dataclass(frozen=True)
class Releases:
    keep: int = 5


@dataclass(frozen=True)
class Lock:
    wait: int = 0


def runbook_services() -> dict[str, Service]:
    """The runbook's own table: galos-sync, migrated by sqlx."""
    migration = Migration(service="galos-sync", arguments="--source galos_db/migrations")
    return {"galos-sync": Service(repository="galos-sync", migration=migration)}


@dataclass(frozen=True)
class Settings:
    """The whole `galos:` tree of the configuration; times are whole seconds."""

    engine: Engine = "compose"
    directory: str = "~"
    env_file: str = ".env"
    ecr: Ecr = field(default_factory=Ecr)
    services: dict[str, Service] = field(default_factory=runbook_services)
    verify: Verify = field(default_factory=Verify)
    releases: Releases = field(default_factory=Releases)
    lock: Lock = field(default_factory=Lock)
    hosts: str = ""

    @staticmethod
    def of(tree: Mapping[str, Any]) -> Settings:
        """Check the `galos:` tree; raises `UsageError` with the full name of a bad key and the nearest known one."""
        settings = _build(Settings, tree, "galos")
        services = {name: _complete(name, service) for name, service in settings.services.items()}
        settings = Settings(**{**_shallow(settings), "services": services})
        _check(settings)
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
        return f"{self.ecr.registry}/{service.repository}{'@' if DIGEST.match(wanted) else ':'}{wanted}"


def _shallow(item: Settings) -> dict[str, Any]:
    return {known.name: getattr(item, known.name) for known in fields(item)}


def _complete(name: str, service: Service) -> Service:
    migration = service.migration
    if not migration.service:
        migration = Migration(**{**asdict(migration), "service": name})
    return Service(service.repository or name, service.tag, migration)


T = TypeVar("T")


def _build(cls: type[T], tree: object, path: str) -> T:
    if not isinstance(tree, Mapping):
        raise UsageError(f"{path} must be a mapping, not {called(tree)}.")
    known = get_type_hints(cls)
    for key in tree:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f"did you mean {path}.{near[0]}?" if near else f"known keys: {', '.join(known)}"
            raise UsageError(f"{path}.{key} is not a known key.", hint=hint)
    return cls(**{key: _value(known[key], value, f"{path}.{key}") for key, value in tree.items()})


def _value(kind: Any, value: object, path: str) -> Any:
    origin, choices = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in choices:
            raise UsageError(f"{path} is {value!r}; it must be one of: {', '.join(choices)}.")
        return value
    if origin is dict:
        if not isinstance(value, Mapping):
            raise UsageError(f"{path} must be a mapping, not {called(value)}.")
        return {str(key): _build(choices[1], row, f"{path}.{key}") for key, row in value.items()}
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise UsageError(f"{path} must be a list, not {called(value)}.")
        return tuple(_value(choices[0], one, f"{path}[{index}]") for index, one in enumerate(value))
    if origin is not None:  # X | None
        return None if value is None else _value(choices[0], value, path)
    if kind in (str, int):
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UsageError(f"{path} must be {NAMES[kind]}, not {called(value)}.")
        return value
    return _build(kind, value, path)


NAMES: dict[Any, str] = {
    str: "text", int: "a whole number", bool: "true or false", float: "a decimal number",
    list: "a list", tuple: "a list", dict: "a mapping", type(None): "empty",
}  # fmt: skip


def called(value: object) -> str:
    """What a value of a YAML file is called."""
    return NAMES.get(type(value), type(value).__name__)


def _check(settings: Settings) -> None:
    """The rules that types cannot say."""
    _pattern("galos.ecr.registry", settings.ecr.registry, REGISTRY, "ACCOUNT.dkr.ecr.REGION.amazonaws.com")
    _pattern("galos.ecr.region", settings.ecr.region, REGION, "an AWS region such as eu-central-1")
    if settings.engine == "swarm":
        raise UsageError("galos.engine swarm is not supported yet.", hint="set galos.engine: compose")
    if not settings.services:
        raise UsageError("galos.services is empty.", hint="add a row to services: in fabfile.yml")
    if not re.match(r"(~|/)", settings.directory) or re.match(r"~[^/]", settings.directory):
        raise UsageError(f"galos.directory is {settings.directory!r}; it must start with / or ~/.")
    if "\n" in settings.directory or "\0" in settings.directory:
        raise UsageError("galos.directory must be one line.")
    numbers = {
        "galos.verify.seconds": (settings.verify.seconds, 0),
        "galos.releases.keep": (settings.releases.keep, 1),
        "galos.lock.wait": (settings.lock.wait, 0),
    }
    for name, service in settings.services.items():
        row, migration = f"galos.services.{name}", service.migration
        _pattern(row, name, SERVICE_NAME, "a compose service name")
        _pattern(f"{row}.repository", service.repository, REPOSITORY, "an ECR repository name")
        _pattern(f"{row}.tag", service.tag, TAG, "a Docker tag")
        _pattern(f"{row}.migration.service", migration.service, SERVICE_NAME, "a compose service name")
        numbers[f"{row}.migration.timeout"] = (migration.timeout, 1)
        for other in migration.stops or ():
            if other not in settings.services:
                near = difflib.get_close_matches(other, settings.services, n=1)
                raise UsageError(
                    f"{row}.migration.stops names {other!r}, which is no service of galos.services.",
                    hint=f"did you mean {near[0]}?" if near else f"use some of: {', '.join(settings.services)}",
                )
        try:
            shlex.split(migration.arguments)
        except ValueError as error:
            raise UsageError(f"{row}.migration.arguments is {migration.arguments!r}: {error}.") from error
        if migration.tool == "command" and not (migration.check and migration.run):
            raise UsageError(f"{row}.migration: tool command needs both check and run.")
        if migration.tool != "command" and (migration.check or migration.run):
            raise UsageError(f"{row}.migration: check and run are for tool command, not {migration.tool}.")
    for key, (number, least) in numbers.items():
        if number < least:
            raise UsageError(f"{key} is {number}; it must be at least {least}.")


def _pattern(key: str, value: str, pattern: re.Pattern[str], meaning: str) -> None:
    if not pattern.match(value):
        raise UsageError(f"{key} is {value!r}; it must be {meaning}.")
