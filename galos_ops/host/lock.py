"""One deploy at a time: a lock that the host's kernel holds for as long as our channel shows signs of life."""

from __future__ import annotations

import contextlib
import json
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from paramiko import Channel, SSHException

from galos_ops.errors import LockedError, NotReadyError
from galos_ops.host.channel import begin, link_is_dead
from galos_ops.host.holder import describe, holder, ours
from galos_ops.host.host import COMMAND_SECONDS, GRACE_SECONDS, Host
from galos_ops.host.result import Result
from galos_ops.host.shell import ExitCode, for_login_shell, shell_path

STATE = ".galos-ops"  # our own folder on the host, beside the compose file
MARKER = f"{STATE}/migrating"  # the hosts of a fleet of which one migrates, and none may start a service
BEAT_SECONDS = 15
SILENCE_SECONDS = 60  # without a heartbeat for so long, the host lets go
STEP_SECONDS = 10
RELEASE_SECONDS = 5
ANSWER_SECONDS = 60
ANSWERED = "answered"
LOOK = "look at the host"
TRY = f"""try() {{
  said=$(flock "$@" 2>&1) && return
  [ $? = 1 ] && [ -z "$said" ] && return 1
  echo "$said" >&2; exit {ExitCode.UNLOCKABLE}
}}"""
"""A function of shell that ends the script where flock fails for another reason than a holder, of whom it says nothing:
a file system without locks, or a flock without -w."""
NAMED = """named() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do [ -s holder ] && break; sleep 0.1; done
  cat holder 2>/dev/null
}"""
"""A function of shell that says who holds the lock, which a holder writes down a moment after it has it."""
LET_GO = "exec 8>&-"
"""What a script that holds `step`, as `fence` has it do, lets go of it with before its end."""
HELD = "[ -s holder ] && ! ( exec 9<lock && flock -n 9 ) 2>/dev/null"
"""Whether somebody holds the lock, asked in its folder; tried only where a holder is written down, so that who takes a
free one never meets our try."""
WAIT_SECONDS = 600  # what a person is told to give --wait


def script(directory: str, wait: int, token: str, who: str, question: str = "") -> str:
    """Take the lock, write our token and who we are beside it, say `held`, and keep it while heartbeats come.

    A step that an earlier holder's death left running holds `step`; the new token is written first, so that no further
    step of that holder begins, and then its end is awaited. The question is a script that looks at the host meanwhile;
    behind its output comes `answered` and its exit code.
    """
    state = f"{shell_path(directory)}/{STATE}"
    answer = "printf '%s %s\\n' {} \"$(named)\""  # echo of some shells reads the backslash of a user's name
    busy = f"{answer.format('busy')}; exit 4"
    patient = f"{answer.format('waiting')}; try -w {wait} 9 || {{ {busy}; }}"
    return "\n".join(
        (
            TRY,
            NAMED,
            f"umask 077; {{ [ -d {state} ] || mkdir -p {state}; }} && cd {state} && exec 9>>lock 8>>step || exit 8",
            f"try -n 9 || {{ {patient if wait else busy}; }}",
            f"printf '%s\\n' {token} >token && printf '%s\\n' {shlex.quote(who)} >holder || exit 8",
            f"try -w {max(wait, STEP_SECONDS)} 8 || {{ : >token; echo 'busy step'; exit 4; }}",
            f"{LET_GO}; echo held",
            *([_asking(question)] if question else []),
            f'while [ "$(timeout {SILENCE_SECONDS} head -c1)" = . ]; do :; done',
            ": >token; : >holder",
        )
    )


def _asking(question: str) -> str:
    """Ask in the background and without a lock, so that the next holder need not wait for it when we are gone."""
    asked = f"timeout -k 5 {COMMAND_SECONDS} sh -c {shlex.quote(question)} </dev/null"
    return f"{{ {asked}; echo {ANSWERED} $?; }} 9>&- &"


@dataclass(frozen=True)
class Lock:
    """The lock of a host while it is ours: `token` is what the host knows us by.

    `answer` waits for what the question printed that was asked with it; raises as `Host.run` does.
    """

    token: str
    answer: Callable[[], str] = field(default=str, repr=False, compare=False)


def fence(lock: Lock) -> str:
    """What a step that changes the host begins with, in the service's directory: the proof that the lock is ours.

    The step holds `step` to its end, even when we do not live to see it. It ends with `NOT_OURS` or `UNLOCKABLE`.
    """
    proof = f'try -w {STEP_SECONDS} 8 && [ "$(cat {STATE}/token)" = {lock.token} ]'
    # in a subshell first: a shell that cannot open what exec names ends on the spot
    opened = f"( : >>{STATE}/step ) || exit {ExitCode.UNLOCKABLE}"
    return f"{TRY}\n{opened}\nexec 8>>{STATE}/step; {proof} || exit {ExitCode.NOT_OURS}"


