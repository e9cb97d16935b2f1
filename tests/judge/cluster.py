"""The judge of a Swarm: what happened on all of its nodes is judged as one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sandbox.host import Host
from tests.judge.judge import Judge, created
from tests.judge.record import Record
from tests.judge.rules import State

JOBS = "docker ps -aq --filter name=galos-ops-image-"
SETTLED_SECONDS = 20


@dataclass(eq=False)
class ClusterJudge(Judge):
    """Judges `host`, where the stack is at home, together with the other `nodes`."""

    nodes: Sequence[Host] = ()
    _others: list[Judge] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._others = [Judge(self.sandbox, node, patience=self.patience) for node in self.nodes]
        for each in self._others:
            created.remove(each)

    def begin(self) -> None:
        super().begin()
        for each in self._others:
            each.begin()
        began, others = self._since_begin, (each._since_begin.state.containers for each in self._others)
        containers = (*began.state.containers, *(one for some in others for one in some))
        self._began = replace(began, state=replace(began.state, containers=containers))

    def _look(self, since: str | None = None) -> tuple[Record, State]:
        """The records of all nodes, in the order of time; since a mark only that of the home."""
        for host in (self.host, *self.nodes):
            _settle(host)
        looks = [super()._look(since), *(each._look() for each in self._others if since is None)]
        (_, home), records = looks[0], [record for record, _ in looks]
        events = sorted((event for record in records for event in record.events), key=lambda event: event.time)
        before = tuple(container for record in records for container in record.before)
        containers = tuple(container for _, state in looks for container in state.containers)
        return Record(tuple(events), before), State(containers, home.tags, home.files, home.remembered)


def _settle(host: Host) -> None:
    """Wait until what fetched an image is gone: Swarm takes a moment to remove a job that was removed."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while host.shell(JOBS, check=False) and time.monotonic() < deadline:
        time.sleep(0.2)
