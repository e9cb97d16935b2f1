"""One-off containers: made from the resolved compose file on standard input, with the image by its ID."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from galos_ops.engines.docker_compose import FETCHING, HOOKS, encoded
from galos_ops.engines.engine import Target
from galos_ops.host.host import Host
from galos_ops.host.result import Result
from galos_ops.host.shell import EXIT, ExitCode

LABEL = "galos-ops"  # of our containers; its value is what each is for
Role = Literal["check", "migration", "run"]
KEPT = {"driver": "json-file"}  # how a container logs whose service's logs are kept nowhere
ENDED = "{{.Image}} {{.State.Status}} {{.State.ExitCode}}"


def run(target: Target, image: str, argv: list[str], *, doing: str, timeout: int, untouched: bool = False) -> Result:
    """Run a command to its end in a container of an image, and remove that; the exit code is the container's own.

    It is an `ExitCode`: `NOT_RUN` when no container ran to its end, `WRONG_IMAGE` when one of another image did, and,
    where the host must stay `untouched`, `MISSING` when docker-compose would make something first.
    """
    service, name, tree = target.service.migration.service, target.checker, target.snapshot.tree()
    first = needs(tree, service, target.snapshot.project_name) if untouched else ""
    script = (
        f"ours() {{ {removal(name, '-f')}; }}\n{first}\nours\n"
        "trap ours EXIT; trap 'exit 1' HUP INT TERM\n"
        f"{target.engine.docker_compose.run(service, name, argv)}; code=$?\n"
        f"set -- $(docker inspect -f '{ENDED}' {name} 2>/dev/null)\n"
        # what docker-compose fails of itself has exit codes of commands, too
        f'[ "$2 $3" = "exited $code" ] || exit {ExitCode.NOT_RUN}\n'
        f'[ "$1" = {image} ] || {{ echo "it ran in $1"; exit {ExitCode.WRONG_IMAGE}; }}\n'
        f"{EXIT}"
    )
    result = target.ask(script, doing=doing, stdin=file(tree, service, image, "check"), timeout=timeout)
    return result if target.engine.docker_compose.version >= (2,) else _as_printed(result)


def _as_printed(result: Result) -> Result:
    """What the command printed, without its exit code, which v1 prints behind it."""
    stderr, output = (re.sub(rf"^{result.exited}\n\Z", "", text, flags=re.M) for text in (result.stderr, result.output))
    return replace(result, stderr=stderr, output=output)


def removal(name: str, *options: str) -> str:
    """Return a script that removes our container of a name with its volumes, where there is one, and nobody else's."""
    exactly = shlex.quote(f"name=^/?{re.escape(name)}$")
    removing = shlex.join(("docker", "rm", "-v", *options))
    return f"docker ps -aq --filter label={LABEL} --filter {exactly} | xargs -r {removing} >/dev/null 2>&1"


def remove_ended_checks(host: Host) -> list[str]:
    """Remove our containers of checks that ended, with their volumes, and nothing that runs; return their names."""
    ended = " ".join(f"--filter status={state}" for state in ("created", "exited", "dead"))
    script = f"docker ps -a --filter label={LABEL}=check {ended} --format '{{{{.Names}}}}' |\nxargs -r docker rm -v"
    return host.change(script, doing="remove what checks left").stdout.split()


def file(tree: Mapping[str, Any], service: str, image: str, role: Role) -> bytes:
    """The resolved compose file with a service's image by its ID, which nothing fetches or builds, and our label.

    Lifecycle hooks are the service's own, and are left out. What is printed is kept, as we read it where we follow.
    """
    row = tree["services"][service]
    given, logging = row.get("labels") or {}, row.get("logging") or {}
    labels = given if isinstance(given, dict) else dict(one.partition("=")[::2] for one in given)
    kept = {"logging": KEPT} if logging.get("driver") == "none" else {}
    changed = {**kept, "image": image, "labels": {**labels, LABEL: role}}
    return encoded(tree, service, without=(*FETCHING, *HOOKS), **changed)


def needs(tree: dict[str, Any], service: str, project: str) -> str:
    """A script that ends with `MISSING` where docker-compose would make something first for a service's container."""
    networks = dict.fromkeys(name for row in tree["services"].values() for name in _networks(row))
    volumes, folders = tree.get("volumes") or {}, map(_folder, tree["services"][service].get("volumes") or [])
    made = {"network": _own(networks, tree.get("networks") or {}), "volume": _own(volumes, volumes)}
    tests = [
        f"docker {kind} ls -q --filter label=com.docker.compose.project={shlex.quote(project)} "
        f"--filter label=com.docker.compose.{kind}={shlex.quote(name)} | grep -q ."
        for kind, names in made.items()
        for name in names
    ] + [f"[ -e {shlex.quote(path)} ]" for path in folders if path]
    return "\n".join(f"{test} || exit {ExitCode.MISSING}" for test in tests)


def _networks(row: dict[str, Any]) -> list[str]:
    return [] if row.get("network_mode") else list(row.get("networks") or ["default"])


def _own(names: Any, declared: dict[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in names if not (declared.get(name) or {}).get("external"))


def _folder(mount: Any) -> str:
    """What a mount needs on the host: `SOURCE:TARGET` in v1, a mapping in v2; nothing for a volume."""
    source = str(mount.get("source", "") if isinstance(mount, dict) else mount.partition(":")[0])
    return source if source.startswith("/") else ""
