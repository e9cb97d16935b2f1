"""A command on the host with our own terminal, or our standard streams, as ssh has it."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import paramiko
from paramiko.ssh_exception import SSHException

from galos_ops.errors import CommandFailed
from galos_ops.host.channel import link_is_dead
from galos_ops.host.host import Host
from galos_ops.host.result import Result
from galos_ops.host.shell import for_login_shell

CHUNK = 65536
END_SECONDS = 20
OVER = "over"
LOST = (SSHException, OSError, EOFError)

Filter = Callable[[bytes], bytes]


class ReaderGone(Exception):
    """Nobody reads our standard output any more."""

    exit_code = 128 + signal.SIGPIPE


def at_terminal() -> bool:
    """Tell whether a person types here and reads what is answered."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def attach(host: Host, script: str, *, doing: str, terminal: bool, mask: Filter) -> int:
    """Run a script with our standard streams until it ends, and return its exit code.

    At a `terminal` it gets one of its own, with the size of ours, and what is typed goes to it, Ctrl-C too. `mask` is
    what is done to output, a line at a time or, at a terminal, as it comes. Raises `ConnectError` for a lost link,
    `ReaderGone`, and `CommandFailed` where our streams cannot be written.
    """
    host.refuse_dry(doing)
    channel, out, err = host.channel(doing), Outlet(1, mask, whole=not terminal), Outlet(2, mask, whole=not terminal)
    try:
        with terminal_like_ours(channel) if terminal else contextlib.nullcontext(-1) as resized:
            channel.exec_command(for_login_shell(script))
            _pump(channel, out, err, resized)
            if out.gone:
                raise ReaderGone
            channel.status_event.wait()
    except LOST as error:
        raise host.lost(doing, error) from error
    finally:
        with contextlib.suppress(*LOST):
            channel.close()
    if channel.exit_status < 0 and link_is_dead(channel):
        raise host.lost(doing)
    return channel.exit_status


class Outlet:
    """One of our output streams, `gone` when nobody reads it any more; what is `whole` is masked line by line."""

    gone = False

    def __init__(self, stream: int, mask: Filter, *, whole: bool) -> None:
        self._stream, self._mask, self._whole = stream, mask, whole
        self._rest = b""

    def put(self, data: bytes) -> None:
        end = data.rfind(b"\n") + 1 if self._whole else len(data)
        if not end and len(self._rest) < CHUNK:
            self._rest += data
            return
        self._write(self._rest + data[:end])
        self._rest = data[end:]

    def end(self) -> None:
        self._write(self._rest)
        self._rest = b""

    def _write(self, data: bytes) -> None:
        data = self._mask(data)
        while data and not self.gone:
            try:
                data = data[os.write(self._stream, data) :]
            except BlockingIOError:
                select.select([], [self._stream], [])
            except BrokenPipeError:
                self.gone = True
            except OSError as error:
                raise unwritable_error(error, self._stream) from error


def unwritable_error(error: OSError, stream: int = 1) -> CommandFailed:
    """The error for one of our output streams that takes nothing, as on a full disk."""
    name = {1: "Standard output", 2: "Standard error"}[stream]
    return CommandFailed(f"{name} cannot be written here: {error.strerror}.", hint="make room, or send it elsewhere")


def _pump(channel: paramiko.Channel, out: Outlet, err: Outlet, resized: int) -> None:
    """Carry bytes both ways until the command has said its last."""
    sources: list[Any] = [channel, 0, *([resized] if resized >= 0 else [])]
    while not out.gone and (open_(channel) or channel.recv_ready() or channel.recv_stderr_ready()):
        ready = select.select(sources, [], [])[0]
        if resized in ready:
            os.read(resized, CHUNK)
            channel.resize_pty(*shutil.get_terminal_size())
        if channel.recv_ready():
            out.put(channel.recv(CHUNK))
        if channel.recv_stderr_ready():
            err.put(channel.recv_stderr(CHUNK))
        if 0 in ready:
            data = os.read(0, CHUNK)
            if data:
                channel.sendall(data)
            else:
                sources.remove(0)
                channel.shutdown_write()
    out.end()
    err.end()


def open_(channel: paramiko.Channel) -> bool:
    """Tell whether more may come."""
    return not (channel.eof_received or channel.closed)


@contextmanager
def terminal_like_ours(channel: paramiko.Channel) -> Iterator[int]:
    """Give the channel a terminal like ours, which is raw meanwhile; yields what can be read when its size changes."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)

    def note(*_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(tell, b".")

    was, before = termios.tcgetattr(0), signal.signal(signal.SIGWINCH, note)
    try:
        channel.get_pty(os.environ.get("TERM", "xterm"), *shutil.get_terminal_size())
        tty.setraw(0)
        yield told
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, was)
        signal.signal(signal.SIGWINCH, before)
        os.close(told)
        os.close(tell)


@contextmanager
def undone_on_disconnect(host: Host, before: str, undo: str, *, stdin: bytes = b"", doing: str) -> Iterator[None]:
    """Have `undo` run on the host when we go before the body has ended, killed or cut off.

    `before` is a script that runs first, with `stdin`. Raises `CommandFailed` when it fails.
    """
    host.refuse_dry(doing)
    channel, word = host.channel(doing), ""
    script = f'{{ {before}\n}} || exit\necho ready; read -r word; [ "$word" = {OVER} ] || {{ {undo}\n}} >/dev/null 2>&1'
    try:
        _begin(host, channel, script, stdin, doing)
        yield
        word = f"{OVER}\n"
    finally:
        with contextlib.suppress(*LOST):
            channel.sendall(word.encode())
            channel.shutdown_write()
            channel.status_event.wait(END_SECONDS)
            channel.close()


def _begin(host: Host, channel: paramiko.Channel, script: str, stdin: bytes, doing: str) -> None:
    try:
        channel.settimeout(END_SECONDS)
        channel.exec_command(for_login_shell(script))
        channel.sendall(stdin)
        if channel.makefile("r").readline().strip() != "ready":
            evidence = channel.makefile_stderr("r").read().decode(errors="replace")
            raise host.failed(doing, Result(channel.recv_exit_status(), "", evidence, evidence))
    except LOST as error:
        raise host.lost(doing, error) from error
