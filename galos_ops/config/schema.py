"""The JSON schema of fabfile.yml, made from the settings; pure.

What a schema cannot say is left to the tasks: that `stops` names services which are there, that the quotes of
`arguments` are closed, and that a row without `repository` has a name which is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from galos_ops.config.settings import SERVICE_NAME, Service, Settings

KINDS = {str: "string", int: "integer", type(None): "null"}
COMMAND: Mapping[str, Any] = {
    "if": {"properties": {"tool": {"const": "command"}}, "required": ["tool"]},
    "then": {
        "required": ["check", "run"],
        "properties": {each: {"type": "string", "minLength": 1} for each in ("check", "run")},
    },
    "else": {"properties": {each: {"enum": [None, ""]} for each in ("check", "run")}},
}


def schema(words: Mapping[str, str]) -> dict[str, Any]:
    """Return the schema of a fabfile.yml; `words` describe the keys by their full names, a service being NAME."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "fabfile.yml of galos-ops",
        "type": "object",
        "properties": {"galos": _object(Settings, "galos", words)},
    }


def _object(cls: Any, path: str, words: Mapping[str, str]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    properties = {
        each.name: _value(hints[each.name], f"{path}.{each.name}", each.metadata, words) for each in fields(cls)
    }
    more = COMMAND if path.endswith(".migration") else {}
    return {"type": "object", "additionalProperties": False, "properties": properties, **more}


def _value(kind: Any, path: str, rule: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    origin, choices = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _object(kind, path, words)
    if origin is dict:
        rows = _object(Service, f"{path}.NAME", words)
        return {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "patternProperties": {portable(SERVICE_NAME): rows},
        }
    found: dict[str, Any] = {"description": words[path]} if path in words else {}
    if origin is Literal:
        found["enum"] = list(choices)
    elif origin is not None:
        found |= _optional(choices)
    else:
        found["type"] = KINDS[kind]
    if "least" in rule:
        found["minimum"] = rule["least"]
    if "pattern" in rule:
        found["pattern"] = portable(rule["pattern"], empty=path.startswith("galos.services."))
    return found


def _optional(choices: tuple[Any, ...]) -> dict[str, Any]:
    inner = choices[0]
    if get_origin(inner) is tuple:
        return {"type": ["array", "null"], "items": {"type": "string"}}
    return {"type": [KINDS[each] for each in choices]}


def portable(pattern: str, *, empty: bool = False) -> str:
    """Return a pattern in the words that Python and JavaScript share; `empty` where no text at all is well, too."""
    bare = re.sub(r"\(\?P<\w+>", "(", pattern).removesuffix(r"\Z").replace(r"\0", r"\u0000")
    return rf"^({bare}){'?' if empty else ''}(?!\n)$"
