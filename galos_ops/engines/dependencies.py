"""What a service depends on: the order of a whole deploy, and what must run before one service starts."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from galos_ops.config.settings import Settings
from galos_ops.engines.databases import stops
from galos_ops.engines.docker_compose import HOOKS
from galos_ops.engines.engine import Target
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.errors import NotReadyError

COMPLETED, HEALTHY = "service_completed_successfully", "service_healthy"
HEALTH_SECONDS = 300
UNCHECKED = "would run to its end unchecked each time it starts"
UNGUARDED = "would be run by docker-compose, outside of the guard"
NAMESPACES = ("network_mode", "ipc", "pid")  # `service:NAME` in one of these is a dependency too


@dataclass(frozen=True)
class Dependency:
    """A service that another one depends on; `condition` is docker-compose's word for when that is met."""

    name: str
    condition: str = "service_started"
    optional: bool = False


def of(row: Mapping[str, Any]) -> list[Dependency]:
    """The direct dependencies of a service in a resolved compose file, which v1 writes as a list or as a mapping.

    docker-compose takes links, shared namespaces and volumes_from as dependencies; v2 resolves them, v1 does not.
    """
    named = row.get("depends_on") or {}
    rows = {name: (named[name] or {}) if isinstance(named, Mapping) else {} for name in named}
    found = {
        name: Dependency(name, row.get("condition", "service_started"), row.get("required") is False)
        for name, row in rows.items()
    }
    links = [str(link).partition(":")[0] for link in row.get("links") or []]
    shared = [str(row.get(key) or "").partition("service:") for key in NAMESPACES]
    volumes = [str(source).partition(":")[0] for source in row.get("volumes_from") or []]
    names = [*links, *(name for before, _, name in shared if not before), *volumes]
    return list({**{name: Dependency(name) for name in names if name}, **found}.values())


def ordered(names: Iterable[str], rows: Mapping[str, Any]) -> list[str]:
    """The services so that each comes after those of them that it depends on, else in the order given."""
    wanted, visited = list(names), dict[str, None]()

    def visit(name: str, above: tuple[str, ...]) -> None:
        for one in of(rows.get(name) or {}):
            if one.name not in above and one.name not in visited:
                visit(one.name, (*above, name))
        visited[name] = None

    for name in wanted:
        visit(name, ())
    return [name for name in visited if name in wanted]


def groups(settings: Settings, snapshot: Snapshot, names: Iterable[str]) -> list[list[str]]:
    """Part services so that those come together of which one stops while another one migrates.

    In a group, and of the groups, each comes after those that it depends on, else in the order given.
    """
    rows = snapshot.rows()
    order = ordered(names, rows)
    stopping = {name: stops(settings, snapshot, name) for name in order}
    group = {name: {name} for name in order}
    for name in order:
        for other in order:
            if other in stopping[name]:
                group[name] |= group[other]
                group |= dict.fromkeys(group[name], group[name])
    firsts = {name: min(group[name], key=order.index) for name in order}
    below = {
        firsts[name]: {
            "depends_on": [firsts[other] for each in group[name] for other in reached(each, rows) if other in firsts]
        }
        for name in order
    }
    return [[name for name in order if firsts[name] == first] for first in ordered(below, below)]


def reached(name: str, rows: Mapping[str, Any]) -> set[str]:
    """The services that one depends on, direct and indirect."""
    found: set[str] = set()

    def visit(name: str) -> None:
        for one in of(rows.get(name) or {}):
            if one.name not in found:
                found.add(one.name)
                visit(one.name)

    visit(name)
    return found


def visited(settings: Settings, rows: Mapping[str, Any], name: str) -> Iterator[Dependency]:
    """The dependencies of a service, direct and indirect, each after those that it depends on itself.

    What a configured one depends on is left to its own start. One that is named twice comes twice.
    """
    names = set[str]()

    def visit(name: str, above: tuple[str, ...]) -> Iterator[Dependency]:
        for one in of(rows.get(name) or {}):
            if one.name not in rows or one.name in above or (one.optional and rows[one.name].get("profiles")):
                continue  # optional and without its profile; docker-compose itself refuses what is missing or circular
            if one.name not in settings.services and one.name not in names:
                names.add(one.name)
                yield from visit(one.name, (*above, one.name))
            yield one

    return visit(name, (name,))


