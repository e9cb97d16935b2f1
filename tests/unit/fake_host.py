"""A host in memory: files in a dictionary, commands answered from a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from galos_ops.errors import CommandFailed, NotReadyError
from galos_ops.host import COMMAND_SECONDS, Host
from galos_ops.result import OnLine, Result

Reply = Result | Callable[[str], Result]


def said(stdout: str = "", exited: int = 0, stderr: str = "") -> Result:
    """A result, `output` being one stream after the other."""
    return Result(exited, stdout, stderr, stdout + stderr)


class FakeHost(Host):
    """Answers a script with the first reply whose key it contains, else with silence and success.

    `writes` and `scripts` hold what was done to it, root's scripts with a `#root ` before them.
    """

    def __init__(
        self, files: Mapping[str, str] | None = None, replies: Mapping[str, Reply] | None = None, name: str = "box"
    ) -> None:
        self.name = name
        self.files = dict(files or {})
        self.replies = dict(replies or {})
        self.writes: list[tuple[str, int]] = []
        self.scripts: list[str] = []

    def read(self, *paths: str) -> list[str | None]:
        return [self.files.get(path) for path in paths]

    def write(self, path: str, text: str, *, mode: int = 0o600) -> None:
        self.files[path] = text
        self.writes.append((path, mode))

    def run(
        self,
        script: str,
        *,
        doing: str,
        stdin: bytes | None = b"",  # noqa: ARG002
        timeout: int = COMMAND_SECONDS,  # noqa: ARG002
        check: bool = True,
        on_line: OnLine | None = None,
    ) -> Result:
        self.scripts.append(script)
        reply = next((reply for part, reply in self.replies.items() if part in script), said())
        result = reply if isinstance(reply, Result) else reply(script)
        for line in result.output.splitlines() if on_line else []:
            on_line(line)  # type: ignore[misc]
        if check and not result.ok:
            raise CommandFailed(f"{self.name}: could not {doing} (exit {result.exited}).", evidence=result.output)
        return result

    def sudo(self, script: str, *, doing: str, timeout: int = COMMAND_SECONDS) -> Result:
        if "no root" in self.replies:
            raise NotReadyError(f"{self.name}: could not {doing}: it needs root.")
        return self.run(f"#root {script}", doing=doing, timeout=timeout)
