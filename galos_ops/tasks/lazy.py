"""Modules that are loaded when something of them is used: listing the tasks, or completing one, needs none of them."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Later:
    """Stands for a module of this library until one of its names is asked for."""

    def __init__(self, name: str) -> None:
        self._name = f"galos_ops.{name}"

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)