def running_once(settings: Settings, snapshot: Snapshot, service: str) -> list[str]:
    """The dependencies of a service that run to their end, as those do that carry migrations."""
    carriers = {one.migration.service for one in settings.services.values()} - settings.services.keys()
    found = visited(settings, snapshot.rows(), service)
    return list(dict.fromkeys(one.name for one in found if one.condition == COMPLETED or one.name in carriers))


def hooks(settings: Settings, snapshot: Snapshot, service: str) -> list[str]:
    """The lifecycle hooks, as `HOOK of SERVICE`, of a service and of those dependencies that its start may start."""
    rows = snapshot.rows()
    others = (one.name for one in visited(settings, rows, service) if one.name not in settings.services)
    names = dict.fromkeys((service, *others))
    return [f"{hook} of {name}" for name in names for hook in HOOKS if (rows.get(name) or {}).get(hook)]


def needed(target: Target) -> list[Dependency]:
    """The dependencies that are not configured, direct and indirect, each after those that it depends on itself.

    Raises `NotReadyError` where one is configured and does not run, since it may only start behind its own guard, and
    where one runs to its end, as a migration does, or a lifecycle hook does so, which nobody would have checked. So it
    does for a service that the engine cannot start as it is.
    """
    target.engine.require_supported(target)
    settings, snapshot = target.settings, target.snapshot
    if once := running_once(settings, snapshot, target.name):
        raise _runs_once(target, ", ".join(once))
    if found := hooks(settings, snapshot, target.name):
        raise _hooked(target, ", ".join(found))
    others: dict[str, Dependency] = {}
    for one in visited(settings, snapshot.rows(), target.name):
        if one.name in settings.services:
            _require_running(target, one.name)
        elif one.name not in others or one.condition == HEALTHY:
            others[one.name] = one
    return list(others.values())


def absent(target: Target) -> list[str]:
    """The names of those dependencies that `script` would start."""
    return [one.name for one in needed(target) if not _runs(target, one.name)]


def script(target: Target) -> list[str]:
    """Shell lines that start what `needed` gives and does not run, as it is, and wait for what must be healthy."""
    return [line for one in needed(target) for line in _lines(target, one)]


def _lines(target: Target, one: Dependency) -> Iterator[str]:
    if not _runs(target, one.name):
        yield f"{target.engine.docker_compose.up_dependency(one.name)} >&2 || exit 1"
    if one.condition == HEALTHY:
        healthy = f"{{ {_healthy(target, one.name)}; }} | grep -q ."
        late = f"{{ echo {shlex.quote(one.name)} was not healthy within {HEALTH_SECONDS} s >&2; exit 1; }}"
        again = f"look=$((look + 1)); [ $look -lt {2 * HEALTH_SECONDS} ] || {late}; sleep 0.5"
        yield f"look=0; until {healthy}; do {again}; done"


def _healthy(target: Target, name: str) -> str:
    """A script that prints the IDs of this project's own containers of a service that are healthy."""
    project = [f"project={target.snapshot.project}"] if target.snapshot.project else []
    labels = [f"label=com.docker.compose.{label}" for label in (f"service={name}", "oneoff=False", *project)]
    directories = (f"label=com.docker.compose.project.working_dir={path}" for path in target.snapshot.directories)
    return "; ".join(
        shlex.join(["docker", "ps", "-q", *(word for each in filters for word in ("--filter", each))])
        for filters in dict.fromkeys(("health=healthy", *labels, directory) for directory in directories)
    )


def _runs(target: Target, name: str) -> bool:
    return any(one.alive for one in target.snapshot.current(name))


def _require_running(target: Target, name: str) -> None:
    if _runs(target, name) or name in target.earlier:
        return
    raise NotReadyError(
        f"{target.label}: it depends on {name}, which does not run and is not started behind its own guard; "
        "nothing was changed.",
        hint=f"start that one first: {target.host.typed.fab('deploy', service=name)}",
    )


def _runs_once(target: Target, names: str) -> NotReadyError:
    return NotReadyError(
        f"{target.label}: it depends on {names}, which {UNCHECKED}; nothing was changed.",
        hint=f"take {names} out of depends_on; a migration belongs into galos.services.{target.name}.migration",
    )


def _hooked(target: Target, hooks: str) -> NotReadyError:
    return NotReadyError(
        f"{target.label}: the lifecycle hook {hooks} {UNGUARDED}; nothing was changed.",
        hint=f"take it out of the compose file; a migration belongs into galos.services.{target.name}.migration",
    )
