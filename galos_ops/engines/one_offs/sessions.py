"""The scripts of a command that a person runs in a container, with a terminal or without; nothing is left of it."""

from __future__ import annotations

import shlex

from galos_ops.engines.engine import HeldTarget
from galos_ops.host.lock import STATE

MARK = "GALOS_OPS_SESSION"
ENVIRONMENT = '/proc/"$p"/environ'


def execute(container: str, argv: list[str], token: str, *, terminal: bool) -> str:
    """Return a script that runs a command in a running container, marked with a token for `kill`."""
    streams = "-it" if terminal else "-i"
    return f"exec docker exec {streams} -e {MARK}={token} {container} {shlex.join(argv)}"


def kill(container: str, token: str) -> str:
    """Return a script that ends what a token marks: Docker leaves it running when its client goes.

    An image without a shell keeps it.
    """
    found = f"for p in $(cd /proc && echo [0-9]*); do grep -qs {MARK}={token} {ENVIRONMENT} && kill -$1 $p; done"
    ended = " ".join(("sh", "-c", shlex.quote(found), "sh"))
    return f"docker exec {container} {ended} TERM; sleep 1; docker exec {container} {ended} KILL"


def one_off(target: HeldTarget, name: str, argv: list[str], *, terminal: bool) -> str:
    """Return a script that runs a command in a container of its own, made from the compose file that `handed` left.

    docker-compose reads it from a file that is deleted by then, as standard input is the command's.
    """
    file = _file(name)
    run = target.engine.docker_compose.run_attached(target.name, name, argv, "/proc/$$/fd/3", terminal=terminal)
    return f"exec 3<{file} && rm -f {file} || exit 1\n{run}; code=$?\n{remove(name)} >/dev/null 2>&1; exit $code"


def handed(name: str, size: int) -> str:
    """Return a script that takes a compose file of so many bytes from its standard input, for `one_off`."""
    return f"umask 077; head -c {size} >{_file(name)} || exit 1"


def remove(name: str) -> str:
    """Return a script that ends a container of `one_off` and leaves nothing of it."""
    return f"rm -f {_file(name)}; docker rm -f -v {name}"


def _file(name: str) -> str:
    return f"{STATE}/{name}.json"
