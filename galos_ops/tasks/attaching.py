"""A command of one's own in a container of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galos_ops.tasks.host_task import host_task, parse_command

if TYPE_CHECKING:
    from galos_ops.workflows.ops import Ops

WORDS = {
    "command": "what to run, as one word in quotes",
    "service": "the service; needed where galos.services has several",
    "raw": "pass output on as it is, such as a dump; without it values of .env are masked",
}
PARSE = {"command": parse_command}


@host_task(WORDS, name="exec", parse=PARSE, own_output=True)
def exec_(ops: Ops, command: list[str], service: str | None = None, raw: bool = False) -> None:
    """Attaching: run a command in the running container, with a terminal where one is here.

    exec 'ls -l /srv': it is no shell's line, for a pipe type exec "sh -c 'a | b'". Its exit code is that of the task;
    8 without a running container. Who ran what is in the log; nothing goes on when the client goes.
    """
    from galos_ops.workflows import sessions

    sessions.execute(ops, service, command, raw=raw)


@host_task(WORDS, name="run", parse=PARSE, own_output=True)
def run_(ops: Ops, command: list[str], service: str | None = None, raw: bool = False) -> None:
    """Attaching: run a command in a one-off container of the released image, in place of its entrypoint.

    Refused as a start is: 5 while a migration is pending or unknown, 4 while another task holds the host or somebody
    holds deploys back. Holds the host until it ends. Its exit code is that of the task. Who ran what is in the log; the
    container is removed.
    """
    from galos_ops.workflows import sessions

    sessions.run(ops, service, command, raw=raw)
