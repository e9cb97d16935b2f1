"""How far a pull is, and what is worth showing of it: read from what docker-compose v1, v2, v5 and docker print."""

from __future__ import annotations

import re
from dataclasses import dataclass

STATES = (
    "Pulling|Pulled|Waiting|Downloading|Verifying Checksum|Download complete|Extracting|Pull complete|Already exists"
)
CHATTER = re.compile(rf"Pulling \S+ \.\.\. | ?(Image )?\S+ ({STATES})\b")


@dataclass(frozen=True)
class Layers:
    """The layers that a pull fetches: how many there are, and how many are on the host."""

    found: int = 0
    done: int = 0

    def after(self, line: str) -> Layers:
        """The count once another line was printed."""
        said = line.lower() if CHATTER.match(line) else ""
        return Layers(self.found + ("pulling fs layer" in said), self.done + ("pull complete" in said))

    def __str__(self) -> str:
        return f"{self.done}/{self.found} layers" if self.found else ""


def worth_showing(output: str) -> str:
    """The output of a pull without the lines that tell how far it is."""
    return "\n".join(line for line in output.splitlines() if not CHATTER.match(line))
