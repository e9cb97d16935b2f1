"""The failures that a person can meet, read from the source of galos_ops: sentence and next command of each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from galos_ops import errors
from galos_ops.config.command_line import CommandLine
from galos_ops.engines import watching
from galos_ops.engines.swarm import tasks
from galos_ops.tasks import mistakes

OMITTED = "…"
"""What stands for a value that only a run knows."""
Constants = Mapping[str, str]


@dataclass(frozen=True, order=True)
class Failure:
    """What one place in the code says; `next` is empty where it depends on more than that place."""

    code: int
    sentence: str
    next: str


def failures(package: Path) -> list[Failure]:
    """Return the failures of a package, by exit code."""
    modules = [ast.parse(path.read_text()) for path in sorted(package.rglob("*.py"))]
    return sorted({*_tabled(), *(failure for module in modules for failure in _failures(module))})


def _tabled() -> Iterator[Failure]:
    """The failures whose sentences stand in tables."""
    for verdict in (*watching.VERDICTS.values(), *tasks.VERDICTS.values()):
        yield Failure(errors.VerifyError.exit_code, f"HOST: SERVICE: {OMITTED}: {verdict}.", CommandLine().fab("logs"))
    for sentence, hint in (*mistakes.KNOWN.values(), mistakes.UNKNOWN):
        yield Failure(errors.UsageError.exit_code, sentence, hint)


def _failures(module: ast.Module) -> Iterator[Failure]:
    constants = {
        target.id: str(one.value.value)
        for one in module.body
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(module):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.args):
            continue
        kind, arguments = call.func, call.args
        if kind.id == "Refusal" and isinstance(arguments[0], ast.Name):
            kind, arguments = arguments[0], arguments[1:]
        error = getattr(errors, kind.id, None)
        if isinstance(error, type) and issubclass(error, errors.OpsError):
            hints = [*arguments[1:], *(keyword.value for keyword in call.keywords if keyword.arg == "hint")]
            sentence, hint = words(arguments[0], constants), words(hints[0], constants) if hints else ""
            if re.search(r"[a-z]{3}", sentence):
                yield Failure(error.exit_code, sentence, hint if re.search(r"[a-z]{3}", hint) else "")


def words(node: ast.expr, constants: Constants) -> str:
    """Return what an expression makes, as far as its text is in the source; of two texts, the first."""
    match node:
        case ast.Constant(value):
            return re.sub(r"\{\w+\}", OMITTED, str(value))
        case ast.JoinedStr(values):
            return "".join(words(part, constants) for part in values)
        case ast.FormattedValue(value):
            return words(value, constants)
        case ast.IfExp(body=body):
            return words(body, constants)
        case ast.Name(name):
            return constants.get(name, OMITTED)
        case ast.Attribute(attr="label"):
            return "HOST: SERVICE"
        case ast.Attribute(ast.Name("target"), "name"):
            return "SERVICE"
        case ast.Attribute(attr="name" | "original_host"):
            return "HOST"
        case ast.Call(ast.Attribute(attr="again" | "local")):
            return "the same command again"
        case ast.Call(ast.Attribute(attr="ssh"), []):
            return "ssh HOST"
        case ast.Call(ast.Attribute(attr="fab" | "alone"), [ast.Constant(task)], keywords):
            return CommandLine().fab(str(task), **{str(one.arg): _option(one) for one in keywords})
    return OMITTED


def _option(keyword: ast.keyword) -> str | bool:
    flag = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
    return flag or str(keyword.arg).strip("_").upper()