@contextmanager
def lock(
    host: Host, directory: str, task: str, wait: int, say: Callable[[str], None], question: str = ""
) -> Iterator[Lock]:
    """Hold the host for a task and yield it, waiting at most `wait` seconds and saying for whom.

    `question` is a script that leaves the host as it is, and runs once the lock is ours. Raises `LockedError` that says
    who holds it.
    """
    host.refuse_dry("take the lock")
    channel, token = host.channel("take the lock"), secrets.token_hex(8)
    over, asked = threading.Event(), time.monotonic()
    try:
        taking = script(directory, wait, token, json.dumps(holder(task, host.name)), question)
        answers = _take(host, channel, taking, wait, say)
        threading.Thread(target=_beat, args=(channel, over), daemon=True).start()
        yield Lock(token, partial(_answer, host, answers, asked))
    finally:
        over.set()
        with contextlib.suppress(OSError, EOFError, SSHException):  # a dead link has let go by itself
            channel.shutdown_write()
            channel.status_event.wait(RELEASE_SECONDS)
            channel.close()


def holding(host: Host, directory: str) -> str:
    """What the holder of the lock wrote, nothing while nobody holds it."""
    return host.run(
        f"cd {shell_path(directory)}/{STATE} 2>/dev/null && {HELD} && cat holder; exit 0", doing="look at the lock"
    ).stdout.strip()


def expired_error(host: Host, doing: str) -> LockedError:
    """The error for a step that found another token on the host than ours."""
    return LockedError(
        f"{host.name}: the lock expired, as no heartbeat reached the host for too long; nothing was done to {doing}.",
        hint=f"it looks at the host first: {host.typed.again()}",
    )


def unlockable_error(host: Host, evidence: str, *, undone: str = "nothing was changed") -> NotReadyError:
    """The error for a host that cannot lock."""
    return NotReadyError(
        f"{host.name}: cannot take the lock in the service's directory; {undone}.",
        evidence=evidence,
        hint=f"correct what it says (flock must be that of util-linux), then: {host.typed.again()}",
    )


def refuse(host: Host, who: str) -> LockedError:
    """The error for a host that somebody else holds, or that this run holds under another name."""
    waits = host.typed.task == "deploy"
    hint = host.typed.fab("deploy", wait=WAIT_SECONDS) if waits else f"when that is over: {host.typed.again()}"
    error = LockedError(f"{host.name}: {describe(who)}; nothing was changed.", hint=hint)
    error.ours = ours(who)
    return error


def _beat(channel: Channel, over: threading.Event) -> None:
    with contextlib.suppress(OSError, EOFError, SSHException):  # a dead link is told by the step that meets it
        while not over.wait(BEAT_SECONDS):
            channel.sendall(b".")


def _take(host: Host, channel: Channel, taking: str, wait: int, say: Callable[[str], None]) -> Iterator[str]:
    """Take the lock, and return the lines that come after it."""
    channel.settimeout(2 * wait + ANSWER_SECONDS)
    lines = _lines(channel)
    try:
        begin(channel, for_login_shell(taking))
        word, who = _answered(host, lines)
        if word == "waiting":
            say(f"waiting at most {wait} s: {describe(who)}")
            word, who = _answered(host, lines)
        evidence = "" if word else channel.makefile_stderr("r").read().decode(errors="replace")
        if not word and channel.status_event.wait(RELEASE_SECONDS):
            if channel.exit_status == ExitCode.CSH:
                raise host.csh()
            if link_is_dead(channel):
                raise host.lost("take the lock")
    except (OSError, EOFError, SSHException) as error:
        raise host.lost("take the lock", error) from error
    if word == "busy":
        raise refuse(host, who)
    if word != "held":
        raise unlockable_error(host, evidence)
    channel.settimeout(COMMAND_SECONDS + GRACE_SECONDS)
    return lines


def _answered(host: Host, lines: Iterator[str]) -> tuple[str, str]:
    """Return what the script says of the lock, two times nothing where it ended; raises `NotReadyError`."""
    line = next(lines, None)
    if line is None:
        return "", ""
    word, _, who = line.partition(" ")
    if word not in ("held", "busy", "waiting"):
        raise host.noise(line)
    return word, who


def _lines(channel: Channel) -> Iterator[str]:
    for line in channel.makefile("rb"):
        yield line.decode(errors="replace").rstrip("\n")


def _answer(host: Host, lines: Iterator[str], asked: float) -> str:
    """Return what the question printed that was asked with the lock; its time runs on the host, read or not."""
    said: list[str] = []
    try:
        for line in lines:
            if line.startswith(ANSWERED):
                output = "\n".join(said)
                result = Result(int(line.removeprefix(ANSWERED)), output, "", output)
                seconds = time.monotonic() - asked
                return host.require_done(
                    result, doing=LOOK, seconds=seconds, timeout=COMMAND_SECONDS, private=True
                ).stdout
            said.append(line)
    except (OSError, EOFError, SSHException) as error:
        raise host.lost(LOOK, error) from error
    raise host.lost(LOOK)
