"""One Docker Swarm of several hosts of a sandbox, all of them managers, and a node that the others cannot reach."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from galos_ops.engines.cluster import returned
from galos_ops.errors import NotReadyError
from sandbox.host import Host

PORTS = "-p tcp --dport 2377", "-p tcp --sport 2377", "-p tcp --dport 7946", "-p udp --dport 7946"
READY_SECONDS = 60
ADDRESS = "hostname -i | cut -d' ' -f1"
POOL = "$(cut -d. -f1,2 /etc/galos-sandbox/network).64.0/18"  # of the host's own range, what its engine does not divide
INIT = f"address=$({ADDRESS}); docker swarm init --advertise-addr $address --default-addr-pool {POOL} >/dev/null"
READY = "docker node ls --format '{{.Status}} {{.ManagerStatus}}'"


def form(hosts: Sequence[Host]) -> bool:
    """Make one Swarm of hosts, the first of which leads; returns False where they are one already.

    What was left of another one goes. Raises NotReadyError where they do not find each other.
    """
    if formed(hosts):
        return False
    for host in hosts:
        leave(host)
    first, *others = hosts
    first.shell(INIT)
    token = first.shell("docker swarm join-token -q manager")
    address = first.shell(ADDRESS)
    for host in others:
        host.shell(f"docker swarm join --advertise-addr $({ADDRESS}) --token {token} {address}:2377 >/dev/null")
    wait(first, len(hosts))
    first.shell("until docker network inspect ingress >/dev/null 2>&1; do sleep 0.1; done")
    return True


def formed(hosts: Sequence[Host]) -> bool:
    """Tell whether hosts are one Swarm that works."""
    if any(host.shell("docker info -f '{{.Swarm.LocalNodeState}}'", check=False) != "active" for host in hosts):
        return False
    return ready(hosts[0]) == len(hosts)


def ready(host: Host) -> int:
    """How many nodes are ready, as a manager sees it."""
    return sum(line.startswith("Ready") for line in host.shell(READY, check=False).splitlines())


def wait(host: Host, nodes: int) -> None:
    """Wait until so many nodes are ready; raises NotReadyError."""
    deadline = time.monotonic() + READY_SECONDS
    while ready(host) != nodes:
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"{nodes} nodes do not become one Swarm", evidence=host.shell("docker node ls 2>&1", check=False)
            )
        time.sleep(0.2)


def settle(host: Host) -> None:
    """Wait until no node has come back within a minute, as what migrates does not wait but refuses."""
    while host.shell(returned(r"\1")):
        time.sleep(1)


def leave(host: Host) -> None:
    """Take a host out of its Swarm, if it is in one, with all that the Swarm had it run."""
    host.shell("docker swarm leave --force >/dev/null 2>&1", check=False)


@contextlib.contextmanager
def cut_off(host: Host) -> Iterator[None]:
    """Let the other nodes not reach a host meanwhile, nor it them; everything else goes on."""
    rules = [f"{chain} {ports} -j DROP" for chain in ("INPUT", "OUTPUT") for ports in PORTS]
    try:
        host.shell(" && ".join(f"iptables -I {rule}" for rule in rules))
        yield
    finally:
        host.shell("; ".join(f"iptables -D {rule}" for rule in rules), check=False)
