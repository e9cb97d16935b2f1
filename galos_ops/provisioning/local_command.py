"""A command on this machine, of the configuration: bounded in time, and with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass, field

KILL_SECONDS = 5


@dataclass(frozen=True)
class Ended:
    """How a command ended; `code` is None where it took too long and was killed."""

    code: int | None
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)

    def reason(self, seconds: int) -> str:
        return f"exit {self.code}" if self.code is not None else f"not done after {seconds} s, ended"


def run(command: str, *, seconds: int, stdin: bytes = b"") -> Ended:
    """Run a line of shell to its end; it never reads what is typed here, and nothing of it outlives the bound."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        ["sh", "-c", command], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    ) as process:
        try:
            out, err = process.communicate(stdin, timeout=seconds)
            return Ended(process.returncode, out, err)
        except subprocess.TimeoutExpired:
            _kill(process)
            with contextlib.suppress(subprocess.TimeoutExpired):
                out, err = process.communicate(timeout=KILL_SECONDS)
                return Ended(None, out, err)
            return Ended(None, b"", b"")
        except BaseException:
            _kill(process)
            raise


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
