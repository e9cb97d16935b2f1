"""A tree of a YAML file as frozen dataclasses, with all that is wrong with it; pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from galos_ops.errors import UsageError

NAMES: dict[Any, str] = {
    str: "text", int: "a whole number", bool: "true or false", float: "a decimal number",
    list: "a list", tuple: "a list", dict: "a mapping", type(None): "empty",
}  # fmt: skip
FAULTY = object()
"""Stands for a value that is left out: its key has the default."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a configuration: the full name of the key, a sentence about it, what to do."""

    key: str
    sentence: str
    hint: str = ""

    @property
    def error(self) -> UsageError:
        return UsageError(self.sentence, hint=self.hint)


def called(value: object) -> str:
    """What a value of a YAML file is called."""
    names = (name for kind, name in NAMES.items() if type(value) is kind)
    return next(names, "a whole number" if isinstance(value, int) else type(value).__name__)


T = TypeVar("T")


def build(cls: type[T], tree: object, path: str, faults: list[Fault]) -> T:
    """Make a dataclass of a tree; what cannot be made of it keeps its default and is added to `faults`."""
    if not isinstance(tree, Mapping):
        faults.append(Fault(path, f"{path} must be a mapping, not {called(tree)}."))
        return cls()
    known = get_type_hints(cls)
    values = {}
    for key, value in tree.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f"did you mean {path}.{near[0]}?" if near else f"known keys: {', '.join(known)}"
            faults.append(Fault(f"{path}.{key}", f"{path}.{key} is not a known key.", hint))
        elif (made := _value(known[key], value, f"{path}.{key}", faults)) is not FAULTY:
            values[key] = made
    return cls(**values)


def _value(kind: Any, value: object, path: str, faults: list[Fault]) -> Any:
    origin, choices = get_origin(kind), get_args(kind)

    def fault(sentence: str) -> Any:
        faults.append(Fault(path, sentence))
        return FAULTY

    if origin is Literal:
        if value in choices:
            return value
        return fault(f"{path} is {value!r}; it must be one of: {', '.join(choices)}.")
    if origin is dict:
        if not isinstance(value, Mapping):
            return fault(f"{path} must be a mapping, not {called(value)}.")
        return {str(key): build(choices[1], row, f"{path}.{key}", faults) for key, row in value.items()}
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return fault(f"{path} must be a list, not {called(value)}.")
        made = tuple(_value(choices[0], one, f"{path}[{index}]", faults) for index, one in enumerate(value))
        return FAULTY if FAULTY in made else made
    if origin is not None:  # X | None
        return None if value is None else _value(choices[0], value, path, faults)
    if kind in (str, int):
        if not isinstance(value, kind) or isinstance(value, bool):
            return fault(f"{path} must be {NAMES[kind]}, not {called(value)}.")
        return value
    return build(kind, value, path, faults)
