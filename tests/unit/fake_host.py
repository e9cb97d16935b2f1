"""A host that answers the scripts a test names, for what no real shell would say."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from fabric import Config, Connection

from galos_ops.config.command_line import CommandLine
from galos_ops.host.host import Host
from galos_ops.host.result import OnLine, Result


def said(stdout: str = "", exited: int = 0, stderr: str = "") -> Result:
    """A result, `output` being one stream after the other."""
    return Result(exited, stdout, stderr, stdout + stderr)


class FakeHost(Host):
    """Answers a script that is, to the letter, a key of `replies`, and fails on any other; nothing above is faked.

    `scripts` holds those that were run; `check` fails for a reply that was never asked for.
    """

    def __init__(self, replies: Mapping[str, Result] | None = None, *, dry: bool = False, name: str = "box") -> None:
        connection = Connection(name, config=Config(overrides={"load_ssh_configs": False}))
        super().__init__(connection, CommandLine(name, "task"), dry=dry)
        self.replies = dict(replies or {})
        self.scripts: list[str] = []

    def _execute(self, command: str, stdin: bytes | None, timeout: int, on_line: OnLine | None, doing: str) -> Result:  # noqa: ARG002
        *wrapper, script = shlex.split(command.partition("\nexec ")[2])
        assert wrapper == ["timeout", "-k", "5", str(timeout), "sh", "-c"]
        assert script in self.replies, f"nobody expected this script, to {doing}:\n{script}"
        self.scripts.append(script)
        result = self.replies[script]
        for line in result.output.splitlines() if on_line else []:
            on_line(line)  # type: ignore[misc]
        return result

    def check(self) -> None:
        """Fail unless every reply was asked for."""
        assert self.replies.keys() - set(self.scripts) == set()
