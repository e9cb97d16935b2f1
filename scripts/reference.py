"""Writes docs/reference.md from the code: `make reference`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from inspect import getdoc
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml

from galos_ops import errors
from galos_ops.config.building import NAMES
from galos_ops.config.schema import schema
from galos_ops.config.settings import Service, Settings
from galos_ops.tasks import namespace

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference.md"
TEMPLATES = ROOT / "galos_ops" / "templates"
ROW = "NAME"


def tasks() -> Iterator[str]:
    """Each task with its words and options, as `fab --help TASK` has them."""
    collection = namespace()
    for name in collection.task_names:
        task = collection[name]
        yield f"### {name}\n"
        yield f"{getdoc(task)}\n"
        options = [
            f"| `--{argument.name.replace('_', '-')}`{'' if argument.kind is bool else ' VALUE'} | {argument.help} |"
            for argument in task.get_arguments()
        ]
        if options:
            yield "\n".join(["| Option | Does |", "|---|---|", *options]) + "\n"


def settings() -> Iterator[str]:
    """Each key with its type, its default and the words that fabfile.yml has for it."""
    means = dict(comments((ROOT / "fabfile.yml").read_text()))
    yield "| Key | Type | Default | Means |\n|---|---|---|---|"
    for key, kind, default in leaves(Settings, Settings(), "galos"):
        yield f"| `{key}` | {kind} | `{default}` | {means[key]} |"


def leaves(cls: Any, value: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """`(key, type, default)` of every key below a dataclass; the row of a table of services is called NAME."""
    hints = get_type_hints(cls)
    for one in fields(cls):
        kind, default, key = hints[one.name], getattr(value, one.name), f"{path}.{one.name}"
        if is_dataclass(kind):
            yield from leaves(kind, default, key)
        elif get_origin(kind) is dict:
            yield from leaves(Service, next(iter(default.values())), f"{key}.{ROW}")
        else:
            yield key, called(kind), yaml.safe_dump(default).splitlines()[0]


def called(kind: Any) -> str:
    """What a type is called in the page."""
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    return " or ".join(NAMES[get_origin(one) or one] for one in get_args(kind) or (kind,))


def comments(text: str) -> Iterator[tuple[str, str]]:
    """`(key, comment)` of every line of a fabfile.yml that ends in a comment; its service is called NAME."""
    path: list[str] = []
    for line in text.splitlines():
        match = re.match(r"( *)([\w-]+):([^#]*)(?:#\s*(.*))?$", line)
        if match:
            depth = len(match[1]) // 2
            path = [*path[:depth], ROW if path[1:2] == ["services"] and depth == 2 else match[2]]
            inner = re.match(r"\s*\{(\w+):", match[3])
            if match[4]:
                yield ".".join([*path, *([inner[1]] if inner else [])]), match[4].replace("|", "/")


def codes() -> Iterator[str]:
    """Each exit code and its class, as the tree in galos_ops/errors.py has them."""
    yield "| Code | Class | Means |\n|---|---|---|\n| 0 | | done, or nothing to do |"
    for name, code, means in re.findall(r"(\w+) +(\d)  (.+)", getdoc(errors) or ""):
        yield f"| {code} | `{name}` | {means} |"


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            "# Reference\n",
            "Tasks, settings and exit codes, made from the code by `make reference`.\n",
            "## Tasks\n",
            *tasks(),
            "## Settings\n",
            *settings(),
            "\n## Exit codes\n",
            *codes(),
            "",
        ]
    )


def templates() -> dict[Path, str]:
    """What `galos-ops init` writes: the files of this checkout, and the schema of fabfile.yml."""
    copied = (ROOT / "fabfile.yml", *sorted((ROOT / "docs" / "ci").glob("*.yml")))
    words = dict(comments((ROOT / "fabfile.yml").read_text()))
    made = {TEMPLATES / "fabfile.schema.json": json.dumps(schema(words), indent=1) + "\n"}
    return {**{TEMPLATES / path.name: elsewhere(path.read_text()) for path in copied}, **made}


INSTALL = "pip install --quiet"
NAMED = "GALOS_OPS     what pip installs: the address of the wheel, or git+https://..."
ELSEWHERE = (
    (r"\n *cache: pip\n *cache-dependency-path: pyproject.toml", ""),
    (rf"( *)run: {INSTALL} \.", rf'\1env:\n\1  GALOS_OPS: ${{{{ vars.GALOS_OPS }}}}\n\1run: {INSTALL} "$GALOS_OPS"'),
    (rf"- {INSTALL} \.", f'- {INSTALL} "$GALOS_OPS"'),
    (r"(#   variable )DEPLOY_HOST", rf"\1{NAMED}\n\1DEPLOY_HOST"),
)
"""What is different in a repository that only uses the library: a pattern, and what takes its place."""


def elsewhere(text: str) -> str:
    """Return a CI file of this checkout as it is in another repository."""
    for pattern, put in ELSEWHERE:
        text = re.sub(pattern, put, text)
    return text


if __name__ == "__main__":
    PAGE.write_text(page())
    for path, text in templates().items():
        path.write_text(text)
