"""Processes that tests start: without what this machine's CI sets, in a session of their own, ended with their test."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).parents[1]
HANG_SECONDS = 300
"""How long anything that a test waits for may take: a bound for a hang, on a loaded machine too, never a claim."""

LEFT_OUT = (
    *("AWS_", "FABRIC_"),  # what the tasks read
    *("CI", "GITHUB_", "GITLAB_"),  # what the CI service sets in which the tests run
    *("NO_COLOR", "FORCE_COLOR", "TTY_", "COLUMNS", "LINES"),  # what the terminal or its user sets
    "PYTHONDONTWRITEBYTECODE",  # with it each `fab` compiles the library anew, a quarter of all that it computes
)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's variables without those that change what a task does or shows, and with `more`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)} | dict(more or {})


def take_interrupts() -> None:
    """Make SIGINT end what is started from here on.

    A shell that is not interactive ignores it in its background jobs, and so does all that such a job starts.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Started(Protocol):
    """The leader of a session that a test started."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self) -> int: ...


_started: list[Started] = []


def start(
    argv: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    stdin: int | None = subprocess.DEVNULL,
    stdout: int | None = subprocess.PIPE,
    stderr: int | None = subprocess.STDOUT,
) -> subprocess.Popen[str]:
    """Start a process; unless told otherwise its output, both streams as one, can be read while it runs."""
    variables = environment() if env is None else env
    process = subprocess.Popen(
        argv, cwd=cwd, env=variables, stdin=stdin, stdout=stdout, stderr=stderr, text=True, start_new_session=True
    )
    _started.append(process)
    return process


def run(
    argv: Sequence[str], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a process to its end; raises TimeoutExpired when it hangs, having ended all of its session."""
    pipe = subprocess.PIPE
    process = start(argv, cwd=cwd, env=env, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        out, err = process.communicate(stdin, timeout=HANG_SECONDS)
    except subprocess.TimeoutExpired:
        kill_session(process)
        raise
    return subprocess.CompletedProcess(list(argv), process.returncode, out, err)


class TerminalProcess:
    """A process at a terminal of its own; `master` is the other side of it, for whoever types and looks."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], rows: int = 24, columns: int = 80) -> None:
        self.returncode: int | None = None
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            _resize(0, rows, columns)
            os.chdir(ROOT)
            os.execve(argv[0], list(argv), dict(env))  # noqa: S606
        _started.append(self)

    def resize(self, rows: int, columns: int) -> None:
        """Give the terminal another size, which the process is told of."""
        _resize(self.master, rows, columns)

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int:
        """Return the exit code when it has ended."""
        code = self._reap(0)
        assert code is not None
        return code

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode


def _resize(terminal: int, rows: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def kill_session(process: Started) -> None:
    """End a process and its group with SIGKILL."""
    with contextlib.suppress(ProcessLookupError):  # it ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_started() -> list[int]:
    """End what still runs of all that was started; returns its process IDs."""
    left = [process for process in _started if process.poll() is None]
    _started.clear()
    for process in left:
        kill_session(process)
    return [process.pid for process in left]
