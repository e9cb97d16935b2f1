"""Words and scripts for the host's shell, and the lines that it answers with."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from enum import IntEnum

EXPORTABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ExitCode(IntEnum):
    """What our scripts end with to say what a command's own exit code could not."""

    CSH = 85  # the login shell cannot read what we send
    HOME_UNKNOWN = 86  # the cluster does not tell which host is the one that changes it
    NOT_BEGUN = 87  # what comes before a migration failed
    NOT_HOME = 88  # another host of the cluster is the one that changes it
    SILENT = 89  # the engine did not answer
    SUDO_ASKS = 90  # sudo wants a password, and none is known
    CHANGED = 91  # the file to replace is not the one that was read
    UNLOCKABLE = 92  # the host cannot lock at all
    STILL_RUNS = 93  # something runs that must not meanwhile
    MISSING = 94  # docker-compose would make a network, a volume or a folder first
    NOT_OURS = 95  # the lock has expired
    NOT_RUN = 96  # no container ran to its end
    GONE = 97  # there is no such container
    WRONG_IMAGE = 98  # a container ran in another image
    OF_A_COMMAND = 99  # a command's own exit code, which was one of these


EXIT = f"[ $code -lt {min(ExitCode)} ] || [ $code -gt {max(ExitCode)} ] || code={ExitCode.OF_A_COMMAND:d}; exit $code"
"""A script's last line: it ends with a command's exit code in `code`, which is never taken for one of ours."""


def lines(text: str) -> list[str]:
    """The lines of an output that are not empty; nothing but a newline ends one, whatever Unicode has besides."""
    return [line for line in text.split("\n") if line]


def for_login_shell(script: str, *, within: str = "") -> str:
    """The command that runs a script in `sh`, `within` another command, whichever shell reads it.

    To fish a backslash counts in quotes, too. A csh ends quotes with the line, and would run the next lines by itself:
    it alone sets `shell`, and ends with `ExitCode.CSH`.
    """
    word = shlex.quote(script).replace("\\", r"'\\'")
    return f'test -z "$shell" || exec sh -c "exit {ExitCode.CSH}"\nexec {within}sh -c {word}'


def kill_on_disconnect(script: str) -> str:
    """Wrap a script so that all its processes end when the SSH channel closes, as its standard input then does.

    `timeout` has put them into a process group of their own, which `kill 0` means.
    """
    return (
        "exec 3<&0 </dev/null\n"
        "{ cat <&3; kill 0; } >/dev/null 2>&1 & watch=$!\n"
        f"( exec 3<&-\n{script}\n)\ncode=$?; kill $watch; exit $code"
    )


def shell_path(path: str) -> str:
    """A path on the host as one shell word; a leading `~` is the user's home."""
    if path == "~":
        return '"$HOME"'
    if path.startswith("~/"):
        return '"$HOME"/' + shlex.quote(path[2:])
    return shlex.quote(path)


def exports(values: Mapping[str, str]) -> str:
    """Shell lines that export variables, those left out whose names no shell can export.

    `command`, so that a name which a shell keeps for itself, such as UID, does not end the script.
    """
    names = filter(EXPORTABLE.fullmatch, values)
    return "".join(f"command export {name}={shlex.quote(values[name])}\n" for name in names)


def in_directory(path: str, script: str) -> str:
    """A script that runs in a directory of the host, or ends with 1 where that is not there."""
    return f"cd {shell_path(path)} || exit 1\n{script}"
