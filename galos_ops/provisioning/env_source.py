"""The .env from where secrets are kept: what a local command prints, or AWS's parameter store; in memory only."""

from __future__ import annotations

import re
from collections.abc import Mapping

from galos_ops import redaction
from galos_ops.config.settings import Settings
from galos_ops.errors import CommandFailed, NotReadyError, UsageError
from galos_ops.provisioning import aws, local_command

STORE = "ssm:"
SECONDS = 120
PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=?&~-]*")
NAME = "galos.env_command"


def read(settings: Settings, command: str) -> str:
    """Return the text of a .env that a command prints, or that `ssm:/PATH` has; no value of it is shown any more.

    Raises `CommandFailed`, `UsageError`, and what AWS refuses.
    """
    kept = command.startswith(STORE)
    text = stored(settings, command.removeprefix(STORE)) if kept else printed(command)
    redaction.learn([text])
    if not text.strip():
        raise UsageError(f"{NAME} gives an empty .env.", hint="correct the command, or what it reads")
    return text


def printed(command: str) -> str:
    """Return what a local command prints."""
    ended = local_command.run(command, seconds=SECONDS)
    text, said = (data.decode(errors="replace") for data in (ended.stdout, ended.stderr))
    if ended.code != 0:
        redaction.learn([text])
        raise CommandFailed(
            f"{NAME} failed ({ended.reason(SECONDS)}); nothing was sent.",
            evidence=said,
            hint="correct what it says: it runs on this machine and is asked nothing",
        )
    try:
        return ended.stdout.decode()
    except UnicodeDecodeError:
        raise UsageError(f"What {NAME} prints is not UTF-8 text.", hint="correct the command") from None


def stored(settings: Settings, path: str) -> str:
    """Return the parameters below a path as a .env, or the value of the one that has it as its name."""
    if not path.startswith("/"):
        raise UsageError(f"{NAME} is {STORE}{path}; a path of the parameter store begins with /.")
    found = aws.parameters(settings, path)
    if path in found:
        return found[path]
    if not found:
        raise NotReadyError(
            f"The parameter store has nothing under {path} in {settings.ecr.region}.",
            hint="check galos.env_command, galos.ecr.region and galos.ecr.profile",
        )
    paths: dict[str, list[str]] = {}
    for name in sorted(found):
        paths.setdefault(name.rpartition("/")[2], []).append(name)
    for variable, same in paths.items():
        if len(same) > 1:
            raise UsageError(
                f"{NAME} is {STORE}{path}, below which {variable} has {len(same)} values.",
                evidence="\n".join(same),
                hint=f"name the path of one of them, as {STORE}{same[0].rpartition('/')[0]}",
            )
    return lines({variable: found[name] for variable, [name] in paths.items()})


def lines(values: Mapping[str, str]) -> str:
    """Return variables as the text of a .env, each value in the words that every docker-compose reads alike."""
    return "".join(f"{name}={word(value)}\n" for name, value in values.items())


def word(value: str) -> str:
    """Return a value in the quotes that it needs."""
    if PLAIN.fullmatch(value):
        return value
    if "'" not in value and "\n" not in value and "\\" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
