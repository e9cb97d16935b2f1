"""What the fault tests share: the integration fixtures, a link that breaks, and the judgement afterwards."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults.relay import Relay, relayed
from tests.integration.conftest import (
    ROOT,
    Operator,
    Watch,
    any_compose,
    bare,
    container,
    deployed,
    image_id,
    ready,
    sandbox,
    watch,
)
from tests.integration.test_deploy import V2, applied
from tests.judge.plugin import pytest_runtest_call
from tests.processes import HANG_SECONDS

__all__ = ["any_compose", "bare", "deployed", "pytest_runtest_call", "ready", "sandbox"]

IMPATIENT = Path(__file__).with_name("impatient")
STEPS = ("pull", "pending", "down", "migrate", "up", "verify")


@contextmanager
def undone(operator: Operator, broken: str, mended: str) -> Iterator[None]:
    """Break the host with a script, and mend it with another one."""
    operator.host.shell(broken)
    try:
        yield
    finally:
        operator.host.shell(mended)


@dataclass
class Running:
    """A `fab` under way whose steps can be waited for."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def until(self, step: str) -> None:
        """Return when the line of a step is printed, which is when it is over."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)
            if f" {step} " in line:
                return
        raise AssertionError(f"{step} never ended:\n{''.join(self.lines)}")

    def end(self, timeout: float = HANG_SECONDS) -> int:
        """Read to the end and return the exit code."""
        assert self.process.stdout
        reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout or []), daemon=True)
        reader.start()
        code = self.process.wait(timeout)
        reader.join(10)
        return code

    @property
    def told(self) -> str:
        return "".join(self.lines)


@dataclass
class Case:
    """A deploy of v2, with its migration, over v1: what every fault is thrown at."""

    operator: Operator
    relay: Relay
    watching: Watch
    config: Path

    def deploy(self, *words: str) -> Running:
        """Start `fab deploy` through the relay."""
        return Running(self.operator.start("deploy", *words, ssh_config=self.config))

    def impatient(self) -> None:
        """Let `fab` take a link for dead after seconds, and the host let go of the lock as soon."""
        self.operator.root = IMPATIENT
        self.operator.environment["PYTHONPATH"] = str(ROOT)

    def judge(self) -> None:
        """I1 and I2, by the host's own events: the service starts only after a migration that ended well."""
        migrated = False
        for event in self.watching.host.events(self.watching.since):
            about = event["Actor"]["Attributes"]
            if about.get("name") == "galos-sync-migration":
                migrated = {"start": False, "die": about.get("exitCode") == "0"}.get(event["Action"], migrated)
            elif about.get("com.docker.compose.oneoff") == "False" and event["Action"] == "start":
                assert migrated, "the service was started before its migration had ended well"

    def converges(self) -> None:
        """The same command again ends well, with nothing removed by hand before it."""
        self.operator.done("deploy", "--wait", "100")
        host = self.operator.host
        assert container(host) == f"running {image_id(host)}"
        assert applied(self.operator) == V2
        left = host.shell("docker ps -a --format '{{.Names}}' | grep -E 'migration|check'", check=False)
        assert left == ""
        for line in host.shell("cat ~/.galos-ops/releases.jsonl").splitlines():
            assert json.loads(line)["service"] == "galos-sync"
        self.judge()


@pytest.fixture
def case(deployed: Operator, tmp_path: Path) -> Iterator[Case]:
    deployed.sandbox.publish("v2")
    deployed.environment["FABRIC_GALOS_VERIFY_SECONDS"] = "0"
    with relayed(deployed.host.port) as relay:
        known = tmp_path / "known_hosts"
        port = str(deployed.host.port)
        known.write_text((deployed.sandbox.directory / "known_hosts").read_text().replace(port, str(relay.port)))
        config = tmp_path / "ssh_config"
        text = deployed.sandbox.ssh_config.read_text().replace(f"Port {port}", f"Port {relay.port}")
        config.write_text(text.replace(str(deployed.sandbox.directory / "known_hosts"), str(known)))
        yield Case(deployed, relay, watch(deployed.host), config)
