"""Logging in as ssh does: which keys, of which agent and files, with which certificates, in which order."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from paramiko import AgentKey, PKey, Transport
from paramiko.agent import SSH2_AGENT_IDENTITIES_ANSWER, AgentSSH, cSSH2_AGENTC_REQUEST_IDENTITIES
from paramiko.pkey import PublicBlob
from paramiko.ssh_exception import AuthenticationException, SSHException

from galos_ops.host.key_files import UNREADABLE, certificate, certified, load, public_key
from galos_ops.host.ssh_config import SshConfig

AGENT_SECONDS = 120
"""How long an agent may take, which may ask a person: sshd itself waits no longer for a login (LoginGraceTime)."""

Load = Callable[[], PKey]
"""Returns a key to try, or raises one of `UNREADABLE`."""


class Agent(AgentSSH):
    """The keys of the agent at a socket, without those that Paramiko cannot read; none where no agent answers there."""

    def __init__(self, path: str) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(AGENT_SECONDS)
        try:
            connection.connect(path)
            self._connect(connection)
        except (SSHException, OSError):
            connection.close()

    def close(self) -> None:
        self._close()  # type: ignore[attr-defined]

    def _connect(self, connection: socket.socket) -> None:
        """Ask for the keys as Paramiko does, which takes their comments, that are any bytes, for UTF-8."""
        self._conn = connection
        kind, answer = self._send_message(cSSH2_AGENTC_REQUEST_IDENTITIES)  # type: ignore[attr-defined]
        if kind != SSH2_AGENT_IDENTITIES_ANSWER:
            raise SSHException("the agent lists no keys")
        blobs = [(answer.get_binary(), answer.get_binary())[0] for _ in range(answer.get_int())]
        self._keys = tuple(filter(None, map(self._key, blobs)))

    def _key(self, blob: bytes) -> AgentKey | None:
        with contextlib.suppress(Exception):
            return AgentKey(self, blob)
        return None


class SshAuthentication:
    """Paramiko's `auth_strategy`: certificates, the agent's keys that ssh_config names, its others, keys in files.

    `given` are Fabric's own keywords (`-i`, the prompts, `connect_kwargs`): their keys come first, a password last.
    """

    def __init__(self, user: str, config: SshConfig, given: Mapping[str, Any]) -> None:
        self._user, self._config, self._given = user, config, given
        self._passphrase: str | None = given.get("passphrase") or given.get("password")
        self._wanted: list[str] = []

    def authenticate(self, transport: Transport) -> None:
        """Raise `AuthenticationException` with each reason, unless what we have is enough."""
        agent = Agent(self._socket())
        reasons: dict[str, None] = {}
        self._wanted = []
        try:
            for attempt in self._attempts(transport, agent):
                try:
                    self._wanted = attempt()
                except UNREADABLE as error:
                    reasons[str(error)] = None
                if transport.is_authenticated():
                    return
                if not transport.is_active():
                    break
        finally:
            agent.close()
        if self._wanted:
            reasons[f"besides what we have, the host wants: {', '.join(self._wanted)}"] = None
        raise AuthenticationException("\n".join(reasons) or "there is no key to try")

    def _attempts(self, transport: Transport, agent: Agent) -> Iterator[Callable[[], list[str]]]:
        """What to try; each returns what the host wants besides a key or password that is right."""
        for key in self._keys(agent):
            yield partial(self._offer, transport, key)
            if self._wanted and "publickey" not in self._wanted:
                break
        password = self._given.get("password")
        if password is not None:
            yield partial(transport.auth_password, self._user, password)
        elif self._wanted:
            yield partial(transport.auth_interactive_dumb, self._user)

    def _offer(self, transport: Transport, key: Load) -> list[str]:
        return transport.auth_publickey(self._user, key())

    def _socket(self) -> str:
        """The path of the agent's socket, empty where no agent is asked (ssh_config(5), IdentityAgent)."""
        named: str = self._config.get("identityagent", "SSH_AUTH_SOCK")
        if named == "none" or not self._given.get("allow_agent", True):
            return ""
        if named == "SSH_AUTH_SOCK" or named.startswith("$"):
            return os.environ.get(named.removeprefix("$"), "")
        return named

    def _keys(self, agent: Agent) -> Iterator[Load]:
        if self._given.get("pkey"):
            yield lambda: self._given["pkey"]
        named = self._given.get("key_filename", [])
        named = [named] if isinstance(named, str) else list(named)
        for path in named:
            yield from self._with_certificate(str(path).removesuffix("-cert.pub"))
        held: dict[bytes, AgentKey] = {key.blob: key for key in agent.get_keys()}
        files = {path: public_key(path, self._passphrase) for path in self._config["identityfile"]}
        for path in self._config["certificatefile"] or [f"{path}-cert.pub" for path in files]:
            yield from self._certified(certificate(path), held, files)
        listed = [key for key in files.values() if key in held]
        others = held if self._config["identitiesonly"] == "no" else {}
        yield from (partial(held.__getitem__, blob) for blob in dict.fromkeys([*listed, *others]))
        yield from (
            partial(load, path, self._passphrase)
            for path, key in files.items()
            if key not in held and path not in named and os.path.exists(path)
        )

    def _with_certificate(self, path: str) -> Iterator[Load]:
        yield from self._certified(certificate(f"{path}-cert.pub"), {}, {path: public_key(path, self._passphrase)})
        yield partial(load, path, self._passphrase)

    def _certified(
        self, found: PublicBlob | None, held: Mapping[bytes, AgentKey], files: Mapping[str, bytes | None]
    ) -> Iterator[Load]:
        """The key of a certificate, with it: the agent's if it has it, else the one of a file."""
        if found is None:
            return
        key = certified(found)
        if key in held:
            yield partial(_with, found, partial(AgentKey, held[key].agent, key))
            return
        for path in (path for path, public in files.items() if public == key):
            yield partial(_with, found, partial(load, path, self._passphrase))


def _with(found: PublicBlob, key: Load) -> PKey:
    loaded = key()
    loaded.public_blob = found
    return loaded
