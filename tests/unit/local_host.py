"""This machine as a Docker host: what `Host` would run over SSH runs here, in a real shell, in a home of its own."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from fabric import Config, Connection

from galos_ops.config.command_line import CommandLine
from galos_ops.host.host import Host
from galos_ops.host.result import OnLine, Result

SHELLS = ("dash", "bash")  # what `sh` is on Debian, and on the Red Hat family
TOOLS = (
    "base64", "cat", "chmod", "chown", "date", "df", "dirname", "env", "find", "flock", "grep", "head",
    "id", "ls", "mkdir", "mktemp", "mv", "readlink", "rm", "sed", "sha256sum", "sort", "stat", "sync", "tail",
    "timeout", "tr", "wc", "xargs",
)  # fmt: skip
"""All that a host has here besides its shell and the stubs; no `sleep`, so that no test waits for one."""

STUB = """\
call="{program}${{*:+ $*}}"
printf '%s\\n' "$call" >>{directory}/calls
turn() {{ n=0; [ ! -e "$1" ] || read -r n <"$1"; n=$((n + 1)); echo $n >"$1"; }}
case "$*" in
{cases}
esac
echo "$call" >>{directory}/unexpected
echo "a call that the test does not expect: $call" >&2
exit 64
"""


@dataclass(frozen=True)
class Reply:
    """What a stub answers: both streams, the exit code, and a line of shell for what it does besides."""

    stdout: str = ""
    exited: int = 0
    stderr: str = ""
    effect: str = ""


class Stubs:
    """Programs on the host's PATH, each of which answers the command lines that the test names and fails on any other.

    `check` fails for a call that nobody expected and for a reply that was never asked for.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._replies: dict[str, dict[str, Sequence[Reply]]] = {}
        self._free: set[tuple[str, str]] = set()
        self.bin = directory / "bin"
        self.bin.mkdir(parents=True)

    def add(self, program: str, replies: Mapping[str, Reply | str | Sequence[Reply]], *, asked: bool = True) -> None:
        """Answer these arguments, joined by spaces; of a list one reply a call, the last of them for ever.

        Unless it must be `asked`, a reply may also go unused.
        """
        known = self._replies.setdefault(program, {})
        for arguments, reply in replies.items():
            several = [Reply(reply)] if isinstance(reply, str) else [reply] if isinstance(reply, Reply) else reply
            known[arguments] = several
            (self._free.discard if asked else self._free.add)((program, arguments))
        cases = [self._case(program, number, *row) for number, row in enumerate(known.items())]
        names = {"program": program, "directory": shlex.quote(str(self._directory)), "cases": "\n".join(cases)}
        self.program(program, STUB.format(**names))

    def program(self, name: str, script: str) -> None:
        """Have a program of that name on the PATH, before any other."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def _case(self, program: str, number: int, arguments: str, replies: Sequence[Reply]) -> str:
        asked = self._asked(program, number)
        asked.parent.mkdir(parents=True, exist_ok=True)
        turns = [*map(str, range(1, len(replies))), "*"]
        told = "".join(
            f"{turn}) printf %s {shlex.quote(reply.stdout)}; printf %s {shlex.quote(reply.stderr)} >&2\n"
            f"{reply.effect}\nexit {reply.exited} ;;\n"
            for turn, reply in zip(turns, replies, strict=True)
        )
        return f"{shlex.quote(arguments)}) turn {shlex.quote(str(asked))}\ncase $n in\n{told}esac ;;"

    def _asked(self, program: str, number: int) -> Path:
        """Where a stub counts how often it gave a reply."""
        return self._directory / "replies" / program / str(number)

    @property
    def calls(self) -> list[str]:
        """The command lines that were run, in their order."""
        return self._lines("calls")

    def _lines(self, name: str) -> list[str]:
        path = self._directory / name
        return path.read_text().splitlines() if path.exists() else []

    def check(self) -> None:
        """Fail unless what was called is what the test named."""
        unused = [
            f"{program} {arguments}"
            for program, known in self._replies.items()
            for number, arguments in enumerate(known)
            if (program, arguments) not in self._free and not self._asked(program, number).exists()
        ]
        assert self._lines("unexpected") == []
        assert unused == []


@cache
def tools(shell: str) -> TemporaryDirectory[str]:
    """A folder with `TOOLS` and nothing else but the shell under the name `sh`."""
    folder = TemporaryDirectory(prefix="tools-")
    for name, program in {"sh": shell, **dict(zip(TOOLS, TOOLS, strict=True))}.items():
        there = shutil.which(program)
        assert there, f"install {program}"
        (Path(folder.name) / name).symlink_to(there)
    return folder


class LocalHost(Host):
    """A host whose shell, tools and files are those of this machine; everything above `_execute` is the real code."""

    def __init__(self, directory: Path, shell: str = "dash", *, dry: bool = False, home: str = "home") -> None:
        connection = Connection("box", config=Config(overrides={"load_ssh_configs": False}))
        super().__init__(connection, CommandLine("box", "task"), dry=dry)
        self.home = directory / home
        self.home.mkdir()
        self.stubs = Stubs(directory / "stubs")
        self.variables = {"HOME": str(self.home), "PATH": f"{self.stubs.bin}:{tools(shell).name}"}
        self.scripts: list[str] = []
        self.greeting = ""  # what a start-up file of the login shell prints, as printf has it
        self._shell = shutil.which(shell) or shell

    def path(self, name: str) -> Path:
        """Where a path with `~` is on this machine."""
        return Path(name.replace("~", str(self.home), 1)) if name.startswith("~") else Path(name)

    def put(self, name: str, text: str, mode: int = 0o600) -> Path:
        """Have a file there."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(mode)
        return path

    def files(self) -> dict[str, str]:
        """The files of the home, as `~/...`, and their texts."""
        found = (path for path in sorted(self.home.rglob("*")) if path.is_file())
        return {f"~/{path.relative_to(self.home)}": path.read_bytes().decode() for path in found}

    def started(self, command: str) -> subprocess.Popen[bytes]:
        """A command that runs as sshd would run it, its three streams ours."""
        pipe = subprocess.PIPE
        greeting = f"printf '{self.greeting}'\n" if self.greeting else ""
        words = [self._shell, "-c", greeting + command]
        return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, env=self.variables, cwd=self.home)

    def _execute(self, command: str, stdin: bytes | None, timeout: int, on_line: OnLine | None, doing: str) -> Result:  # noqa: ARG002
        self.scripts.append(command)
        with self.started(command) as process:
            out, err = (stream.decode(errors="replace") for stream in process.communicate(stdin))
        for line in (out + err).splitlines() if on_line else []:
            on_line(line)  # type: ignore[misc]
        return Result(process.returncode, out, err, out + err)
