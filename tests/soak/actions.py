"""What a soak does to a host at random: what people type, and what befalls them and the host meanwhile."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.faults.conftest import CLIENT
from tests.faults.relay import Relay
from tests.integration.conftest import ROOT, Operator
from tests.processes import HANG_SECONDS

VERSIONS = ("v1", "v2", "v2", "v3", "v3", "broken-migration", "crashing", "unhealthy", "healthy", "slow-migration")
DEPLOY = ("deploy", "--wait", "100")
TASKS = (
    DEPLOY, DEPLOY, ("up",), ("start",), ("stop",), ("stop", "--kill-migration"), ("down",),
    ("down", "--kill-migration"),
    ("rollback",), ("migrate",), ("prune",), ("pending",), ("status",), ("history",), ("pull",), ("env.push",),
    ("doctor",), ("deploy", "--dry-run"), ("deploy", "--tag", "v2", "--wait", "100"),
)  # fmt: skip
CODES = range(9)  # what a task may end with


class Violation(AssertionError):
    """Something that no run may ever do."""


@dataclass
class Actor:
    """Acts on one host; `told` is what it did in this epoch, `ended` counts how tasks ended over all of them."""

    operator: Operator
    relay: Relay
    config: Path
    rng: random.Random
    ended: Counter[str]
    told: list[str] = field(default_factory=list)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a task through the relay, by a client that gives a dead link up soon."""
        environment = {**self.operator.environment, "PYTHONPATH": str(ROOT), "TEST_IMPATIENT": "yes"}
        operator = replace(self.operator, root=CLIENT, environment=environment)
        return operator.start(*words, ssh_config=self.config)

    def end(self, process: subprocess.Popen[str], *words: str, killed: bool = False) -> int:
        """Wait for the end of a task; raises `Violation` for an exit code or an output that no task may have."""
        told, _ = process.communicate(timeout=HANG_SECONDS)
        code = process.returncode
        self.ended[f"{words[0]} {code}"] += 1
        if ("Traceback" in told and not (killed and met_python(told))) or (code not in CODES and not killed):
            raise Violation(f"{' '.join(words)} ended with {code}:\n{told}")
        return code

    def run(self, *words: str) -> int:
        return self.end(self.start(*words), *words)

    def pause(self, most: float) -> None:
        time.sleep(self.rng.uniform(0, most))


def met_python(told: str) -> bool:
    """Whether an interrupt came while Python still loaded Fabric, which nothing of ours can tell of."""
    return told.rstrip().endswith("\nKeyboardInterrupt") and "/galos_ops/" not in told


def publish(actor: Actor) -> None:
    version = actor.rng.choice(VERSIONS)
    actor.told.append(f"  {version}")
    actor.operator.sandbox.migration_seconds(actor.rng.choice((0, 1, 4)))
    actor.operator.sandbox.publish(version)


def task(actor: Actor) -> None:
    words = actor.rng.choice(TASKS)
    actor.told.append(f"  {' '.join(words)}: exit {actor.run(*words)}")


def release(actor: Actor) -> None:
    publish(actor)
    actor.told.append(f"  deploy: exit {actor.run(*DEPLOY)}")


def killed(actor: Actor) -> None:
    process = actor.start(*DEPLOY)
    actor.pause(6)
    process.kill()
    actor.end(process, *DEPLOY, killed=True)


def interrupted(actor: Actor) -> None:
    process = actor.start(*DEPLOY)
    actor.pause(6)
    process.send_signal(actor.rng.choice((signal.SIGINT, signal.SIGTERM)))
    actor.end(process, *DEPLOY, killed=True)  # before Python takes signals they kill it


def frozen(actor: Actor) -> None:
    process = actor.start(*DEPLOY)
    actor.pause(6)
    actor.relay.freeze()
    actor.end(process, *DEPLOY)


def reset(actor: Actor) -> None:
    process = actor.start(*DEPLOY)
    actor.pause(6)
    actor.relay.reset()
    actor.end(process, *DEPLOY)


def beside(actor: Actor) -> None:
    process, words = actor.start(*DEPLOY), actor.rng.choice(TASKS)
    actor.pause(4)
    actor.told.append(f"  {' '.join(words)}: exit {actor.run(*words)}")
    actor.told.append(f"  deploy: exit {actor.end(process, *DEPLOY)}")


def pushed_meanwhile(actor: Actor) -> None:
    process = actor.start(*DEPLOY)
    actor.pause(4)
    publish(actor)
    actor.told.append(f"  deploy: exit {actor.end(process, *DEPLOY)}")


def engine_restarts(actor: Actor) -> None:
    process = actor.start(*DEPLOY)
    actor.pause(6)
    actor.operator.host.engine_stop()
    actor.pause(2)
    actor.operator.host.engine_start()
    actor.told.append(f"  deploy: exit {actor.end(process, *DEPLOY)}")


ACTIONS: dict[Callable[[Actor], None], int] = {
    release: 6, task: 6, killed: 4, interrupted: 2, frozen: 2, reset: 2, beside: 4, pushed_meanwhile: 2,
    engine_restarts: 1,
}  # fmt: skip
"""What may be done, and how often beside the others."""


def act(actor: Actor) -> None:
    """Do something at random."""
    [action] = actor.rng.choices(list(ACTIONS), list(ACTIONS.values()))
    actor.told.append(action.__name__)
    actor.ended[f"action {action.__name__}"] += 1
    action(actor)
