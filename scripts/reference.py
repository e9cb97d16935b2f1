"""Writes docs/reference.md and docs/errors.md from the code: `make reference`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from inspect import getdoc
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml
from invoke.collection import Collection
from invoke.parser.context import translate_underscores

from galos_ops import errors
from galos_ops.config.building import NAMES
from galos_ops.config.schema import schema
from galos_ops.config.settings import Service, Settings
from galos_ops.diagnostics.conditions.table import TABLE
from galos_ops.migrations.tools import TOOLS
from galos_ops.tasks import namespace
from galos_ops.tasks.starting import init
from scripts.causes import CAUSES
from scripts.failures import failures

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "galos_ops" / "templates"
ROW = "NAME"


def every_task() -> Collection:
    """The tasks of `fab`, and the one that `galos-ops` alone has."""
    collection = namespace()
    collection.add_task(init)
    return collection


def tasks() -> Iterator[str]:
    """Each task with its words and options, as `fab --help TASK` has them."""
    collection = every_task()
    for name in collection.task_names:
        task = collection[name]
        yield f"### {name}\n"
        yield f"{getdoc(task)}\n"
        options = [
            f"| `--{translate_underscores(one.name)}`{'' if one.kind is bool else ' VALUE'} | {one.help} |"
            for one in task.get_arguments()
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
            yield from leaves(Service, Service(), f"{key}.{ROW}")
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


REFERENCE = """\
# Reference

