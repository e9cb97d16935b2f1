"""Changes of one function, made in its syntax tree: they survive what a formatter or a rename elsewhere does.

A change fits at one place of a function and no more; what names an expression, a call or a condition is compared with
the text that `ast.unparse` gives, in which quotes and spaces are always the same.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class UnfitError(Exception):
    """A change that fits nowhere in its function, or at more than one place."""


@dataclass(frozen=True)
class Place:
    """A node, and where it is attached: `index` is its number in a field that is a list."""

    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST

    def put(self, new: ast.AST) -> None:
        """Attach another node here."""
        if self.index is None:
            setattr(self.parent, self.field, new)
        else:
            getattr(self.parent, self.field)[self.index] = new


class Change(Protocol):
    """Something that is done to a function."""

    def at(self, place: Place) -> ast.AST | None:
        """Return what comes in place of a node, None where the change does not fit."""


def changed(root: ast.stmt, change: Change) -> ast.stmt:
    """Return a changed copy of a function or assignment; raises `UnfitError` unless the change fits exactly once."""
    module = ast.Module([copy.deepcopy(root)], [])
    fitting = [(place, new) for place in places(module) if (new := change.at(place)) is not None]
    innermost = [
        (place, new)
        for place, new in fitting
        if not any(other.node is not place.node and _holds(place.node, other.node) for other, _ in fitting)
    ]
    if len(innermost) != 1:
        raise UnfitError(f"{change} fits {len(innermost)} times")
    [(place, new)] = innermost
    place.put(new)
    ast.fix_missing_locations(module)
    return module.body[0]


def places(tree: ast.AST) -> Iterator[Place]:
    """Every node below a tree."""
    for field, value in ast.iter_fields(tree):
        for index, node in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(node, ast.AST):
                yield Place(tree, field, index if isinstance(value, list) else None, node)
                yield from places(node)


def _holds(outer: ast.AST, inner: ast.AST) -> bool:
    return any(node is inner for node in ast.walk(outer))


def _expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def _calls(node: ast.AST, name: str) -> bool:
    """Whether a node is a call of a function, by its name, by the end of its dotted name or in full with arguments."""
    if not isinstance(node, ast.Call):
        return False
    function = ast.unparse(node.func)
    return name in (function, ast.unparse(node)) or function.endswith(f".{name}")


@dataclass(frozen=True)
class DropCall:
    """The statement that makes a call is taken out; `mentions` tells it from others that call the same."""

    call: str
    mentions: str = ""

    def at(self, place: Place) -> ast.AST | None:
        node = place.node
        fits = isinstance(node, ast.Expr) and any(_calls(each, self.call) for each in ast.walk(node))
        return ast.Pass() if fits and self.mentions in ast.unparse(node) else None


@dataclass(frozen=True)
class Gives:
    """A call is not made; an expression is its value."""

    call: str
    value: str

    def at(self, place: Place) -> ast.AST | None:
        return _expression(self.value) if _calls(place.node, self.call) else None


@dataclass(frozen=True)
class Unwrap:
    """A call is not made; its last positional argument is its value."""

    call: str

    def at(self, place: Place) -> ast.AST | None:
        node = place.node
        return node.args[-1] if isinstance(node, ast.Call) and _calls(node, self.call) else None


@dataclass(frozen=True)
class Instead:
    """An expression, which is no call, gives way to another one."""

    expression: str
    put: str

    def at(self, place: Place) -> ast.AST | None:
        annotated = place.field in ("returns", "annotation")
        fits = isinstance(place.node, ast.expr) and not annotated and ast.unparse(place.node) == self.expression
        return _expression(self.put) if fits else None


@dataclass(frozen=True)
class WithoutArgument:
    """A call is made without one of its keyword arguments, or without a positional one of this text."""

    call: str
    argument: str

    def at(self, place: Place) -> ast.AST | None:
        node = place.node
        if not isinstance(node, ast.Call) or not _calls(node, self.call):
            return None
        args = [each for each in node.args if ast.unparse(each) != self.argument]
        keywords = [each for each in node.keywords if each.arg != self.argument]
        fewer = len(args) + len(keywords) == len(node.args) + len(node.keywords) - 1
        return ast.Call(node.func, args, keywords) if fewer else None


@dataclass(frozen=True)
class Returns:
    """The whole body of the function is one expression."""

    value: str

    def at(self, place: Place) -> ast.AST | None:
        node = place.node
        if not isinstance(place.parent, ast.Module) or not isinstance(node, ast.FunctionDef):
            return None
        fields = {name: value for name, value in ast.iter_fields(node) if name != "body"}
        return ast.FunctionDef(body=[ast.Return(_expression(self.value))], **fields)


def _condition(place: Place, mentions: str) -> bool:
    """Whether a node is asked for its truth, and mentions a text."""
    node = place.node
    asked = (
        (place.field == "test" and isinstance(place.parent, ast.If | ast.While | ast.IfExp))
        or (place.field == "ifs" and isinstance(place.parent, ast.comprehension))
        or (place.field == "values" and isinstance(place.parent, ast.BoolOp))
        or (place.field == "body" and isinstance(place.parent, ast.Lambda))
        or (place.field == "value" and isinstance(place.parent, ast.Return) and isinstance(node, ast.Compare))
    )
    return asked and mentions in ast.unparse(node)


@dataclass(frozen=True)
class Never:
    """The innermost condition, or part of one, that mentions a text is false."""

    mentions: str

    def at(self, place: Place) -> ast.AST | None:
        return ast.Constant(False) if _condition(place, self.mentions) else None


@dataclass(frozen=True)
class Always:
    """The innermost condition, or part of one, that mentions a text is true."""

    mentions: str

    def at(self, place: Place) -> ast.AST | None:
        return ast.Constant(True) if _condition(place, self.mentions) else None


@dataclass(frozen=True)
class Text:
    """A part of a string, or of what an f-string has between its values, gives way to another one."""

    old: str
    new: str

    def at(self, place: Place) -> ast.AST | None:
        node = place.node
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or isinstance(place.parent, ast.Expr):
            return None
        if node.value.count(self.old) > 1:
            raise UnfitError(f"{self} fits more than once in one string")
        return ast.Constant(node.value.replace(self.old, self.new)) if self.old in node.value else None


@dataclass(frozen=True)
class Uncaught:
    """An exception is not caught."""

    exception: str

    def at(self, place: Place) -> ast.AST | None:
        caught = place.field == "type" and isinstance(place.parent, ast.ExceptHandler)
        return _expression("ZeroDivisionError") if caught and ast.unparse(place.node) == self.exception else None
