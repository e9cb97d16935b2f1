"""One Docker host over SSH: scripts that look at it, and scripts that change it."""

from __future__ import annotations

import contextlib
import select
import shlex
import sys
import time
from dataclasses import replace
from types import TracebackType
from typing import Any

import paramiko
from fabric import Connection
from paramiko.ssh_exception import SSHException

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import CommandFailed, CommandTimedOut, ConnectError, NotReadyError, UsageError
from galos_ops.host.channel import Channels, begin, link_is_dead, send
from galos_ops.host.connection import close, connect, recognise
from galos_ops.host.resolving import unresolved
from galos_ops.host.result import OnLine, Output, Result
from galos_ops.host.shell import ExitCode, for_login_shell

COMMAND_SECONDS = 60
GRACE_SECONDS = 15  # what a remote deadline gets on top before we stop waiting for its word


class Host:
    """An SSH connection to a Docker host whose host key is known.

    `run` looks; whatever alters the host goes through `change` or `sudo`, which a dry run must not reach: they raise
    `RuntimeError` there. `changed` says whether anything has altered it since we connected. `typed` makes the next
    commands of errors.
    """

    dry = False
    changed = False

    def __init__(self, connection: Connection, typed: CommandLine, *, dry: bool = False) -> None:
        self.dry = dry
        self.connection = connection
        self.typed = typed
        self.name: str = connection.original_host
        self._channels: Channels | None = None

    def __enter__(self) -> Host:
        """Connect, or look at the host key of a connection that is open already; `ConnectError`, `HostKeyError`."""
        if self.connection.config.run.dry:
            raise UsageError("fab --dry would change the host all the same.", hint="use --dry-run, behind the task")
        if self.connection.is_connected:
            recognise(self.connection, self.typed)
            self._opened = []
        else:
            self._opened = connect(self.connection, self.typed)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._channels and not self._opened:
            self._channels.close()
        close(self._opened)

    def run(
        self,
        script: str,
        *,
        doing: str,
        stdin: bytes | None = b"",
        timeout: int = COMMAND_SECONDS,
        check: bool = True,
        on_line: OnLine | None = None,
        private: bool = False,
    ) -> Result:
        """Run a POSIX shell script that leaves the host as it is, and return what it said.

        `doing` completes "could not ..." in errors; `timeout` in seconds ends the script on the host too;
        `stdin` None stays open for as long as we are there, for a script `kill_on_disconnect`;
        `on_line` gets each line of output as it comes;
        `private` keeps standard output, which may hold whole files, out of errors. Raises `CommandFailed` for a
        non-zero exit unless `check` is false, `CommandTimedOut`, and `ConnectError` when the link is lost.
        """
        if self.connection.config.run.echo:
            print(script, file=sys.stderr)
        began = time.monotonic()
        command = for_login_shell(script, within=f"timeout -k 5 {timeout} ")
        try:
            result = self._execute(command, stdin, timeout, on_line, doing)
        except CommandTimedOut as error:
            raise (CommandTimedOut(error.sentence) if private else error) from None
        seconds = time.monotonic() - began
        return self.require_done(result, doing=doing, seconds=seconds, timeout=timeout, check=check, private=private)

    def require_done(
        self, result: Result, *, doing: str, seconds: float, timeout: int, check: bool = True, private: bool = False
    ) -> Result:
        """Return what a script left behind that took some seconds of its `timeout`; raises as `run` does."""
        told = replace(result, output=result.stderr) if private else result
        if result.exited == ExitCode.CSH:
            raise self.csh()
        if result.exited in (124, 137) and seconds >= timeout:
            raise CommandTimedOut(
                f"{self.name}: could not {doing}: not done after {timeout} s, stopped.", evidence=told.output
            )
        if check and not result.ok:
            raise self.failed(doing, told)
        return result

    def change(self, script: str, *, doing: str, **more: Any) -> Result:
        """Run a script that alters the host; in everything else as `run`."""
        self.refuse_dry(doing)
        self.changed = True
        return self.run(script, doing=doing, **more)

    def refuse_dry(self, doing: str) -> None:
        """Raise `RuntimeError` in a dry run: the caller should have planned instead."""
        if self.dry:
            raise RuntimeError(f"a dry run must not {doing}")

    def failed(self, doing: str, result: Result) -> CommandFailed:
        """The error for a command that ended with another exit code than 0."""
        return CommandFailed(
            f"{self.name}: could not {doing} (exit {result.exited}).",
            evidence=result.output,
            hint=f"correct what it says, then: {self.typed.again()}",
        )

    def sudo(self, script: str, *, doing: str, timeout: int = COMMAND_SECONDS) -> Result:
        """Run a script as root: as it is for root, else with sudo and the password of `--prompt-for-sudo-password`."""
        password = self.connection.config.sudo.password
        word = shlex.quote(script)
        ask = f"exec sudo -S -p '' sh -c {word}" if password else f"exit {ExitCode.SUDO_ASKS}"
        stdin = f"{password}\n".encode() if password else b""
        result = self.change(
            f'if [ "$(id -u)" = 0 ]; then exec sh -c {word} </dev/null\n'
            f"elif sudo -n true 2>/dev/null; then exec sudo -n sh -c {word} </dev/null\n"
            f"else {ask}; fi",
            doing=doing,
            stdin=stdin,
            timeout=timeout,
            check=False,
        )
        if result.exited == ExitCode.SUDO_ASKS:
            raise NotReadyError(
                f"{self.name}: could not {doing}: it needs root, and sudo asks for a password.",
                hint=replace(self.typed, flags=(*self.typed.flags, "--prompt-for-sudo-password")).again(),
            )
        if not result.ok:
            raise self.failed(doing, result)
        return result

    def another(self, name: str) -> Host:
        """Another host, not connected yet: by its name for ssh, as whom this one was typed with and from its config."""
        user = self.typed.host.rpartition("@")[0]
        address = f"{user}@{name}" if user else name
        connection = Connection(address, config=unresolved(self.connection.config))
        return Host(connection, replace(self.typed, host=address), dry=self.dry)

    @property
    def fingerprint(self) -> str:
        """That of the host's key, which is the same for everybody who connects; raises `ConnectError`."""
        try:
            return str(self.connection.transport.get_remote_server_key().fingerprint)
        except SSHException as error:  # a link that was lost since has no session
            raise self.lost("look at the host", error) from error

    def hang_up(self) -> None:
        """Close the connection under whatever another thread does with it, which then ends with `ConnectError`."""
        self.connection.client.close()

    def channel(self, doing: str) -> paramiko.Channel:
        """A fresh channel of this connection, which is not opened again once it is lost; raises `ConnectError`."""
        if self._channels is None:
            self._channels = Channels(self.connection.transport)
        try:
            return self._channels.take()
        except (SSHException, OSError, EOFError) as error:
            raise self.lost(doing, error) from error

    def noise(self, output: str) -> NotReadyError:
        """The error for a host whose shell prints more than our scripts do."""
        return NotReadyError(
            f"{self.name}: a start-up file of the login shell prints text of its own, which breaks scripts.",
            evidence=output[:400],
            hint="let ~/.bashrc, or what it reads, print only in interactive shells",
        )

    def csh(self) -> NotReadyError:
        """The error for a host whose login shell reads none of our scripts."""
        return NotReadyError(
            f"{self.name}: the login shell is csh or tcsh, to which no script can be sent; nothing was done.",
            hint="give the user another shell on the host: chsh -s /bin/sh",
        )

    def lost(self, doing: str, error: Exception | None = None) -> ConnectError:
        """The error for a link that died, with what the system or the `error` that met it says of why, if anything."""
        transport = self.connection.transport
        return ConnectError(
            f"{self.name}: the connection was lost while trying to {doing}; what ran on the host may still run there.",
            evidence=str((transport and transport.saved_exception) or "") or str(error or ""),
            hint=f"it looks at the host first: {self.typed.again()}",
        )

    def _execute(self, command: str, stdin: bytes | None, timeout: int, on_line: OnLine | None, doing: str) -> Result:
        channel = self.channel(doing)
        gathered = Output(on_line)
        deadline = time.monotonic() + timeout + GRACE_SECONDS
        try:
            channel.settimeout(timeout)
            begin(channel, command)
            if stdin is not None:
                send(channel, stdin)
            while not gathered.drain(channel):
                if not select.select([channel], [], [], max(0.0, deadline - time.monotonic()))[0]:
                    break
            ended = channel.status_event.wait(max(0.0, deadline - time.monotonic()))
        except (SSHException, OSError, EOFError) as error:
            raise self.lost(doing, error) from error
        finally:
            with contextlib.suppress(OSError, EOFError, SSHException):
                channel.close()
        if link_is_dead(channel):
            raise self.lost(doing)
        if not ended:
            raise CommandTimedOut(
                f"{self.name}: could not {doing}: no answer after {timeout} s.",
                evidence=gathered.text,
            )
        return gathered.result(channel.exit_status)
