"""The requests that fail while a service of a Swarm is deployed, of a client that asks it all the time."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.fleet import NEW, OLD
from benchmarks.ways import Link, Place
from sandbox.sandbox import Sandbox, host_name

NODES = 3
ORDERS = ("start-first", "stop-first")
DRAIN_SECONDS = 2
SERVICE = f"""
services:
  galos-sync:
    command:
      - sh
      - -c
      - httpd -p 80 -h /galos; trap 'sleep {DRAIN_SECONDS}; exit' TERM; while :; do sleep 1 & wait; done
    healthcheck:
      test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1/version"]
      interval: 1s
      timeout: 1s
      retries: 3
    deploy: {{replicas: 1, endpoint_mode: dnsrr, update_config: {{order: ORDER}}}}
networks: {{default: {{attachable: true}}}}
"""
"""Beside the compose file of the host: the stand-in answers requests, and for a while after it is told to stop.

Its name leads to its container itself, as the sandbox's kernel has nothing that balances (IPVS).
"""
ASK = "wget -q -T 1 -O /dev/null http://galos-sync/version 2>/dev/null && echo answered || echo failed"
ASKER = f"""image=$(docker images -q --filter label=org.opencontainers.image.version | head -n 1)
docker run -d --name asker --network root_default_overlay --entrypoint sh $image \\
    -c {shlex.quote(f"while :; do {ASK}; done")} >/dev/null"""
ASKED = "docker logs asker; docker rm -f asker >/dev/null"
REMOVE = "cd && docker stack rm root; rm -rf docker-compose.override.yml .galos-ops"


@dataclass(frozen=True)
class Asked:
    """What a client met during one deploy."""

    answered: int
    failed: int

    @staticmethod
    def of(log: str) -> Asked:
        words = log.split()
        return Asked(words.count("answered"), words.count("failed"))


@dataclass(frozen=True)
class Cluster:
    """The Swarm of a sandbox, by its manager."""

    place: Place
    link: Link

    def fab(self, task: str) -> None:
        variables = self.place.variables(FABRIC_GALOS_ENGINE="swarm")
        subprocess.run([*self.place.fab(self.link), task], env=variables, check=True, stdout=subprocess.DEVNULL)

    def deployed(self, order: str) -> None:
        """Have the older release run, whose containers are replaced in an order."""
        text = shlex.quote(SERVICE.replace("ORDER", order))
        self.place.host.shell(f"printf %s {text} >~/docker-compose.override.yml")
        self.place.sandbox.publish(OLD)
        self.fab("deploy")

    def asked(self, release: str) -> Asked:
        """Deploy a release while a client asks, until what ran before it has ended."""
        self.place.sandbox.publish(release)
        self.place.host.shell(ASKER)
        self.fab("deploy")
        time.sleep(2 * DRAIN_SECONDS)
        return Asked.of(self.place.host.shell(ASKED))


def compared(cluster: Cluster, runs: int, say: Callable[[str], None]) -> Mapping[str, Sequence[Asked]]:
    """Return what the client met by the order in which containers are replaced, one entry for each deploy."""
    form(cluster.place.sandbox)
    results: dict[str, list[Asked]] = {}
    try:
        cluster.fab("setup")
        for order in ORDERS:
            say(f"requests, {order}")
            cluster.deployed(order)
            results[order] = [cluster.asked((NEW, OLD)[number % 2]) for number in range(runs)]
    finally:
        cluster.place.host.shell(REMOVE)
    return results


def form(sandbox: Sandbox) -> None:
    """Make a Swarm of the first hosts, none of which runs the service by itself any more."""
    for number in range(NODES):
        sandbox.host(host_name(number)).shell("cd && { [ ! -e docker-compose.yml ] || docker-compose down; }")
    sandbox.swarm(NODES)
