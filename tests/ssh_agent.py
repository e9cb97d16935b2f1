"""An ssh-agent of a test's own, beside the one that the machine may have."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(socket: Path, *keys: Path) -> Iterator[None]:
    """Run an agent at a socket, with these keys in this order."""
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            process.stdout.readline()  # it says where it is, once it is there
            add(socket, *keys)
            yield
        finally:
            process.kill()


def add(socket: Path, *keys: Path) -> None:
    """Give keys to an agent."""
    variables = os.environ | {"SSH_AUTH_SOCK": str(socket)}
    for key in keys:
        subprocess.run(["ssh-add", "-q", str(key)], env=variables, check=True, stdin=subprocess.DEVNULL)
