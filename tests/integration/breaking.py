"""What breaks a host or what it needs, and mends it in the end from wherever breaking it got to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.host import Host
from sandbox.sandbox import Sandbox


@contextmanager
def undone(host: Host, broken: str, mended: str) -> Iterator[None]:
    """Break a host with a script, and mend it with another one, which must do so also where the first did nothing."""
    try:
        host.shell(broken)
        yield
    finally:
        host.shell(mended)


@contextmanager
def queried(sandbox: Sandbox, broken: str, mended: str) -> Iterator[None]:
    """Break the database with a statement, and mend it with another one."""
    try:
        sandbox.query(broken, database="postgres")
        yield
    finally:
        sandbox.query(mended, database="postgres")


@contextmanager
def stopped(sandbox: Sandbox, name: str) -> Iterator[None]:
    """Meanwhile `db`, `registry` or `aws` does not answer."""
    try:
        sandbox.stop(name)
        yield
    finally:
        sandbox.start(name)


@contextmanager
def engine_stopped(host: Host) -> Iterator[None]:
    """Meanwhile the Docker engine of a host does not run."""
    try:
        host.engine_stop()
        yield
    finally:
        host.engine_start()


@contextmanager
def containerd_store(host: Host) -> Iterator[None]:
    """Meanwhile the Docker engine of a host keeps images in containerd's store, where their IDs are others."""
    file = "/etc/docker/daemon.json"
    try:
        host.engine_stop()
        host.shell(f"""echo '{{"features": {{"containerd-snapshotter": true}}}}' >{file}""")
        host.engine_start()
        yield
    finally:
        host.shell("docker ps -aq | xargs -r docker rm -f; docker images -q | sort -u | xargs -r docker rmi -f")
        host.engine_stop()
        host.shell(f"rm -f {file}")
        host.engine_start()


@contextmanager
def keys_revoked(sandbox: Sandbox) -> Iterator[None]:
    """Meanwhile AWS knows the hosts' key no more; there is a new one afterwards, which no host has yet."""
    try:
        sandbox.revoke_keys()
        yield
    finally:
        sandbox.renew_keys()


@contextmanager
def clock_off(sandbox: Sandbox, seconds: int) -> Iterator[None]:
    """Meanwhile the clock of AWS is off from that of the hosts."""
    try:
        sandbox.skew_aws(seconds)
        yield
    finally:
        sandbox.skew_aws(0)
