"""Mistakes that Fabric itself meets before any task begins, told as one sentence where Fabric shows a traceback."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from galos_ops.errors import CommandFailed, OpsError, UsageError

if TYPE_CHECKING:
    from traceback import FrameSummary

    from invoke.exceptions import Exit, ParseError
    from invoke.parser.context import ParserContext
    from invoke.program import Program

UNFIT = (
    "What is configured makes no connection.",
    "correct Port in the ssh_config, or port, timeouts or connect_kwargs in a file or variable of Fabric",
)
KNOWN = {
    "_load_ssh_files": ("An ssh_config cannot be read.", "correct the file of -S, else ~/.ssh/config and the system's"),
    "_load_file": ("A configuration file of Fabric cannot be read.", "correct the file that it names"),
    "merge_dicts": (
        "A configuration file of Fabric gives a key another shape than it has.",
        "compare ~/.fabric.yml, fabric.yml and the file given with -f with fabfile.yml",
    ),
    "derive_shorthand": ("A host of -H has a port that is no number.", "write it as USER@HOST:PORT"),
    "lookup": ("A host of -H has no name.", "write each as HOST or USER@HOST:PORT, commas between them"),
    "make_context": UNFIT,
    "connected": UNFIT,
    "set_value": ("An option of Fabric's own is to have a whole number.", "see: fab --help"),
    "getuser": ("The account that this runs as has no name.", "set LOGNAME to one, as a container of CI may need"),
    "unix_getpass": ("There is no terminal to ask for the password.", "run the command at a terminal"),
}
"""The function of Fabric, Invoke or Paramiko that met it, what it means, what to type."""

UNSUGGESTED = ("--dry",)
"""Flags of Fabric's own that our tasks refuse."""
UNKNOWN_WORD = r"No idea what '(.*)' is!"
UNKNOWN = ("Fabric cannot make sense of its command line or its configuration.", "see: fab --help")
SECRET = ("merge_dicts",)  # its error quotes the configuration, which may hold a password
HERE = str(Path(__file__).resolve().parents[1])


def mistake_error(error: BaseException) -> OpsError | None:
    """The sentence for an error that no code but Fabric's and its libraries' has met; None for any other."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    if any(_ours(frame) for frame in frames[1:]):  # the first one is the script fab
        return None
    if isinstance(error, KeyboardInterrupt):
        return CommandFailed("Interrupted before any task began.")
    return known(error)


def known(error: BaseException) -> UsageError:
    """The sentence for an error of the libraries', whoever called them."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    names = [frame.name for frame in reversed(frames) if frame.name in KNOWN]
    sentence, hint = KNOWN[names[0]] if names else UNKNOWN
    evidence = "" if names and names[0] in SECRET else f"{type(error).__name__}: {error}"
    return UsageError(sentence, evidence=evidence, hint=hint)


def unparsed_error(error: ParseError, program: Program) -> UsageError:
    """The sentence for a command line that Invoke cannot parse, with what is nearest to an unknown word."""
    import difflib

    text, context = re.sub(r"<Argument: ([\w-]+)(?: \(([\w-]+)\))?[^>]*>", _flag, str(error)), error.context
    unknown = re.fullmatch(UNKNOWN_WORD, text)
    task, binary = getattr(context, "name", None), program.binary
    asking = f"{binary} --help {task}" if task else f"{binary} --list"
    if not unknown:
        return UsageError(f"{text.rstrip('.!')}.", hint=f"see: {asking}")
    word = unknown[1]
    if late := None if task else _task_of(word, program):
        return UsageError(f"{word} is an option of {late}.", hint=f"type it behind {late}; see: {binary} --help {late}")
    contexts = [program.core[0], *([context] if context else [])]
    flags = [name for each in contexts for name in (*each.flags, *each.flags.aliases) if name not in UNSUGGESTED]
    near = difflib.get_close_matches(word, flags if word.startswith("-") else program.collection.task_names, n=1)
    of = f" of {task}" if task and word.startswith("-") else ""
    kind = f"option{of}" if word.startswith("-") else "task"
    hint = f"did you mean {near[0]}? see: {asking}" if near else _unquoted([context]) or f"see: {asking}"
    return UsageError(f"There is no {kind} {word}.", hint=hint)


def unlisted_error(error: Exit, program: Program) -> UsageError:
    """The sentence for a folder of tasks that Invoke was to list: the `-a` of `exec ls -la`, whose `-l` is --list."""
    hint = _unquoted(program.tasks) or f"see: {program.binary} --list"
    return UsageError(f"{(error.message or '').rstrip('.!')}.", hint=hint)


def _unquoted(typed: Sequence[ParserContext | None]) -> str:
    """What to type where a task that takes a command was typed; nothing else."""
    names = (task.name for task in typed if task and "command" in task.args)
    return next((f"put the command of {name} in quotes, as one word" for name in names), "")


def _flag(argument: re.Match[str]) -> str:
    """An option as it is typed, of the words that Invoke has for it: `tag (t)`, or `H (hosts)`."""
    name = max(argument.groups(""), key=len)
    return f"--{name}" if len(name) > 1 else f"-{name}"


def _task_of(word: str, program: Program) -> str | None:
    """The task that was typed behind an option of its own."""
    known = program.parser.contexts
    return next((name for name in program.core.unparsed if name in known and word in known[name].flags), None)


@cache
def _installed() -> tuple[str, ...]:
    """Return where libraries are."""
    import sysconfig

    return tuple({str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "purelib", "platlib")})


def _ours(frame: FrameSummary) -> bool:
    """Whether it is code of this library or of a person's tasks."""
    path = str(Path(frame.filename).resolve())
    if frame.filename.startswith("<frozen"):
        return False
    return path.startswith(HERE) or not path.startswith(_installed())


def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Python's last word on an error that nobody caught: a mistake is a sentence and exit 2, a bug its traceback.

    Whoever reads our output may go before its end, as `head` does: that is no error to tell.
    """
    if isinstance(error, BrokenPipeError):
        from galos_ops.ui.stream import discard

        discard(sys.stdout)
        raise SystemExit(1)
    mistake = mistake_error(error)
    if mistake is None:
        sys.__excepthook__(kind, error, trace)
        return
    print(mistake.message, file=sys.stderr)
    raise SystemExit(mistake.code)
