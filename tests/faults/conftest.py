"""What the fault tests share: the integration fixtures, a link that breaks, and the judgement afterwards."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import pytest

from galos_ops.host.release_log import Alone
from tests.faults.barrier import AFTER, PLACE, Barrier
from tests.faults.relay import Relay, redirected, relayed
from tests.faults.steps import BACKUP
from tests.integration.conftest import (
    CONTAINER,
    IMAGE_ID,
    ROOT,
    Operator,
    any_compose,
    bare,
    deployed,
    leave_out_coverage,
    ready,
)
from tests.integration.test_deploy import V2, applied
from tests.judge.plugin import pytest_runtest_call
from tests.processes import HANG_SECONDS

__all__ = ["any_compose", "bare", "deployed", "pytest_runtest_call", "ready"]

CLIENT = Path(__file__).with_name("client")
OF_THE_HOST = ("setup", *get_args(Alone))  # what the log has of a host, and of no service


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave coverage out of each `fab`: the integration tests go through the same lines."""
    leave_out_coverage(monkeypatch)


class Running:
    """A `fab` under way, which may wait behind a barrier after a step."""

    def __init__(self, process: subprocess.Popen[str], barrier: Barrier | None = None) -> None:
        self.process = process
        self._barrier = barrier
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def reached(self) -> None:
        """Return once the step is over and `fab` waits before what follows it."""
        assert self._barrier
        deadline = time.monotonic() + HANG_SECONDS
        while not self._barrier.reached(0.5):
            assert self.process.poll() is None, f"fab ended before the end of the step:\n{self.told}"
            assert time.monotonic() < deadline, f"the step did not end:\n{self.told}"

    def go_on(self) -> None:
        """Let `fab` go on from where it waits."""
        assert self._barrier
        self._barrier.open()

    def kill(self) -> None:
        """Kill `fab`, and see that it died of that and nothing else."""
        assert self.process.poll() is None, f"fab had ended already:\n{self.told}"
        self.process.kill()
        assert self.end() == -signal.SIGKILL, self.told

    def end(self) -> int:
        """Wait for the end and return the exit code."""
        code = self.process.wait(HANG_SECONDS)
        self._reader.join(10)
        return code

    @property
    def told(self) -> str:
        return "".join(self._lines)

    def _read(self) -> None:
        assert self.process.stdout
        self._lines.extend(self.process.stdout)


@dataclass
class Case:
    """A deploy of v2, with its backup and its migration, over v1: what every fault is thrown at."""

    operator: Operator
    relay: Relay
    config: Path
    barriers: ExitStack

    def deploy(self, *words: str, after: str = "") -> Running:
        """Start `fab deploy` through the relay; it waits `after` that step for the test to let it go on."""
        backup = self.operator.configured({"services": {"galos-sync": {"migration": {"backup": BACKUP}}}})
        environment, barrier = {"PYTHONPATH": str(ROOT)}, None
        if after:
            barrier = self.barriers.enter_context(Barrier(self.config.with_name(f"barrier-{after}")).held())
            environment |= {AFTER: after, PLACE: str(barrier.place)}
        operator = replace(self.operator, root=CLIENT, environment={**self.operator.environment, **environment})
        process = operator.start("-f", backup, "deploy", *words, ssh_config=self.config)
        return Running(process, barrier)

    def impatient(self) -> None:
        """Let `fab` take a link for dead after seconds, and the host let go of the lock as soon."""
        self.operator.environment["TEST_IMPATIENT"] = "yes"

    def orphan(self) -> None:
        """Leave a migration as a client leaves it that died: the service is down, nobody waits for its end."""
        run = "docker-compose run -d -T --name galos-sync-migration --entrypoint sqlx galos-sync migrate run"
        self.operator.host.shell(
            f"cd && docker-compose pull -q && docker-compose rm -s -f galos-sync && {run} --source galos_db/migrations"
        )

    def judge(self) -> None:
        """Assert that what ran so far broke no rule."""
        self.operator.judge.obeyed()

    def converges(self) -> None:
        """The same command again ends well, with nothing removed by hand before it, and the release is in the log."""
        self.operator.done("deploy", "--wait", "100")
        look = f"{IMAGE_ID}; {CONTAINER}; cat ~/.galos-ops/releases.jsonl"
        image, runs, *lines = self.operator.host.shell(look).splitlines()
        assert runs == f"running {image}"
        assert applied(self.operator) == V2
        log = [json.loads(line) for line in lines]
        assert {line["service"] for line in log if line["event"] not in OF_THE_HOST} == {"galos-sync"}
        started = [line["image"] for line in log if line["event"] == "deploy"]
        assert started[-1] == image
        assert len(started) == len(set(started)), "a release is recorded twice"


@pytest.fixture
def case(deployed: Operator, tmp_path: Path) -> Iterator[Case]:
    deployed.sandbox.publish("v2")
    deployed.environment["FABRIC_GALOS_VERIFY_SECONDS"] = "0"
    with relayed(deployed.host.port) as relay, ExitStack() as barriers:
        config = redirected(deployed.sandbox, {deployed.host.port: relay.port}, tmp_path)
        yield Case(deployed, relay, config, barriers)
