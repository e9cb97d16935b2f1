"""The container that migrates, under its fixed name and on its own: it lives on when its client does not."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

from galos_ops.engines.engine import HeldTarget, Target
from galos_ops.engines.one_offs import one_off
from galos_ops.host.lock import LET_GO
from galos_ops.host.result import OnLine, Result
from galos_ops.host.shell import EXIT, ExitCode

BEGUN = "galos-ops: the migration begins"
AGAIN = "galos-ops: what is pending now"
ENDED = "galos-ops: the check ended with exit"
NO_PROGRAM = 127  # what a container ends with whose init does not find its program


@dataclass(frozen=True)
class Ended:
    """How a migration ended, and what the check said that followed it in the same container, where one did."""

    migration: Result
    check: Result | None = None


def run(target: HeldTarget, image: str, argv: list[str], check: list[str], *, first: str, on_line: OnLine) -> Ended:
    """Migrate in a container of an image, check there, and wait for its end; the exit code is the migration's own.

    An image without a shell only migrates. `first` is a script that comes before it. What that ends with is the exit
    code where nothing was begun, and so is `ExitCode.NOT_RUN` where no container started and `WRONG_IMAGE` where one of
    another image did and was ended at once. Raises `CommandTimedOut`.
    """
    shown = Shown(on_line)
    result = _attempt(target, image, in_shell(argv, check), first, shown)
    if not shown.begun and result.exited in (ExitCode.NOT_RUN, NO_PROGRAM):
        again = target.engine.prove_stopped(target.stops)
        result = _attempt(target, image, argv, again, Shown(on_line, begun=True))
    return split(result)


def in_shell(argv: list[str], check: list[str]) -> list[str]:
    """The words of a shell that migrates and, when that ended well, checks; it ends as the migration does.

    One stream keeps both in their order. What the check complains of is told where it is asked once more.
    """
    migrated = f"echo '{BEGUN}'\n{shlex.join(argv)} 2>&1 || exit $?"
    return ["sh", "-c", f"{migrated}\necho '{AGAIN}'\n{shlex.join(check)} 2>/dev/null; echo '{ENDED}' $?"]


def _attempt(target: HeldTarget, image: str, argv: list[str], first: str, on_line: OnLine) -> Result:
    """Run a script, start a container that lives on when we do not, once one of its name that ended is deleted."""
    service, name, tree = target.service.migration.service, target.migrator, target.snapshot.tree()
    command = target.engine.docker_compose.run(service, name, argv, detach=True)
    script = (
        f"{first}\n"
        f"{one_off.removal(name)}\n"
        f'said=$({command} 2>&1) || {{ echo "$said"; exit {ExitCode.NOT_RUN}; }}\n'
        f"image=$(docker inspect -f '{{{{.Image}}}}' {name})\n"
        f'[ "$image" = {image} ] || '
        f'{{ docker rm -f -v {name} >/dev/null; echo "it ran in $image"; exit {ExitCode.WRONG_IMAGE}; }}\n'
        f"{LET_GO}\n"  # whoever comes next need not await the end of this step, but follows the container
        f"{_to_its_end(name)}"
    )
    stdin, seconds = one_off.file(tree, service, image, "migration"), target.service.migration.timeout
    return target.change(script, doing="migrate", stdin=stdin, timeout=seconds, check=False, on_line=on_line)


def follow(target: Target, on_line: OnLine | None = None) -> Ended:
    """Show the output of the migration's container, wait for its end, and return it with the container's exit code.

    The exit code is `ExitCode.GONE` where there is no such container. Raises `CommandTimedOut`.
    """
    seconds, shown = target.service.migration.timeout, on_line and Shown(on_line, begun=True)
    script = _to_its_end(target.migrator)
    return split(target.run(script, doing="migrate", timeout=seconds, check=False, on_line=shown))


def _to_its_end(name: str) -> str:
    return f"{following(name)}; code=$(docker wait {name}) || exit {ExitCode.GONE}; {EXIT}"


class Shown:
    """Passes on the lines of a migration from its beginning, without those of the check that follows it."""

    def __init__(self, on_line: OnLine, *, begun: bool = False) -> None:
        self._on_line, self.begun, self._over = on_line, begun, False

    def __call__(self, line: str) -> None:
        text, again, _ = line.partition(AGAIN)
        if line == BEGUN:
            self.begun = True
        elif self.begun and not self._over and (text or not again):
            self._on_line(text)
        self._over |= bool(again)


def split(result: Result) -> Ended:
    """Tell the output of a migration from that of the check which followed it in the same stream."""
    stdout, _, rest = result.stdout.replace(f"{BEGUN}\n", "", 1).partition(f"{AGAIN}\n")
    output = result.output.replace(f"{BEGUN}\n", "", 1).partition(f"{AGAIN}\n")[0]
    answer, _, code = rest.rpartition(ENDED)
    check = Result(int(code), answer, "", answer) if code.strip().isdigit() else None
    return Ended(replace(result, stdout=stdout, output=output), check)


def following(name: str) -> str:
    """The command that shows a container's output until it ends."""
    return f"docker logs -f {name}"


def end(target: Target) -> str:
    """Return a script that stops the migration's container and removes it."""
    return f"docker rm -f -v {target.migrator} >/dev/null"


def remove(target: Target) -> str:
    """Return a script that removes the migration's container, which has ended, unless somebody has."""
    return f"docker rm -v {target.migrator} >/dev/null || ! docker inspect {target.migrator} >/dev/null 2>&1"


def stop(target: Target) -> str:
    """Return a script that stops the migration's container, and keeps it."""
    return f"docker stop {target.migrator} >/dev/null"
