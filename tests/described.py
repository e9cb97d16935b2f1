"""docs/json.md as a description that documents can be held against."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "json.md"
HOSTLESS = ("config",)
"""The tasks whose fields are those of the document itself."""
PLAIN: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}


def described() -> dict[str, dict[str, str]]:
    """The types of the page: of each heading, its fields and their types."""
    found: dict[str, dict[str, str]] = {}
    for section in re.split(r"^##+ ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        fields = dict(re.findall(r"^\| `(\w+)` \| (\S+(?: or null)?) \|", text, flags=re.MULTILINE))
        found |= dict.fromkeys(heading.split(", "), fields)
    found["Line"] |= found["Release"]
    return found


def violations(document: Any, kind: str) -> list[str]:
    """Where a document of a task is not as described; a host that failed may lack what the task did not get to."""
    types = described()
    common, own = types["Host"], types[kind]
    itself = own if kind in HOSTLESS else {}
    wrong = _fields({**document, "hosts": []}, types["Every document"] | itself, types, kind)
    for row in document.get("hosts", []):
        failed = row.get("error") is not None
        fields = {**common, **{name: type for name, type in own.items() if not failed or name in row}}
        wrong += _fields(row, fields, types, kind)
    return wrong


def _fields(value: Any, fields: dict[str, str], types: dict[str, dict[str, str]], path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path} is not an object"]
    wrong = [f"{path}: {name} is in one only" for name in sorted(fields.keys() ^ value.keys())]
    for name in fields.keys() & value.keys():
        wrong += _value(value[name], fields[name], types, f"{path}.{name}")
    return wrong


def _value(value: Any, kind: str, types: dict[str, dict[str, str]], path: str) -> list[str]:
    if kind.endswith(" or null"):
        return [] if value is None else _value(value, kind.removesuffix(" or null"), types, path)
    if kind[0] in "[{":
        held = list if kind[0] == "[" else dict
        if not isinstance(value, held):
            return [f"{path} is not {kind}: {value!r}"]
        rows = value if isinstance(value, list) else list(value.values())
        return [each for row in rows for each in _value(row, kind[1:-1], types, path)]
    if kind in types:
        return _fields(value, types[kind], types, path)
    right = isinstance(value, PLAIN[kind]) and (kind == "boolean" or not isinstance(value, bool))
    return [] if right else [f"{path} is not {kind}: {value!r}"]
