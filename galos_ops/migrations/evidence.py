"""How a migration ended, kept on the host: its outcome in the release log, its output in a file."""

from __future__ import annotations

from dataclasses import replace

from galos_ops.engines.engine import Target
from galos_ops.host.lock import STATE
from galos_ops.host.release_log import Outcome, append, release
from galos_ops.redaction import masked

FOLDER = f"{STATE}/migrations"
FILES = 20  # that a host keeps, its newest
CHARACTERS = 200_000  # of an output, its end
LINES, WIDTH = 10, 300  # of it in the release log


def last_lines(output: str) -> tuple[str, ...]:
    """The end of an output as the release log has it."""
    shown = [line for line in output.splitlines() if line.strip()]
    return tuple(line[:WIDTH] for line in shown[-LINES:])


def keep(target: Target, image: str, outcome: Outcome, reason: str, output: str, *, then: str = ":") -> None:
    """Keep how a migration ended and what it said, masked, for the owner alone; then run a script, whatever came of it.

    Raises `CommandFailed` for that script alone: what a full disk keeps away from here was shown.
    """
    shown = masked(output)
    evidence = last_lines(shown) if outcome == "failed" else ()
    line = release("migrate", target.name, target.service.tag, image, outcome=outcome, reason=reason, evidence=evidence)
    path = f"{FOLDER}/{target.name}.{line.time[:19].replace(':', '')}.log"
    script = (
        f"( umask 077; mkdir -p {FOLDER} && cat >{path} && sync {path}\n"
        f"ls -t {FOLDER} | tail -n +{FILES + 1} | (cd {FOLDER} && xargs -r rm -f --)\n"
        f"{append(replace(line, output=path))} )\n{then}"
    )
    target.halt(script, doing="keep how the migration ended", stdin=shown[-CHARACTERS:].encode())
