"""One Docker Swarm of several hosts of a sandbox, all of them managers, and a node that the others cannot reach."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from galos_ops.engines.snapshot.cluster import returned
from galos_ops.errors import NotReadyError
from sandbox.host import Host

Result = TypeVar("Result")

READY_SECONDS = 240  # of a hang, not of a claim
ELECTION_SECONDS = 15
ADDRESS = "hostname -i | cut -d' ' -f1"
POOL = "$(cut -d. -f1,2 /etc/galos-sandbox/network).64.0/18"  # of the host's own range, what its engine does not divide
INIT = (
    f"address=$({ADDRESS}); docker swarm init --advertise-addr $address "
    f"--default-addr-pool {POOL} --default-addr-pool-mask-length 24 >/dev/null"
)
READY = "docker node ls --format '{{.Status}} {{.ManagerStatus}}'"
# An engine that has lost the majority of its managers knows no cluster.
FACTS = (
    "docker info -f '{{.Swarm.LocalNodeState}},{{with .Swarm.Cluster}}{{.ID}}{{end}},{{.Swarm.Managers}},"
    f"{{{{.Swarm.NodeAddr}}}}'; {ADDRESS}"
)

OUTSIDE = "[ \"$(docker info -f '{{.Swarm.LocalNodeState}}')\" = inactive ]"
BRIDGE = "docker network disconnect -f docker_gwbridge gateway_ingress-sbox"  # which Docker 20.10 forgets at a leave
TASK = "label=com.docker.swarm.task.id"
# Containers of tasks are killed, before they are given their time to stop, and removed, where Swarm forgets them.
LEAVE = f"""\
{OUTSIDE} || {{
    docker ps -q --filter {TASK} | xargs -r docker kill
    docker swarm leave --force
}}
docker ps -aq --filter {TASK} | xargs -r docker rm -fv
{BRIDGE} 2>/dev/null
! docker network inspect docker_gwbridge || docker network rm docker_gwbridge"""

CHAIN = "SANDBOX-CUT"
CUT = f"""
iptables -w -N {CHAIN}
iptables -w -A {CHAIN} -p tcp -m multiport --ports 2377,7946 -j DROP
iptables -w -A {CHAIN} -p udp -m multiport --ports 7946,4789 -j DROP
iptables -w -I INPUT ! -i lo -j {CHAIN}
iptables -w -I OUTPUT ! -o lo -j {CHAIN}
"""
UNCUT = f"! iptables -w -n -L {CHAIN}"
MEND = f"""\
while iptables -w -D INPUT ! -i lo -j {CHAIN} 2>/dev/null; do :; done
while iptables -w -D OUTPUT ! -o lo -j {CHAIN} 2>/dev/null; do :; done
iptables -w -F {CHAIN} 2>/dev/null && iptables -w -X {CHAIN} || :"""


@dataclass(frozen=True)
class Member:
    """A host as its engine sees its Swarm; `cluster` is empty where it is in none, or in one without a leader."""

    state: str
    cluster: str
    managers: int
    advertised: str
    address: str


def form(hosts: Sequence[Host]) -> bool:
    """Make one Swarm of hosts, the first of which leads; returns False where they are one already.

    What was left of another one goes: managers whose addresses have changed do not find each other again. Raises
    NotReadyError where they do not find each other.
    """
    changed = not formed(hosts)
    if changed:
        first, *others = hosts
        each(hosts, leave)
        first.shell(INIT)
        token, address = first.shell("docker swarm join-token -q manager"), first.shell(ADDRESS)
        join = f"docker swarm join --advertise-addr $({ADDRESS}) --token {token} {address}:2377"
        each(others, lambda host: host.shell(join))
    wait(hosts[0], len(hosts))
    hosts[0].shell("until docker network inspect ingress >/dev/null 2>&1; do sleep 0.1; done")
    return changed


def formed(hosts: Sequence[Host]) -> bool:
    """Tell whether hosts are one Swarm and nobody else is in it, after an election that is under way."""
    if any(member.state != "active" or member.advertised != member.address for member in each(hosts, look)):
        return False
    within(ELECTION_SECONDS, lambda: all(member.cluster for member in each(hosts, look)))
    members = each(hosts, look)
    return len({member.cluster for member in members}) == 1 and {member.managers for member in members} == {len(hosts)}


def look(host: Host) -> Member:
    """Return a host as a member of a Swarm."""
    swarm, address = host.shell(FACTS).splitlines()
    state, cluster, managers, advertised = swarm.split(",")
    return Member(state, cluster, int(managers), advertised, address)


def ready(host: Host) -> int:
    """How many nodes are ready, as a manager sees it."""
    return sum(line.startswith("Ready") for line in host.shell(READY, check=False).splitlines())


def wait(host: Host, nodes: int) -> None:
    """Wait until so many nodes are ready; raises NotReadyError."""
    if not within(READY_SECONDS, lambda: ready(host) == nodes):
        raise NotReadyError(
            f"{nodes} nodes do not become one Swarm", evidence=host.shell("docker node ls 2>&1", check=False)
        )


def settle(host: Host) -> None:
    """Wait until no node has come back within a minute, as what migrates does not wait but refuses."""
    while host.shell(returned(r"\1")):
        time.sleep(1)


def demote(manager: Host, host: Host) -> None:
    """Make a worker of a host: a manager that comes back after a cut has all of them elect a leader again."""
    manager.shell(f"docker node demote {host.name}")
    within(READY_SECONDS, lambda: host.shell("docker info -f '{{.Swarm.ControlAvailable}}'") == "false")


def leave(host: Host) -> None:
    """Take a host out of its Swarm, if it is in one, with all that the Swarm had it run."""
    host.shell(LEAVE)


@contextlib.contextmanager
def cut_off(host: Host) -> Iterator[None]:
    """Let the other nodes not reach a host meanwhile, nor it them; everything else goes on."""
    try:
        host.shell(f"set -e; {CUT}")
        yield
    finally:
        host.shell(MEND)


def each(hosts: Sequence[Host], work: Callable[[Host], Result]) -> list[Result]:
    """Do the same at all hosts at once."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(work, hosts))


def within(seconds: float, true: Callable[[], bool]) -> bool:
    """Tell whether something becomes true before its time is over."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
