"""Commands that wait for other people's servers: bounded in time, tried again, and never silent for long."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from galos_ops.errors import CommandFailed, CommandTimedOut
from sandbox.steps import Steps

TRIES = 2
SAY_SECONDS = 30.0
END_SECONDS = 10.0


@dataclass(frozen=True)
class Wait:
    """What is waited for, as a sentence names it; how long one try may take; what a person does about it."""

    what: str
    seconds: float
    hint: str


@dataclass(frozen=True)
class Outcome:
    """How a try ended, `exit_code` None where its time was over, and what it printed."""

    exit_code: int | None
    output: str


APT_UPDATE = Wait("apt-get update", 300, "see whether this machine's Debian mirror answers: apt-get update")
APT_INSTALL = Wait("apt-get install", 900, "see whether this machine's Debian mirror answers: apt-get update")
DEBOOTSTRAP = Wait("debootstrap", 900, "see whether this machine's Debian mirror answers: apt-get update")
DOWNLOAD = Wait("pip download", 300, "see whether this machine's Python index answers: pip download trustme")
PULL = Wait("docker pull", 300, "see whether the image registry answers, or run this as root on Debian")
BUILD = Wait("docker build", 900, "see whether the Debian mirror answers from a container, then run this again")


def run(
    wait: Wait,
    what: str,
    command: Sequence[str],
    steps: Steps,
    *,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    before: Callable[[], object] = lambda: None,
) -> str:
    """Return what a command prints, after as many tries as it needs; `before` runs before each.

    Raises CommandTimedOut where the time of every try was over, CommandFailed where the last one failed.
    """
    for left in reversed(range(TRIES)):
        before()
        outcome = attempt(wait, what, command, steps, stdin, environment)
        if outcome.exit_code == 0:
            return outcome.output
        if left:
            ended = "took too long" if outcome.exit_code is None else "failed"
            steps.say(f"{what}: {wait.what} {ended}, trying again")
    if outcome.exit_code is None:
        raise CommandTimedOut(
            f"{what}: {wait.what} did not end within {wait.seconds:g} s, {TRIES} times",
            evidence=outcome.output,
            hint=wait.hint,
        )
    raise CommandFailed(
        f"{what}: {wait.what} failed (exit code {outcome.exit_code})", evidence=outcome.output, hint=wait.hint
    )


def attempt(
    wait: Wait,
    what: str,
    command: Sequence[str],
    steps: Steps,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Run a command once, in a session of its own that ends with it, and say now and then what it waits for."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as written:
        given.write(stdin)
        given.seek(0)
        process = subprocess.Popen(
            command, stdin=given, stdout=written, stderr=written, env=environment, start_new_session=True
        )
        try:
            while (over := time.monotonic() - started) < wait.seconds:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(min(SAY_SECONDS, wait.seconds - over))
                    return Outcome(process.returncode, tail(written.fileno()))
                last = tail(written.fileno()).strip().rpartition("\n")[2][:100]
                steps.say(f"{what}: waiting for {wait.what}, {time.monotonic() - started:.0f} s so far  {last}")
            return Outcome(None, tail(written.fileno()))
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started in its session, unless it has ended."""
    if process.poll() is not None:
        return
    deadline = time.monotonic() + END_SECONDS
    os.killpg(process.pid, signal.SIGTERM)
    while not ended(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)  # the group's name is ours as long as its leader is not waited for
    process.wait()


def ended(pid: int) -> bool:
    """Tell whether a child of ours has ended; it stays to be waited for."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def tail(descriptor: int, size: int = 8192) -> str:
    """The end of what was written to a file so far; it doesn't move where the writer is."""
    length = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, max(0, length - size)).decode(errors="replace")
