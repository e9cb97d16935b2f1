"""Asking an image for its pending migrations without a trace: no tag moves, nothing is remembered or left behind."""

from __future__ import annotations

import json
import re
import secrets
import shlex
from dataclasses import dataclass
from typing import Any

from galos_ops.engines.compose import STDIN
from galos_ops.engines.target import Images, Unit, last, with_environment
from galos_ops.errors import CommandTimedOut
from galos_ops.host.result import Result
from galos_ops.migrations import tools as migration
from galos_ops.migrations.guard import CHECK_SECONDS
from galos_ops.migrations.tools import CLEAN, Answer

MISSING = 94
DOING = "check for pending migrations"


def ask(unit: Unit, images: Images) -> Answer | None:
    """What these images answer; None where docker-compose would first have to make a network, volume or folder."""
    if unit.service.migration.tool == "none":
        return CLEAN
    words = migration.argv(unit.service.migration, "check")
    try:
        asked = _on_host(unit, words) if unit.service.migration.where == "host" else _in_container(unit, images, words)
    except CommandTimedOut as error:
        return Answer("unknown", evidence=error.sentence)
    return None if asked.exited == MISSING else migration.read(unit.service.migration, asked)


def _on_host(unit: Unit, words: list[str]) -> Result:
    script, stdin = with_environment(unit, words)
    return unit.run(script, doing=DOING, stdin=stdin, timeout=CHECK_SECONDS, check=False)


def _in_container(unit: Unit, images: Images, words: list[str]) -> Result:
    """The resolved compose file, the image in it by its ID, goes in on standard input in place of the directory's."""
    service, name = unit.service.migration.service, f"{unit.name}-check-{secrets.token_hex(4)}"
    tree = unit.facts.tree()
    row = tree["services"][service]
    row["image"] = last(images)
    for fetching in ("pull_policy", "build"):
        row.pop(fetching, None)
    return unit.run(
        f"{needs(tree, service, unit.facts.directories[-1]).script()}\n"
        f"trap 'docker rm -f -v {name} >/dev/null 2>&1' EXIT; trap 'exit 1' HUP INT TERM\n"
        f"{unit.compose.run(service, name, words, file=STDIN)}",
        doing=DOING,
        stdin=json.dumps(tree, ensure_ascii=False, default=str).encode(),
        timeout=CHECK_SECONDS,
        check=False,
    )


@dataclass(frozen=True)
class Needs:
    """What docker-compose makes by itself, for any container of a project, where it is not there."""

    project: str
    networks: tuple[str, ...]
    volumes: tuple[str, ...]
    folders: tuple[str, ...]

    def script(self) -> str:
        """End with `MISSING` unless all of it is there."""
        label = (
            f"--filter label=com.docker.compose.project={shlex.quote(self.project)} --filter label=com.docker.compose"
        )
        made = [
            f"docker {kind} ls -q {label}.{kind}={shlex.quote(name)} | grep -q ."
            for kind, names in (("network", self.networks), ("volume", self.volumes))
            for name in names
        ]
        return "\n".join(
            f"{test} || exit {MISSING}" for test in [*made, *(f"[ -e {shlex.quote(path)} ]" for path in self.folders)]
        )


def needs(tree: dict[str, Any], service: str, directory: str) -> Needs:
    """The networks and volumes of a resolved compose file, and the folders that a service of it mounts."""
    project = tree.get("name") or re.sub(r"[^-_a-z0-9]", "", directory.rpartition("/")[2].lower())
    networks = dict.fromkeys(name for row in tree["services"].values() for name in _networks(row))
    mounts = tree["services"][service].get("volumes") or []
    return Needs(
        project,
        _own(networks, tree.get("networks") or {}),
        _own(tree.get("volumes") or {}, tree.get("volumes") or {}),
        tuple(filter(None, map(_folder, mounts))),
    )


def _networks(row: dict[str, Any]) -> list[str]:
    return [] if row.get("network_mode") else list(row.get("networks") or ["default"])


def _own(names: Any, declared: dict[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in names if not (declared.get(name) or {}).get("external"))


def _folder(mount: Any) -> str:
    """What a mount needs on the host: `SOURCE:TARGET` in v1, a mapping in v2; nothing for a volume."""
    source = str(mount.get("source", "") if isinstance(mount, dict) else mount.partition(":")[0])
    return source if source.startswith("/") else ""
