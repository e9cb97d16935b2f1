"""Commands of a migration that run on the host itself, in no container."""

from __future__ import annotations

import io
import shlex

from galos_ops.engines.engine import Target
from galos_ops.engines.snapshot.snapshot import LOSSLESS, NOTHING
from galos_ops.host.result import OnLine, Result
from galos_ops.host.shell import EXIT, exports


def run(
    target: Target, argv: list[str], *, doing: str, timeout: int, on_line: OnLine | None = None, first: str = ":"
) -> Result:
    """Run a command as `ask` does, with the snapshot's .env in its environment, which travels on standard input.

    `first` is a script that comes before it; an `ExitCode` is never the command's own.
    """
    from dotenv import dotenv_values

    text = target.snapshot.environment or NOTHING
    values = dotenv_values(stream=io.StringIO(text.value), interpolate=False)
    stdin = exports({name: value for name, value in values.items() if value is not None}).encode(errors=LOSSLESS)
    # without the lock of a step, which what it leaves in the background would keep; the shell stays and holds it
    script = f". /dev/stdin\n{shlex.join(argv)} </dev/null 8>&-"
    return target.ask(f"{first}\n{script}\ncode=$?; {EXIT}", doing=doing, stdin=stdin, timeout=timeout, on_line=on_line)
