"""A person with a page of the documentation open, who types what stands there."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests import processes
from tests.integration.conftest import Operator
from tests.integration.gate import Gate
from tests.transcripts import code, transcripts

NAMES = {"galos-1": "sandbox", "galos-2": "sandbox-ask"}
"""The hosts of the pages, and whom they log in as at the sandbox's: root, and one whose sudo asks for a password."""


@dataclass
class Reader:
    """A person with a page open, in a folder of their own: `~/.ssh/config` there knows the hosts of the pages."""

    operator: Operator
    folder: Path
    names: Mapping[str, str] = field(default_factory=lambda: NAMES)

    def __post_init__(self) -> None:
        ssh_config = self.operator.sandbox.ssh_config.read_text()
        for name, known in self.names.items():
            ssh_config = ssh_config.replace(f"Host {known}\n", f"Host {name}\n")
        self.write(".ssh/config", ssh_config)
        self.done("galos-ops init")
        self.write(".env", (self.operator.sandbox.directory / ".env").read_text())

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def start(self, line: str) -> subprocess.Popen[str]:
        """Type a line into a shell; its output, both streams as one, can be read while it runs."""
        path = f"{Path(sys.executable).parent}:{self.operator.variables()['PATH']}"
        own = {"HOME": str(self.folder), "PATH": path, "FABRIC_GALOS_ENV_FILE": ".env"}
        return processes.start(["sh", "-c", line], cwd=self.folder, env={**self.operator.variables(), **own})

    def shows(self, place: str, exit: int = 0) -> None:
        """Type the transcripts below a heading: each must show what stands there, the last one end with this code."""
        found = transcripts(place)
        assert found, place
        for typed in found:
            result = self.start(typed.command)
            wrong = typed.wrong(result.communicate(timeout=processes.HANG_SECONDS)[0])
            assert not wrong, f"{place}\n{wrong}"
        assert result.returncode == exit, place

    def types(self, place: str) -> str:
        """Type the commands below a heading that no output is shown of, and return what they print."""
        found = code(place, "sh")
        assert found, place
        return "".join(self.done(f"set -e\n{block}") for block in found)

    def interrupted(self, place: str, gate: Gate) -> None:
        """Type a transcript and interrupt it once the migration waits at the gate."""
        [typed] = transcripts(place)
        begun = self.start(f"exec {typed.command}")
        gate.reached()
        begun.send_signal(signal.SIGINT)
        wrong = typed.wrong(begun.communicate(timeout=processes.HANG_SECONDS)[0])
        assert not wrong, f"{place}\n{wrong}"

    def done(self, line: str) -> str:
        """Type what must end well, and return its output."""
        result = self.start(line)
        output = result.communicate(timeout=processes.HANG_SECONDS)[0]
        assert result.returncode == 0, f"{line}\n{output}"
        return output
