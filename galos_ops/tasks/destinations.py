"""The hosts of a task: what it was called with, as connections and as addresses for the next command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fabric import Connection, Group
from fabric.connection import derive_shorthand
from invoke.config import Config
from invoke.context import Context

from galos_ops.config.command_line import addresses
from galos_ops.errors import UsageError
from galos_ops.host.resolving import address, unresolved
from galos_ops.tasks import mistakes

Parameters = Mapping[str, Any]
"""What Fabric makes a connection of: the address that -H has under `host`."""


@dataclass(frozen=True)
class Destination:
    """A connection, open or not, and how it is named on a command line."""

    connection: Connection
    address: str

    @property
    def name(self) -> str:
        return str(self.connection.original_host)


@dataclass(frozen=True)
class Hosts:
    """The hosts of -H, in place of the one connection that Fabric gives a task."""

    config: Config
    parameters: tuple[Parameters, ...]


def destinations(task: str, context: object, hosts: str) -> list[Destination]:
    """Return the hosts of a task's first argument: those of -H, a `Connection`, a `Group`, else those of `hosts`.

    Raises `UsageError` without any, for a host that is no address, and for another kind of argument.
    """
    if isinstance(context, (Connection, Group)):
        given = [context] if isinstance(context, Connection) else list(context)
        return [Destination(connection, address(connection)) for connection in given]
    if isinstance(context, Hosts):
        return [connected(parameters, context.config) for parameters in context.parameters]
    if not isinstance(context, Context):
        raise UsageError(
            f"{task} was called with a {type(context).__name__}.",
            hint="give it a fabric.Connection, a Group of them, or the context of a task",
        )
    return [connected({"host": address}, context.config) for address in addresses(hosts)]


def rest_of_fleet(context: object, fleet: str, hosts: list[Destination]) -> list[Destination]:
    """Return the hosts of `galos.hosts` that a task was not given, where it was given any of them."""
    members = [connected({"host": address}, configuration(context)) for address in addresses(fleet)]
    given = {place(destination) for destination in hosts}
    rest = [member for member in members if place(member) not in given]
    return rest if len(rest) < len(members) else []


def place(destination: Destination) -> tuple[str, int]:
    """Where a host is, whoever logs in."""
    return destination.name, destination.connection.port


def configuration(context: object) -> Config:
    """Return the configuration of a task's first argument; raises `UsageError` for a file of -f that is not there."""
    given = context[0] if isinstance(context, Group) and context else context
    config = getattr(given, "config", None) or Config()
    if config._runtime_path and not config._runtime_found:  # Invoke passes over it in silence
        raise UsageError(f"There is no {config._runtime_path}.", hint="name a file that is there after -f")
    return config


def connected(parameters: Parameters, config: Config) -> Destination:
    """A connection that is not open yet; raises `UsageError` for what is no address.

    Each gets a configuration of its own: in a shared one the keys of ssh_config pile up.
    """
    user, port = (parameters.get(name) for name in ("user", "port"))
    named = parameters["host"].strip()  # -H "a, b" has a space in front of b
    host = f"{user}@{named}" if user else named
    try:
        typed = derive_shorthand(host)["port"] if port is None else port
        connection = Connection(**{**parameters, "host": named, "config": unresolved(config)})
    except Exception as error:
        raise mistakes.known(error) from error
    if typed is not None and not 0 < typed < 65536:
        raise UsageError(f"{host} has a port that is not from 1 to 65535.", hint="write it as USER@HOST:PORT")
    return Destination(connection, f"{host}:{port}" if port else host)
