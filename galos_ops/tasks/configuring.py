"""Looking at the configuration, which needs no host."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from galos_ops.tasks.host_task import JSON, local_task

if TYPE_CHECKING:
    from invoke.config import Config

    from galos_ops.config.origins import Layer
    from galos_ops.tasks.run import Local


@local_task(JSON)
def config(local: Local, json: bool = False) -> None:
    """Looking: the merged configuration, and where each value comes from; needs no host.

    Passwords and tokens in it are masked. Exit 2 with all that is wrong with it.
    """
    from galos_ops.config.loading import faults
    from galos_ops.config.origins import origin, values
    from galos_ops.errors import UsageError
    from galos_ops.progress import BLANK, FAILED
    from galos_ops.tasks.run import plain

    tree, sources = plain(local.config), layers(local.config)
    listed, found = values(tree, sources), faults(tree["galos"], os.environ)
    origins = [origin(tuple(one.key.split(".")), sources) if "." in one.key else "" for one in found]
    rows = [asdict(one) | {"origin": where or one.key} for one, where in zip(found, origins, strict=True)]
    local.document |= {"values": [asdict(one) for one in listed], "faults": rows}
    local.report.table([("KEY", "VALUE", "FROM"), *((one.key, one.value, one.origin) for one in listed)])
    for one, where in zip(found, origins, strict=True):
        local.report.marked(FAILED, f"{one.sentence[:-1]}{f' ({where})' if where else ''}.")
        if one.hint:
            local.report.marked(BLANK, one.hint)
    if found:
        count = f"{len(found)} fault{'s' * (len(found) != 1)}"
        raise UsageError(f"The configuration has {count}.", hint=f"correct what is marked, then: {local.typed.local()}")


def layers(config: Config) -> list[Layer]:
    """Return the parts of Invoke's configuration that somebody wrote, from weak to strong."""
    from galos_ops.config.loading import FABFILE, read
    from galos_ops.config.origins import VARIABLES, Layer

    def named(path: object) -> str:
        return os.path.relpath(str(path)) if Path(str(path)).is_relative_to(Path.cwd()) else str(path)

    fabfile = config._collection.get(FABFILE)
    files = ((getattr(config, f"_{name}_path"), getattr(config, f"_{name}")) for name in ("system", "user", "project"))
    found = [
        *([Layer(named(fabfile), read(Path(fabfile)))] if fabfile else []),
        *(Layer(named(path), tree) for path, tree in files if path),
        Layer(VARIABLES, config._env),
        *([Layer(f"-f {config._runtime_path}", config._runtime)] if config._runtime_path else []),
    ]
    return [layer for layer in found if layer.tree]
