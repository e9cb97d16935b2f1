"""Pointing a connection at what `ssh HOST` reaches: address, user, port, keys, and the gateways before it."""

from __future__ import annotations

import getpass
import os
import re
import shlex
from collections.abc import Callable
from typing import Any

import paramiko
from fabric import Config, Connection
from fabric.connection import derive_shorthand
from paramiko.config import SSHConfig, SSHConfigDict
from paramiko.ssh_exception import SSHException

from galos_ops.errors import UsageError
from galos_ops.host import ssh_config
from galos_ops.host.authentication import SshAuthentication
from galos_ops.host.ssh_config import SSH_PORT, Login, SshConfig

USUAL = ("~/.ssh/config", "/etc/ssh/ssh_config")
HOP = re.compile(r"(?:(.+)@)?(?:\[([^]]+)]|([^:@]+))(?::([0-9]+))?")
"""USER@HOST:PORT as `ssh -G` prints a gateway; an address of numbers is in brackets."""


class LeftToSsh(SSHConfig):
    """The ssh_config of a connection that Fabric looks nothing up in: ssh does (`resolve`)."""

    def lookup(self, hostname: str | None) -> SSHConfigDict:
        """Raise `ValueError` for a host without a name, as -H may have it."""
        if not hostname:
            raise ValueError("a host without a name")
        return super().lookup(hostname)


class ProxyCommand:
    """A gateway, as Fabric's connection asks for one, that is a command of ssh_config (ProxyCommand)."""

    def __init__(self, command: str) -> None:
        self._argv = ["sh", "-c", f"exec {command}"]
        self.transport = self

    def open(self) -> None:
        """Nothing: the command starts with the channel."""

    def open_channel(self, **_: Any) -> paramiko.ProxyCommand:
        return paramiko.ProxyCommand(shlex.join(self._argv))


def load_leniently(load: Callable[[], None]) -> None:
    """Let Fabric load the files of ssh_config; with an ssh to ask, what Fabric cannot make sense of is no matter."""
    try:
        load()
    except (SSHException, ValueError):
        if not ssh_config.usable():
            raise


def unresolved(config: Config) -> Config:
    """Return a copy of a configuration for one connection; with an ssh to ask, Fabric looks up nothing in it."""
    own = config.clone(into=Config)
    if ssh_config.usable():
        own.base_ssh_config = LeftToSsh()
    return own


def address(connection: Connection) -> str:
    """Return a connection's host as -H has it, with the user and port that ssh_config does not give it."""
    ssh, config = connection.ssh_config, connection.config
    user = "" if connection.user == ssh.get("user", config.user) else f"{connection.user}@"
    port = "" if connection.port == int(ssh.get("port", config.port)) else f":{connection.port}"
    return f"{user}{connection.original_host}{port}"


def login_of(connection: Connection, typed: str) -> Login:
    """Return what ssh is asked for a connection with the user and port of an address, as -H has it."""
    short = derive_shorthand(typed)
    return Login(connection.original_host, short["user"], short["port"])


def resolve(connection: Connection, login: Login, before: tuple[Login, ...] = ()) -> None:
    """Point a connection that is not open at what `ssh` reaches for a login; what Fabric was given wins.

    It stays as it is where it is open or resolved already, where no ssh can be asked, and where its ssh_config was not
    read from the files that ssh reads. `before` are the logins that it is a gateway of. Raises `UsageError`.
    """
    settled = connection.is_connected or isinstance(connection.ssh_config, SshConfig)
    if settled or not ssh_config.usable() or not _of_the_files(connection.config):
        return
    if login in before:
        raise UsageError(
            f"{before[0].name}: its ProxyJump leads back to {login.name}.",
            hint="correct it in the ssh_config: " + shlex.join(["ssh", *_options(connection.config), before[0].name]),
        )
    gateway, chain = connection.gateway, (*before, login)
    found = gateway == connection.get_gateway() and not getattr(gateway, "is_connected", False)
    config = ssh_config.ask(login, _options(connection.config))
    _apply(connection, config, login)
    if found:
        gateway = _gateway(config, connection.config, chain)
    if isinstance(gateway, Connection):
        resolve(gateway, login_of(gateway, address(gateway)), chain)
    connection.gateway = gateway


def _apply(connection: Connection, config: SshConfig, login: Login) -> None:
    """Set what Fabric opens a connection with; where ssh has but its own default, that of Fabric counts."""
    fabric, given = connection.config, dict(connection.connect_kwargs)
    named = config["user"] != ssh_config.user() or fabric.user == getpass.getuser()
    port = int(config["port"])
    connection.ssh_config = config
    connection.host = config["hostname"]
    connection.user = login.user or (config["user"] if named else fabric.user)
    connection.port = login.port or (fabric.port if port == SSH_PORT else port)
    if config["connecttimeout"].isdigit() and connection.connect_timeout == fabric.timeouts.connect:
        connection.connect_timeout = int(config["connecttimeout"])
    connection.connect_kwargs = {"auth_strategy": SshAuthentication(connection.user, config, given), **given}


def _gateway(config: SshConfig, fabric: Config, before: tuple[Login, ...]) -> Any:
    """Return the gateway that ssh_config names, its own gateways before it, else the one that Fabric's config has."""
    if "proxyjump" in config:
        jump, _, last = config["proxyjump"].rpartition(",")
        user, literal, name, port = HOP.findall(last)[0]
        gateway = Connection(literal or name, config=unresolved(fabric))
        resolve(gateway, Login(literal or name, user or None, int(port) if port else None, jump), before)
        return gateway
    if "proxycommand" in config:
        return ProxyCommand(config["proxycommand"])
    return fabric.gateway


def _options(config: Config) -> list[str]:
    """Return ssh's options for the files that a configuration of Fabric's names: that of -S, the usual ones, none."""
    if config._runtime_ssh_path is not None:
        return ["-F", os.path.expanduser(config._runtime_ssh_path)]
    return [] if config.load_ssh_configs else ["-F", "none"]


def _of_the_files(config: Config) -> bool:
    """Tell whether what Fabric knows of ssh_config is those files, and nothing that a program gave it instead.

    Fabric reads them again for each copy of a configuration, and then knows every line as often.
    """
    if isinstance(config.base_ssh_config, LeftToSsh):
        return True
    options = _options(config)
    paths = [path for path in options[1:] if path != "none"] if options else USUAL
    read = SSHConfig()
    for path in map(os.path.expanduser, paths):
        if os.path.isfile(path):
            with open(path) as file:
                read.parse(file)
    known, once = config.base_ssh_config._config, read._config  # type: ignore[attr-defined]
    return bool(known == once * max(1, len(known) // max(1, len(once))))
