"""The `galos:` tree that the collection is configured with: defaults, a fabfile.yml over them, variables beside it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from galos_ops.config import yaml_text
from galos_ops.config.building import Fault, called
from galos_ops.config.settings import Service, Settings, examine
from galos_ops.errors import UsageError

FABFILE = "galos_fabfile"
"""The key of a collection's configuration under which the path of its fabfile.yml is."""


def defaults() -> dict[str, Any]:
    """The default of every key, as the plain tree that the collection is configured with."""
    return tolerant(asdict(Settings()))


def tolerant(tree: dict[str, Any]) -> dict[str, Any]:
    """Return the same tree with numbers that a variable may override with any text."""
    kinds: dict[type, Callable[[Any], Any]] = {dict: tolerant, int: Whole}
    return {key: kinds.get(type(value), lambda same: same)(value) for key, value in tree.items()}


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
    return tolerant(merged)


class Whole(int):
    """A whole number in whose place Invoke puts any text of a variable: it calls the type of the old value with it.

    What is no number stays text, for `faults` to tell, where Invoke itself would end in a traceback.
    """

    def __new__(cls, value: object) -> Any:
        return int.__new__(cls, int(str(value))) if re.fullmatch(r"-?[0-9]{1,9}", str(value)) else value


def faults(galos: Mapping[str, Any], environment: Mapping[str, str]) -> list[Fault]:
    """Return all that is wrong with a merged `galos:` tree and the `FABRIC_GALOS_*` variables."""
    names = [variable(("galos", *path)) for path, _ in leaves(overlay(galos))]
    found: list[Fault] = []
    for name in environment:
        if name.startswith("FABRIC_GALOS_") and name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else "see the keys with: galos-ops config"
            found.append(Fault(name, f"{name} is the variable of no known key.", hint))
    return [*found, *examine(galos)[1]]


def checked(galos: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Return the settings of a merged `galos:` tree; raises the first of its `faults` as `UsageError`."""
    for fault in faults(galos, environment):
        raise fault.error
    return Settings.of(galos)


def variable(path: tuple[str, ...]) -> str:
    """Return the variable that overrides a key, from the top of the configuration."""
    return "_".join(("FABRIC", *path)).upper()


def leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield `(path, value)` of everything in a tree that is no mapping with something in it."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def read(path: Path) -> dict[str, Any]:
    """Read a fabfile.yml; raises `UsageError` where there is none, or it is no mapping with names for keys."""
    import yaml

    try:
        tree = yaml_text.load(path.read_text(encoding="utf-8")) or {}
        odd = next(_odd_keys(tree), None)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        hint = "correct what it says; what looks like a date or a number and is none needs quotes"
        raise UsageError(f"{path} is not YAML.", evidence=str(error), hint=hint) from error
    if not isinstance(tree, dict):
        raise UsageError(f"{path} must be a mapping, not {called(tree)}.")
    if odd:
        raise UsageError(f"{path} has the key {odd[0]}, which is {called(odd[1])}.", hint="put it in quotes")
    return tree


def _odd_keys(tree: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, object]]:
    """Yield the keys that are no text, each with the name that it has from the top."""
    rows = tree.items() if isinstance(tree, Mapping) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in rows:
        name = (*path, str(key))
        if isinstance(tree, Mapping) and not isinstance(key, str):
            yield ".".join(name), key
        yield from _odd_keys(value, name)


def configuration(path: Path) -> dict[str, Any]:
    """A fabfile.yml as the configuration of a collection, `galos:` laid over its defaults.

    Other keys are Fabric's own and pass through. Raises `UsageError` as `read` does.
    """
    tree = read(path)
    galos = tree.get("galos") or {}
    if not isinstance(galos, Mapping):
        raise UsageError(f"galos in {path} must be a mapping, not {called(galos)}.")
    return {**tree, "galos": overlay(galos), FABFILE: str(path)}


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        under = merged.get(key)
        nested = isinstance(under, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(under, value) if nested else value  # type: ignore[arg-type]
    return merged
