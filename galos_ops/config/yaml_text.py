"""YAML as plain data, read by the parser in C where there is one: a compose file may be long, and a person waits."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

PRINTED = {
    "null": ("null|~|", ("n", "~", "")),
    "bool": ("true|false", ("t", "f")),
    "int": ("-?(?:0|[1-9][0-9]{0,18})", tuple("-0123456789")),
    "float": (r"-?[0-9]{1,18}\.[0-9]+(?:e[-+][0-9]{1,2})?", tuple("-0123456789")),
}
"""What docker-compose prints without quotes and does not mean as text, and with what that begins."""


def load(text: str) -> Any:
    """Return what a document says; raises `yaml.YAMLError`, and `ValueError` for a date that there is not."""
    import yaml

    return yaml.load(text, Loader=_loader())  # noqa: S506 - a safe loader


def load_resolved(text: str) -> Any:
    """Return what docker-compose prints; raises `yaml.YAMLError`.

    It leaves the quotes away by YAML 1.2: what is a date, a number in another base or `=` by YAML 1.1 is text there.
    """
    import yaml

    return yaml.load(text, Loader=_resolved_loader())  # noqa: S506 - made of a safe loader


def _loader() -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def _resolved_loader() -> Any:
    loader: Any = type("ResolvedLoader", (_loader(),), {"yaml_implicit_resolvers": {}})
    for kind, (pattern, first) in PRINTED.items():
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(rf"(?:{pattern})\Z"), first)
    return loader
