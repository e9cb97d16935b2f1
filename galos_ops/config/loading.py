"""The `galos:` tree that the collection is configured with: defaults, a fabfile.yml over them, variables beside it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from galos_ops.config.settings import Service, Settings, called
from galos_ops.errors import UsageError


def defaults() -> dict[str, Any]:
    """The default of every key, as the plain tree that the collection is configured with."""
    return asdict(Settings())


def overlay(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a file's `galos:` tree over the defaults; its `services:` replace the default table, not its rows.

    Every key then exists, which is what lets `FABRIC_*` variables override it.
    """
    merged = _merge(defaults(), tree)
    rows = tree.get("services")
    if isinstance(rows, Mapping):
        known, blank = defaults()["services"], asdict(Service())
        merged["services"] = {
            name: _merge(known.get(name, blank), row) if isinstance(row, Mapping) else row for name, row in rows.items()
        }
    return merged


def check_environment(galos: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Check the `FABRIC_GALOS_*` variables, which Invoke passes over or stumbles upon; raises `UsageError`."""
    known = dict(_leaves(galos, "FABRIC_GALOS"))
    for name, value in environment.items():
        if name.startswith("FABRIC_GALOS_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "the keys are in docs/configuration.md"
            raise UsageError(f"{name} is the variable of no known key.", hint=hint)
        if isinstance(known.get(name), int) and not re.fullmatch(r"\d+", value):
            raise UsageError(f"{name} is {value!r}; it must be a whole number.")


def _leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        name = f"{prefix}_{key.upper()}"
        if isinstance(value, Mapping):
            yield from _leaves(value, name)
        else:
            yield name, value


def configuration(path: Path) -> dict[str, Any]:
    """A fabfile.yml as the configuration of a collection, `galos:` laid over its defaults.

    Other keys are Fabric's own and pass through. Raises `UsageError` for a file that is not there or not a mapping.
    """
    import yaml

    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML.", evidence=str(error)) from error
    if not isinstance(tree, Mapping):
        raise UsageError(f"{path} must be a mapping, not {called(tree)}.")
    galos = tree.get("galos") or {}
    if not isinstance(galos, Mapping):
        raise UsageError(f"galos in {path} must be a mapping, not {called(galos)}.")
    return {**tree, "galos": overlay(galos)}


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        under = merged.get(key)
        nested = isinstance(under, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(under, value) if nested else value  # type: ignore[arg-type]
    return merged
