"""Conditions of the service's container, and of those that are beside it."""

from __future__ import annotations

import math
from functools import partial

from galos_ops.diagnostics.condition import Condition, Subject, step, those, unless, when
from galos_ops.engines.snapshot.snapshot import Container, replicas
from galos_ops.errors import GuardError, VerifyError
from galos_ops.progress import short

LOOPS = ((1, 60), (3, 600))  # restarts, and seconds since the last: Docker waits at most 60 before the next
WHOSE = ("daemon-down", "directory-missing", "swarm-silent")  # the directory tells whose project a container is


def down(subject: Subject) -> str | None:
    one = subject.container
    if one is None:
        return "it has no container"
    return None if works(subject) else f"its container is {one.state}"


def works(subject: Subject) -> bool:
    """Whether it runs, or does now and then: a paused container does no work."""
    return subject.container is not None and subject.container.state in ("running", "restarting")


def restarts(subject: Subject) -> str | None:
    one = subject.container
    if one is None:
        return None
    age = subject.snapshot.age(one.started) if one.started else math.inf
    if one.state != "restarting" and not any(one.restarts >= count and age < seconds for count, seconds in LOOPS):
        return None
    return "restarted once" if one.restarts == 1 else f"restarted {one.restarts} times"


def other_image(subject: Subject) -> str | None:
    meant = subject.snapshot.images.get(subject.image)
    others = sorted(subject.images - {meant})
    if not others:
        return None
    return f"{short(others[0])} runs, the tag means {short(meant) if meant else 'no image on the host'}"


def fewer(subject: Subject) -> str | None:
    """How many run of those that docker-compose makes by itself; v1 makes one."""
    snapshot, found = subject.snapshot, subject.snapshot.of(subject.service)
    wanted = replicas(snapshot.rows().get(subject.service, {}))
    running = sum(one.alive for one in found)
    counts = snapshot.flavour and snapshot.flavour.version >= (2,) and not snapshot.cluster
    return f"{running} of {wanted} containers run" if counts and running < wanted else None


def foreign(subject: Subject) -> list[str]:
    return [one.name for one in subject.snapshot.foreign(subject.service) if one.alive]


def orphans(subject: Subject) -> list[str]:
    listed, snapshot = subject.snapshot.rows(), subject.snapshot
    return [
        one.name for one in snapshot.containers if snapshot.ours(one) and not one.oneoff and one.service not in listed
    ]


def leftovers(subject: Subject) -> list[str]:
    theirs = (subject.service, subject.settings.services[subject.service].migration.service)
    found = (one for one in subject.snapshot.containers if one.role == "check" and one.service in theirs)
    return [one.name for one in found if not one.alive]


def migrator(subject: Subject) -> Container | None:
    return subject.snapshot.named(f"{subject.service}-migration")


def migrated(subject: Subject) -> str | None:
    one = migrator(subject)
    return f"{one.name} is {one.state}" if one and not one.alive else None


def unbounded(subject: Subject) -> bool:
    one = subject.container
    return one is not None and one.log_driver == "json-file" and not one.log_size


fault = partial(Condition, each=True, after=WHOSE)
warning = partial(fault, severity="warning")
shown = partial(fault, line="container", error=VerifyError, after=("container-works",))

CONDITIONS = (
    step("lock-free", when(lambda it: it.snapshot.lock.held, "another task holds the host"), line="lock"),
    step(
        "migration-over",
        when(lambda it: (one := migrator(it)) and one.alive, "a migration runs now"),
        *WHOSE,
        fix="{ssh:docker logs -f {service}-migration}",
        line="migrations",
        error=GuardError,
    ),
    shown("container-there", "", "{fab:deploy}", unless(lambda it: it.container, "it has no container"), after=WHOSE),
    shown("container-works", "", "{fab:up}", unless(works, "its container does not run"), after=("container-there",)),
    fault(
        "container-down",
        "It does no work.",
        "{fab:logs}, then: {fab:deploy}",
        down,
        after=("migration-over", "lock-free"),  # what a deploy has under way is no fault
    ),
    shown("containers-run", "", "{fab:up}", fewer),
    shown(
        "restart-loop",
        "The service dies soon after each start.",
        "{fab:logs}, then: {fab:rollback}",
        restarts,
        sentence="its container restarts again and again",
    ),
    shown(
        "container-unhealthy",
        "It runs, and does not do its work.",
        "{fab:logs}",
        when(lambda it: it.container and it.container.health == "unhealthy", "its health check says unhealthy"),
    ),
    warning(
        "container-not-of-tag",
        "Somebody pulled and did not start what was pulled; the next up does.",
        "{fab:deploy}",
        other_image,
        after=("container-works",),
    ),
    fault(
        "foreign-container",
        "Two of them work on one database, and one of them is never updated.",
        "set galos.directory to its directory, or stop it: {ssh:docker stop CONTAINER}",
        those(foreign, "another project runs {}"),
    ),
    warning(
        "orphan-containers",
        "Nothing stops or updates them any more.",
        "put the service back into the compose file, or stop them: {ssh:docker stop CONTAINER}",
        those(orphans, "the compose file does not have {}"),
        each=False,
        after=(*WHOSE, "compose-file-malformed"),
    ),
    warning(
        "check-left",
        "They do nothing but keep an old image.",
        "{fab:doctor --fix}",
        those(leftovers, "{} is left"),
        repair="leftovers",
    ),
    warning(
        "migration-left",
        "Nobody has read yet how that migration ended.",
        "read how, and go on from there: {fab:deploy}",
        migrated,
        line="migrations",
    ),
    warning(
        "logs-unrotated",
        "It fills the disk, and then everything on the host stops.",
        "set logging options max-size in the compose file on {host}, then: {fab:up}",
        when(unbounded, "json-file without max-size"),
        after=("container-there",),
    ),
)
