"""Whose the things of a sandbox are, and which of them a run that was killed has left."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PREFIX = "galos-sandbox-"
FOLDERS = ("/var/tmp", tempfile.gettempdir())


@dataclass(frozen=True)
class Owner:
    """A process of this machine: boot, PID namespace, PID, and its start in clock ticks since the boot."""

    boot: str
    namespace: str
    pid: int
    start: str

    def __str__(self) -> str:
        return f"{self.boot}.{self.namespace}.{self.pid}.{self.start}"

    @classmethod
    def this(cls) -> Owner | None:
        """This process; None where the machine has no /proc to tell it from others."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Owner | None:
        """A process that runs and that this one can see."""
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
            start = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if start[0] == "Z" else cls(boot, namespace(), pid, start[19])

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """Read what `str` wrote; None where it is something else."""
        match = re.fullmatch(r"([0-9a-f]{32})\.(\d+)\.(\d+)\.(\d+)", text)
        return cls(match[1], match[2], int(match[3]), match[4]) if match else None

    @property
    def dead(self) -> bool:
        """Tell whether it surely runs no more: one of another PID namespace, or that hides itself, may run."""
        this = Owner.this()
        if not this or self.namespace != this.namespace:
            return False
        if self.boot != this.boot:
            return True
        with contextlib.suppress(ProcessLookupError):
            try:
                os.kill(self.pid, 0)
            except PermissionError:
                return False
            running = Owner.of(self.pid)
            return running is not None and running.start != self.start
        return True


def namespace() -> str:
    """The number of the PID namespace that this process is in; empty where there is none."""
    try:
        return "".join(re.findall(r"\d+", str(Path("/proc/self/ns/pid").readlink())))
    except OSError:
        return ""


def gone(directory: str, place: str) -> bool:
    """Tell whether a directory of a process in the PID namespace `place` surely exists no more."""
    if not directory or place != namespace() or not place:
        return False
    try:
        Path(directory).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


@contextlib.contextmanager
def temporary_directory(folder: str | None = None) -> Iterator[str]:
    """Make a directory for the time of the block, whose name says whose it is, for `sweep_directories`."""
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{Owner.this() or ''}-", dir=folder) as made:
        yield made


def sweep_directories() -> list[Path]:
    """Remove the temporary directories of processes that were killed; returns them."""
    swept = []
    for folder in dict.fromkeys(FOLDERS):
        for path in Path(folder).glob(f"{PREFIX}*"):
            owner = Owner.parse(path.name.removeprefix(PREFIX).partition("-")[0])
            if owner and owner.dead:
                shutil.rmtree(path, ignore_errors=True)
                swept.append(path)
    return swept
