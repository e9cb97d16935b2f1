"""What the doctor saw of a host, as plain data; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from galos_ops.config.settings import Settings
from galos_ops.engines.facts import Container, Facts
from galos_ops.host.release_log import LOG
from galos_ops.migrations.tools import Answer
from galos_ops.provisioning.dotenv_text import BOM


@dataclass(frozen=True)
class Room:
    """What is left on a file system: kilobytes for `disk`, a count for `inodes`."""

    kind: Literal["disk", "inodes"]
    left: int
    mount: str


@dataclass(frozen=True)
class Detail:
    """More of a container: `health` is empty without a health check, `age` the seconds since it was started."""

    health: str
    age: float
    log_driver: str
    log_size: str


@dataclass(frozen=True)
class Refusal:
    """How the registry kept the host out."""

    sentence: str
    evidence: str = field(default="", repr=False)


@dataclass(frozen=True)
class Examined:
    """A host as the doctor saw it, for one `service` of the configuration at a time.

    `texts` are its files by path, absent ones left out, `unreadable` why the others could not be read; `exported` are
    the names of the variables that its login shell sets; `stores` are the credential helpers on its PATH; `clock` is
    how many seconds it is ahead of ours; `held` is whether another task holds its lock. `refusal` is None where the
    registry lets it in; `answers` are those of the migration check by service, `not_asked` why it was not asked.
    """

    settings: Settings
    service: str
    facts: Facts = field(default_factory=Facts)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    user: str = ""
    groups: tuple[str, ...] = ()
    stores: frozenset[str] = frozenset()
    exported: frozenset[str] = frozenset()
    clock: int = 0
    writable: bool = True
    held: bool = False
    rooms: tuple[Room, ...] = ()
    details: Mapping[str, Detail] = field(default_factory=dict)
    refusal: Refusal | None = None
    not_asked: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)

    @property
    def env(self) -> str:
        """The service's .env on the host."""
        return f"{self.settings.directory.rstrip('/')}/.env"

    @property
    def log(self) -> str:
        """The log of the releases on the host."""
        return f"{self.settings.directory.rstrip('/')}/{LOG}"

    @property
    def variables(self) -> str:
        """The text of .env, with plain line ends."""
        return self.texts.get(self.env, "").removeprefix(BOM).replace("\r\n", "\n")

    @property
    def image(self) -> str:
        """The reference that the service is configured to start."""
        return self.settings.image(self.settings.services[self.service])

    @property
    def environment(self) -> dict[str, str]:
        """The variables that docker-compose gives the service."""
        row = self.facts.rows().get(self.service) or {}
        found: Any = row.get("environment") or {}
        pairs = found.items() if isinstance(found, dict) else (str(one).partition("=")[::2] for one in found)
        return {str(name): str(value) for name, value in pairs}

    @property
    def container(self) -> Container | None:
        """The container of the service, one that runs before one that does not."""
        return max(self.facts.of(self.service), key=lambda one: one.alive, default=None)

    @property
    def detail(self) -> Detail | None:
        return self.details.get(self.container.id) if self.container else None
