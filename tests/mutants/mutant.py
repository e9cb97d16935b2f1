"""A mutant: a function by its dotted name, a change of it, and the tests that it must not pass."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.mutants.changes import Change, UnfitError, changed

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """A protection that is taken out.

    `function` is dotted, with its module and, for a method, its class; a name that a module assigns will do too.
    `dies_of` says of each test that must fail what its failure must name: a part of its message, or of the statement
    that failed; of several texts one, where it is a matter of time which of them comes first. A test without its
    parameters in brackets stands for all of them.
    """

    function: str
    change: Change
    dies_of: Mapping[str, str | tuple[str, ...]]

    def __str__(self) -> str:
        return f"{self.function.partition('.')[2]}: {self.change}"

    @property
    def path(self) -> Path:
        """The module's file below the root of a checkout; raises `UnfitError` where there is none."""
        return self._parts()[0]

    def source(self, root: Path = ROOT) -> str:
        """Return the changed text of the module; raises `UnfitError`."""
        path, names = self._parts(root)
        tree = ast.parse((root / path).read_text())
        body = tree.body
        for number, name in enumerate(names):
            found = [index for index, node in enumerate(body) if name in defined(node)]
            if len(found) != 1:
                raise UnfitError(f"{self.function}: {path} defines {name} {len(found)} times")
            [index] = found
            if number == len(names) - 1:
                body[index] = changed(body[index], self.change)
            else:
                body = getattr(body[index], "body", [])
        return ast.unparse(tree) + "\n"

    def _parts(self, root: Path = ROOT) -> tuple[Path, list[str]]:
        names = self.function.split(".")
        for count in range(len(names) - 1, 0, -1):
            module = Path(*names[:count])
            for path in (module.with_suffix(".py"), module / "__init__.py"):
                if (root / path).is_file():
                    return path, names[count:]
        raise UnfitError(f"{self.function}: there is no such module")


def defined(node: ast.stmt) -> list[str]:
    """The names that a statement of a module or class defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def group(module: str, mutants: Iterable[Mutant]) -> tuple[Mutant, ...]:
    """Mutants whose functions are of one module, named once for all of them."""
    return tuple(replace(mutant, function=f"{module}.{mutant.function}") for mutant in mutants)