Made from the code by `make reference`. [Exit codes](exit-codes.md), [errors](errors.md), the
[steps of a deploy](deploy.md#the-order-and-what-a-failing-step-leaves) and [JSON documents](json.md) have pages of
their own.

## The runbook, section by section
"""
ROWS = """\
The defaults of `NAME` are those of a row that you add. Without `services:` in `fabfile.yml` the one row is
`galos-sync`, with `--source galos_db/migrations` as its `arguments`.
"""
ERRORS = """\
# Errors

Every failure that the code can end in: its sentence, its usual cause, and what stands behind `next:`. `…` is what only
the run knows; where the last column is empty, the evidence behind `|` decides. Made from the code by `make reference`.

What a code means for the service, and whether to run it again: [exit codes](exit-codes.md). In Python each is an
exception:
"""
HEAD = "| Sentence | Cause | Next |\n|---|---|---|"
MORE = {
    1: "[symptom, cause, command](troubleshooting.md#symptom-cause-command)",
    2: "[what overrides what](configuration.md#what-overrides-what)",
    3: "[symptom, cause, command](troubleshooting.md#symptom-cause-command)",
    4: "[two deploys at once](deploy.md#two-deploys-at-once), [hold](deploy.md#hold), [hooks](hooks.md)",
    5: "[the guard](how-it-works.md#the-guard), [on one database](services.md#on-one-database)",
    6: "[what it is told as](failed-migration.md#what-it-is-told-as)",
    7: "[a container that does not stay up](deploy.md#a-container-that-does-not-stay-up)",
    8: "[the doctor](doctor.md), [symptom, cause, command](troubleshooting.md#symptom-cause-command)",
}
"""Where more is said of an exit code's failures."""
RUNBOOK = {
    "ecr.images": "AWS ECR Docker registry",
    "ecr": "ECR credentials configuration",
    "env": "Service configuration",
    "Preparing": "both of these, in one go",
    "Updating": "Updating the Docker image",
    "Starting": "Starting",
    "Stopping": "Stopping",
    "Migration": "Database migration",
}
"""The runbook's sections by a task, by its collection, or by the first word of its help."""


def sections() -> Iterator[str]:
    """Each section of the runbook with its tasks."""
    collection = every_task()
    found: dict[str, list[str]] = {}
    for name in collection.task_names:
        group, _, rest = name.partition(".")
        word = re.split(r"\W", getdoc(collection[name]) or "")[0]
        section = RUNBOOK.get(name) or RUNBOOK.get(group if rest else word, "nothing of it")
        found.setdefault(section, []).append(name)
    yield "| The runbook's section | Tasks |\n|---|---|"
    for section in (*RUNBOOK.values(), "nothing of it"):
        links = [f"[`{name}`](#{name.replace('.', '')})" for name in found[section]]
        yield f"| {section} | {', '.join(links)} |"


def tools() -> Iterator[str]:
    """Each migration tool with its commands, and what the answer to the first of them tells."""
    yield "| `tool` | Check | Run | What the check tells |\n|---|---|---|---|"
    for name, tool in TOOLS.items():
        commands = [f"`{command.format(arguments='ARGUMENTS')}`" for command in (tool.check, tool.run)]
        tells = " ".join((getdoc(tool.read) or "").split()).partition(": ")[2]
        listed = f" `{tool.list.format(arguments='ARGUMENTS')}` has the names." if tool.list else ""
        yield f"| `{name}` | {' | '.join(commands)} | {tells}{listed} |"
    yield "| `command` | `check` | `run` | exit 0: clean; 1: pending, a name a line; anything else: unknown |"
    yield "| `none` | | | nothing is pending, ever |"


def checks() -> Iterator[str]:
    """Each row of the doctor's table: how grave it is, what looks at it, and who mends it."""
    yield "| Check | Is | `status` shows it as | `doctor --fix` |\n|---|---|---|---|"
    for row in TABLE.values():
        if row.why:
            yield f"| [{row.id}](doctor.md#{row.id}) | {row.severity} | {row.line} | {row.repair} |"


def codes() -> Iterator[str]:
    """Each class of failure with its exit code, as the tree in galos_ops/errors.py has them."""
    yield "| Code | Class | Means |\n|---|---|---|"
    for name, code, means in re.findall(r"(\w+) +(\d)  (.+)", getdoc(errors) or ""):
        yield f"| {code} | `{name}` | {means} |"


def reference() -> str:
    """The page of tasks, settings, tools and checks."""
    return "\n".join(
        [
            REFERENCE,
            *sections(),
            "\n## Tasks\n",
            *tasks(),
            "## Settings\n",
            ROWS,
            *settings(),
            "\n## Migration tools\n",
            *tools(),
            "\n## Checks of the doctor\n",
            *checks(),
            "",
        ]
    )


def failed() -> str:
    """The page of errors."""
    rows: dict[int, list[str]] = {}
    for one in failures(ROOT / "galos_ops"):
        row = f"| {one.sentence} | {CAUSES[one.sentence]} | {one.next} |".replace("  ", " ")
        rows.setdefault(one.code, []).append(row)
    return "\n".join(
        [
            ERRORS,
            *codes(),
            *(
                line
                for code, lines in sorted(rows.items())
                for line in (
                    f"\n## Exit {code}\n",
                    f"More: {MORE[code]}.\n",
                    "| Sentence | Cause | Next |\n|---|---|---|",
                    *lines,
                )
            ),
            "",
        ]
    )


def pages() -> dict[Path, str]:
    """The pages that are made from the code."""
    return {ROOT / "docs" / "reference.md": reference(), ROOT / "docs" / "errors.md": failed()}


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
    (
        r" in a copy of the repository of galos-ops\.\n# For .*",
        " in the repository of your fabfile.py and fabfile.yml.",
    ),
    (r"(#   variable )DEPLOY_HOST", rf"\1{NAMED}\n\1DEPLOY_HOST"),
)
"""What is different in a repository that only uses the library: a pattern, and what takes its place."""


def elsewhere(text: str) -> str:
    """Return a CI file of this checkout as it is in another repository."""
    for pattern, put in ELSEWHERE:
        text = re.sub(pattern, put, text)
    return text


if __name__ == "__main__":
    for path, text in {**pages(), **templates()}.items():
        path.write_text(text)
