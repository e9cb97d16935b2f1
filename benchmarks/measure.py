"""One command, measured: seconds, peak memory, and how long the service was down by the host's own Docker events."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.host import Host

EVENTS = "/var/log/docker-events.jsonl"
LABEL = "com.docker.compose"


@dataclass(frozen=True)
class Sample:
    """One run: wall clock in seconds, the client's peak memory in MB, seconds without the service."""

    seconds: float
    memory: float
    down: float


@dataclass(frozen=True)
class Spread:
    """Some numbers: their median, and the quartiles around it."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(numbers: Sequence[float]) -> Spread:
        low, median, high = statistics.quantiles(numbers, n=4, method="inclusive")
        return Spread(median, low, high)


def measure(host: Host, argv: Sequence[str], variables: Mapping[str, str]) -> Sample:
    """Run a command to its end; raises `RuntimeError` with its output where it fails."""
    mark = int(host.shell(f"stat -c %s {EVENTS}"))
    with tempfile.TemporaryFile("w+") as output:
        began = time.monotonic()
        process = subprocess.Popen(argv, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{argv} ended with {process.returncode}:\n{output.read()}")
    return Sample(seconds, usage.ru_maxrss / 1024, down(host.shell(f"sleep 0.2; tail -c +{mark + 1} {EVENTS}")))


def down(events: str) -> float:
    """The seconds from the first end of a container of the service to the last start of one; 0 where none ended."""
    rows = [json.loads(line) for line in events.splitlines() if line.startswith("{")]
    times = {
        action: [row["timeNano"] for row in rows if row.get("Action") == action and _of_the_service(row)]
        for action in ("die", "start")
    }
    return (max(times["start"]) - min(times["die"])) / 1e9 if times["die"] else 0.0


def _of_the_service(row: Mapping[str, object]) -> bool:
    actor = row.get("Actor")
    labels = actor.get("Attributes", {}) if isinstance(actor, dict) else {}
    return f"{LABEL}.service" in labels and labels.get(f"{LABEL}.oneoff") != "True"


def interleaved(
    ways: Mapping[str, Callable[[], Sample]], runs: int, say: Callable[[str], None]
) -> dict[str, list[Sample]]:
    """Take turns, so that whatever else the machine does meets all alike; the first round is not counted."""
    samples: dict[str, list[Sample]] = {name: [] for name in ways}
    for number in range(runs + 1):
        for name, way in ways.items():
            sample = way()
            say(f"  {number:2} {name:10} {sample.seconds:6.2f} s, down {sample.down:5.2f} s")
            samples[name] += [sample] * (number > 0)
    return samples
