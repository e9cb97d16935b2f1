"""Merge credential helpers into Docker's config.json: JSON, its key order and its manner of writing kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from galos_ops.provisioning.files import left_alone


def with_helpers(text: str | None, helpers: Mapping[str, str], *, name: str) -> str:
    """The text with `helpers` in its `credHelpers`, unchanged where they are there already.

    Raises `NotReadyError` for a file called `name` that is not a JSON object, sets a key twice, or has `credHelpers`
    that is no object. An empty file counts as `{}`, as Docker reads it.
    """
    tree = _parsed(text, name) if text and text.strip() else {}
    present = tree.get("credHelpers")
    if present is None:
        present = {}
    if not isinstance(present, dict):
        raise left_alone(name, "credHelpers is not an object")
    if text and {**present, **helpers} == present:
        return text
    return _written({**tree, "credHelpers": {**present, **helpers}}, like=text or "{\n}\n")


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        tree = json.loads(text, object_pairs_hook=_unique, parse_constant=_refused)
    except json.JSONDecodeError as error:
        raise left_alone(name, f"{error.msg}: line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise left_alone(name, str(error)) from None
    if not isinstance(tree, dict):
        raise left_alone(name, "it is not a JSON object")
    return tree


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) < len(pairs):
        names = [key for key, _ in pairs]
        raise ValueError(f"{next(key for key in names if names.count(key) > 1)!r} is set twice")
    return tree


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _written(tree: dict[str, Any], *, like: str) -> str:
    """The tree as JSON in the manner of a text: one line or indented, with its indent, line ends and last newline."""
    indented = re.search(r"\{\s*\n([ \t]*)(?=\S)", like)
    tight = '": ' not in like and '":' in like
    written = json.dumps(
        tree,
        indent=(indented[1] or "\t") if indented else None,
        separators=("," if tight or indented else ", ", ":" if tight else ": "),
        ensure_ascii=like.isascii() or "\\u" in like,
    )
    written += like[len(like.rstrip()) :].replace("\r\n", "\n")
    return written.replace("\n", "\r\n") if "\r\n" in like else written
