"""One deploy at a time: a lock that the host's kernel holds for exactly as long as our channel lives."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone

from paramiko import Channel, SSHException

from galos_ops.errors import LockedError, NotReadyError
from galos_ops.facts import STATE
from galos_ops.host import Host, shell_path

RELEASE_SECONDS = 5
ANSWER_SECONDS = 30
WAIT_HINT = "wait for it, or let deploy wait by itself: deploy --wait 600"

RUN_URLS = {
    "GITHUB_RUN_ID": "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
    "CI_JOB_URL": "{CI_JOB_URL}",
}  # what GitHub Actions and GitLab CI set


def run_url(environment: Mapping[str, str]) -> str | None:
    """The page of the CI run that we are part of, None outside of CI."""
    for variable, template in RUN_URLS.items():
        if environment.get(variable):
            return template.format_map({name: environment.get(name, "") for name in environment})
    return None


def holder(task: str) -> dict[str, str | None]:
    """Who we are, as the others read it."""
    return {
        "user": getpass.getuser(),
        "machine": socket.gethostname(),
        "task": task,
        "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "run": run_url(os.environ),
    }


def script(directory: str, wait: int, who: str) -> str:
    """Take the lock, write who holds it beside it, say `held`, and keep it until standard input ends."""
    state = f"{shell_path(directory)}/{STATE}"
    return "\n".join(
        (
            f"umask 077; mkdir -p {state} && cd {state} || exit 8",
            "exec 9>>lock || exit 8",
            f"flock -w {wait} 9 || {{ echo busy; cat holder; exit 4; }}"
            if wait
            else "flock -n 9 || { echo busy; cat holder; exit 4; }",
            f"printf '%s\\n' {shlex.quote(who)} >holder && echo held || exit 8",
            "cat >/dev/null; : >holder",
        )
    )


@contextmanager
def lock(host: Host, directory: str, task: str, wait: int) -> Iterator[None]:
    """Hold the host for a task, waiting for it at most `wait` seconds; raises `LockedError` that says who holds it."""
    channel = host.channel()
    try:
        _take(host, channel, directory, task, wait)
        yield
    finally:
        channel.shutdown_write()
        channel.status_event.wait(RELEASE_SECONDS)
        channel.close()


def _take(host: Host, channel: Channel, directory: str, task: str, wait: int) -> None:
    channel.settimeout(wait + ANSWER_SECONDS)
    try:
        channel.exec_command(f"sh -c {shlex.quote(script(directory, wait, json.dumps(holder(task))))}")
        answers = channel.makefile("r")
        word, who = answers.readline().strip(), ""
        if word == "busy":
            who = answers.readline()
        evidence = "" if word else channel.makefile_stderr("r").read().decode(errors="replace")
    except (OSError, SSHException) as error:
        raise host.lost("take the lock") from error
    if word == "busy":
        raise LockedError(f"{host.name}: {describe(who)}; nothing was changed.", hint=WAIT_HINT)
    if word != "held":
        raise NotReadyError(f"{host.name}: cannot take the lock in {directory}/{STATE}.", evidence=evidence)


def describe(line: str) -> str:
    """One sentence part about who holds the lock, out of what the holder wrote."""
    try:
        who = json.loads(line)
        run = f", {who['run']}" if who.get("run") else ""
        return f"{who['user']} on {who['machine']} has held the host for {who['task']} since {who['since']}{run}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return "another galos-ops task holds the host"
