"""The hosts of a sandbox as one Docker Swarm: formed, kept, left, and with a node that the others do not reach."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox import swarm
from sandbox.host import KEPT, Host
from sandbox.sandbox import Sandbox
from tests.integration import restore
from tests.integration.conftest import FLAVOURS, fresh

NODES = "docker node ls --format '{{.Hostname}} {{.Status}}' | sort"
ALL = "sandbox Ready\nsandbox-2 Ready\nsandbox-3 Ready"
SLEEP = f"docker service create --detach --init --mode global --no-resolve-image --entrypoint 'sleep 600' {KEPT}"
NETWORKS = "docker network inspect -f '{{range .IPAM.Config}}{{.Subnet}}{{end}}' $(docker network ls -q)"


@pytest.fixture(scope="module")
def hosts(sandbox: Sandbox) -> Iterator[list[Host]]:
    """Three hosts in one Swarm."""
    fresh(sandbox, "sandbox")
    for name in FLAVOURS.values():
        restore.host(sandbox.host(name))
    assert sandbox.swarm(3)
    yield [sandbox.host(name) for name in sorted(FLAVOURS.values())]
    fresh(sandbox, "sandbox")


def test_what_is_formed_stays_as_it_is(sandbox: Sandbox, hosts: list[Host]) -> None:
    first, second, _ = hosts
    first.shell(SLEEP)
    before = first.shell("docker node ls -q | sort; docker service ls -q")
    assert first.shell(NODES) == ALL
    second.engine_stop()
    second.engine_start()
    assert not sandbox.swarm(3)
    assert first.shell("docker node ls -q | sort; docker service ls -q") == before


def test_its_networks_are_in_the_range_of_the_hosts_and_of_nobody_else(hosts: list[Host]) -> None:
    first = hosts[0]
    first.shell("docker network create --driver overlay one")
    subnets = [line for line in first.shell(NETWORKS).splitlines() if line]
    prefix = ".".join(first.shell("cat /etc/galos-sandbox/network").split(".")[:2])
    assert len(set(subnets)) == len(subnets) >= 4
    assert all(subnet.startswith(f"{prefix}.") for subnet in subnets)


def test_a_node_that_is_cut_off_reaches_the_database_and_not_the_other_nodes(hosts: list[Host]) -> None:
    first, _, third = hosts
    with swarm.cut_off(third):
        for host, node in ((first, "sandbox-3"), (third, "sandbox")):
            assert host.execute(["bash", "-c", reach(node, 2377)], check=False).returncode
        third.shell(reach("db", 5432))
    third.shell(reach("sandbox", 2377))


def reach(name: str, port: int) -> str:
    return f"timeout 3 bash -c '</dev/tcp/{name}/{port}'"


def test_one_that_has_lost_a_node_is_formed_anew(sandbox: Sandbox, hosts: list[Host]) -> None:
    swarm.leave(hosts[2])
    assert sandbox.swarm(3)
    assert hosts[1].shell(NODES) == ALL
    assert not sandbox.swarm(3)


def test_hosts_that_leave_it_are_what_they_were(hosts: list[Host]) -> None:
    hosts[0].shell(SLEEP)
    swarm.each(hosts, swarm.leave)
    for host in hosts:
        assert host.shell("docker ps -aq; docker network ls -q --filter type=custom") == ""
        assert swarm.look(host).state == "inactive"
        swarm.leave(host)
