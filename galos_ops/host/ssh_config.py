"""What ssh would do to log in to a host, asked of `ssh -G`, which follows all of ssh_config(5)."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galos_ops.errors import UsageError

ASK_SECONDS = 30
SSH_PORT = 22
LISTS = ("identityfile", "certificatefile")
"""What may be given several times: a line each."""
FILES = ("userknownhostsfile", "globalknownhostsfile")
"""What has several files in one line, with nothing around a name that has a space in it."""


class SshConfig(dict[str, Any]):
    """What ssh does for a host, as Paramiko's lookup has it: a text, a list for `LISTS`."""


@dataclass(frozen=True)
class Login:
    """What is typed after `ssh`: `user` and `port` None and `jump` empty where that is ssh_config's to say."""

    name: str
    user: str | None = None
    port: int | None = None
    jump: str = ""

    @property
    def argv(self) -> list[str]:
        user, port = ["-l", self.user] if self.user else [], ["-p", str(self.port)] if self.port else []
        return [*user, *port, *(["-J", self.jump] if self.jump else []), "--", self.name]


def usable() -> bool:
    """Return whether ssh can be asked: it is installed, and the home where it looks is the $HOME of everybody else."""
    try:
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return False
    return shutil.which("ssh") is not None and home.resolve() == Path("~").expanduser().resolve()


def user() -> str:
    """Return the name with which ssh logs in where nobody gives it one."""
    return pwd.getpwuid(os.getuid()).pw_name


def ask(login: Login, options: Sequence[str] = ()) -> SshConfig:
    """Return what ssh would do for a login, its files named in full; raises `UsageError` in ssh's own words."""
    argv = ["ssh", "-G", "-T", *options, *login.argv]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True) as process:
        try:
            printed, said = process.communicate(timeout=ASK_SECONDS)
        except BaseException as ended:
            os.killpg(process.pid, signal.SIGKILL)  # with what a `Match exec` runs, which holds the pipes
            if not isinstance(ended, subprocess.TimeoutExpired):
                raise
            raise UsageError(
                f"{login.name}: ssh did not come to the end of its configuration within {ASK_SECONDS} s.",
                hint=f"look at what its `Match exec` runs: {shlex.join(argv)}",
            ) from None
    if process.returncode:
        raise UsageError(
            f"{login.name}: ssh does not accept this host or its configuration.",
            evidence=said.decode(errors="replace"),
            hint=f"correct what it says, then look: {shlex.join(argv)}",
        )
    config = parse(os.fsdecode(printed))
    return in_full(config, tokens(login, config))


def parse(text: str, exists: Callable[[str], bool] = os.path.exists) -> SshConfig:
    """Return what `ssh -G` printed; the files in `FILES` are taken apart by those that are there."""
    config = SshConfig()
    for line in filter(None, text.split("\n")):
        keyword, _, value = line.partition(" ")
        if keyword in LISTS:
            config.setdefault(keyword, []).append(value)
        else:
            config[keyword] = shlex.join(_files(value, exists)) if keyword in FILES else value
    return config


def _files(line: str, exists: Callable[[str], bool]) -> list[str]:
    words, files = line.split(" "), []
    while words:
        lengths = range(len(words), 0, -1)
        length = next((length for length in lengths if exists(" ".join(words[:length]))), 1)
        files.append(" ".join(words[:length]))
        words = words[length:]
    return files


def tokens(login: Login, config: SshConfig) -> dict[str, str]:
    """Return what the tokens of ssh_config(5) stand for, by their letter."""
    local = socket.gethostname()
    return {
        "%": "%",
        "d": os.path.expanduser("~"),
        "h": config["hostname"],
        "i": str(os.getuid()),
        "k": config.get("hostkeyalias", login.name),
        "L": local.partition(".")[0],
        "l": local,
        "n": login.name,
        "p": config["port"],
        "r": config["user"],
        "u": user(),
    }


def in_full(config: SshConfig, meant: Mapping[str, str]) -> SshConfig:
    """Return the same with the tokens, the ~ and the variables filled in that `ssh -G` prints as they stand."""
    filled = SshConfig(config)
    for keyword in LISTS:
        filled[keyword] = [_path(text, meant) for text in config.get(keyword, []) if text != "none"]
    for keyword in ("proxycommand", "proxyjump"):
        if keyword in config:
            filled[keyword] = _filled(config[keyword], meant)
    return filled


def _path(text: str, meant: Mapping[str, str]) -> str:
    named = re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], ""), os.path.expanduser(text))
    return _filled(named, meant)


def _filled(text: str, meant: Mapping[str, str]) -> str:
    return re.sub("%(.)", lambda found: meant.get(found[1], found[0]), text)
