"""One command, measured: seconds, peak memory, and how long the service was down by the host's own Docker events."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.host import Host

EVENTS = "/var/log/docker-events.jsonl"
LABEL = "com.docker.compose"
LAUNCHER = """
import json, os, sys, time
began = time.monotonic()
pid = os.fork()
if not pid:
    os.execvp(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(pid, 0)
end = [time.monotonic() - began, usage.ru_maxrss, os.waitstatus_to_exitcode(status)]
os.write(int(sys.argv[1]), json.dumps(end).encode())
"""
"""A small process that starts the command: what is forked begins with the peak memory of whoever forks it."""


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

    def quartiles(self, decimals: int = 2) -> str:
        """Return them as the page shows them, with so many decimals."""
        return f"{self.low:.{decimals}f} to {self.high:.{decimals}f}"


def spread(samples: Sequence[Sample], field: Literal["seconds", "memory", "down"]) -> Spread:
    """Return the spread of one number of each sample."""
    return Spread.of([getattr(each, field) for each in samples])


def measure(host: Host, argv: Sequence[str], variables: Mapping[str, str]) -> Sample:
    """Run a command to its end; raises `RuntimeError` with its output where it fails."""
    mark = int(host.shell(f"stat -c %s {EVENTS}"))
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as told:
        words = [sys.executable, "-S", "-c", LAUNCHER, str(told.fileno()), *argv]
        nothing = subprocess.DEVNULL
        subprocess.run(
            words, env=variables, stdin=nothing, stdout=output, stderr=output, pass_fds=[told.fileno()], check=True
        )
        told.seek(0)
        seconds, kilobytes, code = json.load(told)
        if code:
            output.seek(0)
            raise RuntimeError(f"{argv} ended with {code}:\n{output.read()}")
    return Sample(seconds, kilobytes / 1024, down(host.shell(f"sleep 0.2; tail -c +{mark + 1} {EVENTS}")))


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
