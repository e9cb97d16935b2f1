"""Checks of the service's container, and of those that are beside it."""

from __future__ import annotations

import re

from galos_ops.diagnostics import mending, needs
from galos_ops.diagnostics.condition import Check
from galos_ops.diagnostics.examined import Examined
from galos_ops.progress import short

RESTARTS = 3
RECENT_SECONDS = 600


def down(seen: Examined) -> str | None:
    one = seen.container
    if one is None:
        return "there is no container"
    return None if one.alive else f"its container is {one.state}"


def restarts(seen: Examined) -> str | None:
    one, detail = seen.container, seen.detail
    recent = detail is not None and detail.age < RECENT_SECONDS
    if one is None or not (one.state == "restarting" or (one.restarts >= RESTARTS and recent)):
        return None
    return "restarted once" if one.restarts == 1 else f"restarted {one.restarts} times"


def other_image(seen: Examined) -> str | None:
    runs, meant = seen.container, seen.facts.images.get(seen.image)
    if runs is None or runs.image == meant:
        return None
    return f"{short(runs.image)} runs, the tag means {short(meant) if meant else 'no image on the host'}"


def strangers(seen: Examined) -> str | None:
    names = [one.name for one in seen.facts.strangers(seen.service) if one.alive]
    return f"another project runs {', '.join(names)}" if names else None


def orphans(seen: Examined) -> str | None:
    listed = seen.facts.rows()
    names = [
        one.name
        for one in seen.facts.containers
        if seen.facts.ours(one) and not one.oneoff and one.service not in listed
    ]
    return f"the compose file does not have {', '.join(names)}" if names else None


def leftovers(seen: Examined) -> str | None:
    ours = re.compile(rf"{re.escape(seen.service)}-check(-[0-9a-f]+)?")
    names = [one.name for one in seen.facts.containers if ours.fullmatch(one.name) and not one.alive]
    return f"{', '.join(names)} is left" if names else None


def migrated(seen: Examined) -> str | None:
    one = seen.facts.named(f"{seen.service}-migration")
    return f"{one.name} is {one.state}" if one and not one.alive else None


def unrotated(seen: Examined) -> str | None:
    detail = seen.detail
    if detail is None or detail.log_driver != "json-file" or detail.log_size:
        return None
    return "json-file without max-size"


CHECKS = (
    Check(
        "container-down",
        "a service without a running container",
        "It does no work.",
        "{fab:logs}, then: {fab:deploy}",
        down,
        needs=(needs.nobody_deploys,),
        each=True,
    ),
    Check(
        "restart-loop",
        "a container that Docker starts again and again",
        "The service dies soon after each start.",
        "{fab:logs}, then: {fab:rollback}",
        restarts,
        needs=(needs.running,),
        each=True,
    ),
    Check(
        "container-unhealthy",
        "a container whose health check fails",
        "It runs, and does not do its work.",
        "{fab:logs}",
        lambda seen: "its health check fails" if seen.detail and seen.detail.health == "unhealthy" else None,
        needs=(needs.running,),
        each=True,
    ),
    Check(
        "container-not-of-tag",
        "a container of another image than its tag means on the host",
        "Somebody pulled and did not start what was pulled; the next up does.",
        "{fab:deploy}",
        other_image,
        "warning",
        needs=(needs.running,),
        each=True,
    ),
    Check(
        "foreign-container",
        "a container of the service that another compose project on the host runs",
        "Two of them work on one database, and one of them is never updated.",
        "set galos.directory to its directory, or stop it: {ssh:docker stop CONTAINER}",
        strangers,
        needs=(needs.containers,),
        each=True,
    ),
    Check(
        "orphan-containers",
        "containers of the project whose service is not in the compose file",
        "Nothing stops or updates them any more.",
        "put the service back into the compose file, or stop them: {ssh:docker stop CONTAINER}",
        orphans,
        "warning",
        needs=(needs.containers, needs.config),
    ),
    Check(
        "check-left",
        "ended containers SERVICE-check and SERVICE-check-*, which a task that was killed left",
        "They do nothing but keep an old image.",
        "{fab:doctor --fix}",
        leftovers,
        "warning",
        needs=(needs.containers,),
        each=True,
        mend=mending.LEFTOVERS,
    ),
    Check(
        "migration-left",
        "an ended container SERVICE-migration, whose client died",
        "Nobody has read yet how that migration ended.",
        "read how, and go on from there: {fab:deploy}",
        migrated,
        "warning",
        needs=(needs.containers,),
        each=True,
    ),
    Check(
        "logs-unrotated",
        "a container whose log may grow without end",
        "It fills the disk, and then everything on the host stops.",
        "set logging options max-size in the compose file on {host}, then: {fab:up}",
        unrotated,
        "warning",
        needs=(needs.container,),
        each=True,
    ),
)
