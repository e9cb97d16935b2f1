"""Where each value of the merged configuration comes from, as a person may see it; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from galos_ops.config.command_text import SENSITIVE, masked_command
from galos_ops.config.loading import leaves, variable

DEFAULT = "default"
VARIABLES = "FABRIC_*"


@dataclass(frozen=True)
class Layer:
    """A part of the configuration, such as a file, and the tree that it lays over those before it."""

    name: str
    tree: Mapping[str, Any]


@dataclass(frozen=True)
class Value:
    """A key of the merged configuration, its value without secrets, and the layer that it comes from."""

    key: str
    value: str
    origin: str


def values(merged: Mapping[str, Any], layers: Sequence[Layer]) -> list[Value]:
    """Return every key of `galos:`, and those of Fabric's own that a layer sets, in the order of the tree."""
    rows = dict(leaves({"galos": merged["galos"]}))
    for layer in layers:
        found = {path: at(merged, path) for path, _ in leaves(layer.tree)}
        filled = [path for path, value in found.items() if isinstance(value, Mapping) and value]  # {} over the defaults
        rows |= {path: value for path, value in found.items() if value is not ABSENT and path not in filled}
    return [Value(".".join(path), shown(path, value), origin(path, layers)) for path, value in rows.items()]


def origin(path: tuple[str, ...], layers: Sequence[Layer]) -> str:
    """Return the name of the last layer that has a key or, where none has it, one below it."""
    named = [layer.name for layer in layers if at(layer.tree, path) is not ABSENT]
    if not named:
        return DEFAULT
    return variable(path) if named[-1] == VARIABLES else named[-1]


ABSENT = object()


def at(tree: Any, path: Sequence[str]) -> Any:
    """Return what a tree has at a path, `ABSENT` where it has nothing there."""
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return ABSENT
        tree = tree[key]
    return tree


def shown(path: Sequence[str], value: Any) -> str:
    """Return a value as YAML has it in one line, without a password or a token."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if re.search(SENSITIVE, path[-1], re.IGNORECASE):
        return "***"
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return masked_command(text) or "''"
