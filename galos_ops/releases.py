"""The releases of a host: a record of each on the host, and its image kept from `docker image prune`."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass

from galos_ops.facts import STATE
from galos_ops.guard import Unit

LOG = f"{STATE}/releases.jsonl"


@dataclass(frozen=True)
class Release:
    """One line of the host's release log; `time` is UTC in ISO 8601, `seconds` and `downtime` are seconds."""

    time: str
    service: str
    tag: str
    image: str
    previous: str | None
    migrations: tuple[str, ...]
    user: str
    machine: str
    run: str | None
    seconds: float
    downtime: float


def record(unit: Unit, release: Release, keep: int) -> None:
    """Append a release to the host's log, tag its image so that pruning spares it, untag those beyond `keep`."""
    name = f"galos-ops/{unit.service.repository}"
    tag = f"{name}:{release.time.replace(':', '').replace('+0000', 'Z')}"
    line = json.dumps(asdict(release), ensure_ascii=False)
    unit.run(
        f"umask 077; printf '%s\\n' {shlex.quote(line)} >>{LOG} || exit 1\n"
        f"docker tag {release.image} {tag} || exit 1\n"
        f"docker images --format '{{{{.Repository}}}}:{{{{.Tag}}}}' {name} | sort -r | tail -n +{keep + 1} |\n"
        'while read -r old; do docker rmi "$old" >/dev/null || echo "kept: $old"; done',
        doing="record the release",
    )
