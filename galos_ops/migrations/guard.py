"""The guard: asks an image for its pending migrations, and never takes an unknown answer for a clean one."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from hashlib import sha256

from galos_ops.config.command_line import CommandLine, addresses, place
from galos_ops.engines import notes
from galos_ops.engines.engine import AnyTarget, Target
from galos_ops.engines.one_offs import one_off
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.engines.snapshot.snapshot import Container, Snapshot, names
from galos_ops.errors import CommandTimedOut, GuardError, NotReadyError
from galos_ops.host.host import Host
from galos_ops.host.result import Result
from galos_ops.host.shell import ExitCode
from galos_ops.migrations import on_host
from galos_ops.migrations import tools as migration
from galos_ops.migrations.tools import CLEAN, Answer

CHECK_SECONDS = 120
OUTSIDE = ("volumes", "volumes_from", "secrets", "configs")  # of a service in the compose file
OURS: tuple[one_off.Role, ...] = ("check", "migration")  # the one-off containers beside which a migration may run
UNMADE = "asked when docker-compose has made what the service needs: networks, volumes, folders"


def key(target: Target, images: ReleaseImages) -> str | None:
    """Return the sum of what a check asks: image IDs, resolved compose file, migration settings.

    None where an answer also depends on what only the host has: commands on it, mounts, secrets and configs.
    """
    migration, tree = target.service.migration, target.snapshot.tree()
    row = tree["services"][migration.service]
    if migration.where == "host" or any(row.get(each) for each in OUTSIDE):
        return None
    ids = ",".join(image.id for image in images.all)
    asked = one_off.file(tree, migration.service, images.migrations.id, "check")
    settings = json.dumps(asdict(migration), sort_keys=True)
    return sha256(b"\0".join((ids.encode(), asked, settings.encode()))).hexdigest()


def ask(target: Target, images: ReleaseImages, *, untouched: bool = False) -> Answer:
    """Ask these very images for their pending migrations, and leave nothing behind.

    Where the host must stay `untouched`, the answer is undetermined while docker-compose would first have to make a
    network, a volume or a folder.
    """
    if target.service.migration.tool == "none":
        return CLEAN
    settings = target.service.migration

    def put(argv: list[str]) -> Result:
        doing, seconds = "check for pending migrations", CHECK_SECONDS
        if settings.where == "host":
            return on_host.run(target, argv, doing=doing, timeout=seconds)
        return one_off.run(target, images.migrations.id, argv, doing=doing, timeout=seconds, untouched=untouched)

    try:
        result = put(migration.argv(settings, "check"))
        if untouched and result.exited == ExitCode.MISSING:
            return Answer("undetermined", evidence=UNMADE)
        answer = migration.read(settings, result)
        listing = migration.argv(settings, "list")
        if answer.state == "pending" and not answer.names and listing:
            answer = migration.named(settings, answer, put(listing))
    except CommandTimedOut as error:
        return Answer("unknown", evidence=error.sentence)
    return answer


def check(target: Target, images: ReleaseImages) -> Answer:
    """Ask, and forget a clean answer that holds no longer, which needs no lock: whoever comes next asks again."""
    answer = ask(target, images)
    if answer.state != "clean" and passed(target, images):
        target.unlocked(f"rm -f {notes.path(target.name, notes.PASSED)}", doing="forget an answer that no longer holds")
    return answer


def remember(target: Target, images: ReleaseImages) -> str:
    """Return a script that remembers a clean answer of these images, empty where it is known or no sum can tell."""
    clean = key(target, images)
    if clean is None or target.service.migration.tool == "none" or passed(target, images):
        return ""
    return f"{notes.keep(target.name, notes.PASSED, clean)} || :"


def passed(target: Target, images: ReleaseImages) -> bool:
    """Whether the same images already answered clean against the same resolved compose file."""
    clean = key(target, images)
    return clean is not None and target.snapshot.passed.get(target.name) == clean


def pending_migrations_error(target: Target, answer: Answer) -> GuardError:
    """The error for an image that must not start."""
    if answer.state == "pending":
        count = len(answer.names) or "some"
        return GuardError(
            f"{target.label}: {count} migration{'s' * (count != 1)} of this image pending; it is not started.",
            evidence="\n".join(answer.names),
            hint=target.typed.fab("deploy"),
        )
    mine = target.typed is target.host.typed
    again = f"correct what it says, then: {target.typed.fab('pending')}"
    return GuardError(
        f"{target.label}: cannot tell whether migrations are pending; nothing is started while that is unknown.",
        evidence=answer.evidence,
        hint=again if mine else f"correct what it says, or deploy what fits: {target.typed.fab('deploy')}",
    )


def require_no_running_migration(target: Target, held: str = "") -> None:
    """Raise `GuardError` while a migration of any service that an earlier run began still goes on in its container.

    So it does on a host of a fleet, or of a cluster, whose migration, wherever it runs, is not known to be over; unless
    it was one of nothing but `held`, the hosts of a task, as -H has them.
    """
    marked = {*map(place, addresses(target.snapshot.migrating or ""))}
    if target.snapshot.under_migration and not (marked and marked <= {*map(place, addresses(held))}):
        raise marked_error(target.host, target.snapshot)
    for each in orphaned(target):
        if goes_on(each):
            raise GuardError(
                f"{each.label}: a migration that an earlier run began is still running on the host.",
                hint=f"wait for its end and go on from there: {each.typed.fab('deploy')}",
            )


def marked_error(host: Host, snapshot: Snapshot) -> GuardError:
    """The error for a host of a fleet, or of a cluster, that may migrate."""
    fleet, whose = of_fleet(host.typed, snapshot), "cluster" if snapshot.migrating is None else "fleet"
    return GuardError(
        f"{host.name}: a migration of its {whose} began and is not known to be over; nothing is started until it is.",
        hint=f"go on from there: {fleet.fab('deploy')}",
    )


def of_fleet(typed: CommandLine, snapshot: Snapshot) -> CommandLine:
    """Return what makes commands for the fleet whose migration is noted on a host, that host among it."""
    hosts = addresses(snapshot.migrating or "")
    own = [] if typed.place in map(place, hosts) else [typed.host]
    return replace(typed, fleet=",".join([*hosts, *own]))


def orphaned(target: AnyTarget) -> list[AnyTarget]:
    """Return the configured services of which the host has a container that migrates, or migrated."""
    return [one for one in map(target.of, target.settings.services) if target.snapshot.named(one.migrator)]


def migrating(target: AnyTarget, services: Collection[str]) -> list[AnyTarget]:
    """Return those of services of which a migration runs."""
    return [one for one in orphaned(target) if one.name in services and goes_on(one)]


def migration_runs_error(target: Target, found: Sequence[Target]) -> GuardError:
    """The error for a task that stops services while a migration of them runs."""
    typed, named = target.host.typed, ", ".join(one.migrator for one in found)
    killing = replace(typed, options={**typed.options, "kill_migration": True})
    return GuardError(
        f"{target.host.name}: a migration runs: {named}; nothing was stopped.",
        hint=f"wait for its end, or end it as well: {killing.again()}",
    )


def require_no_one_offs(target: Target, snapshot: Snapshot) -> None:
    """Raise `NotReadyError` while somebody's one-off container of the service runs, which may use the database."""
    services = (target.name, target.service.migration.service)
    running = [one for one in snapshot.containers if one.oneoff and one.alive and one.service in services]
    strange = [one for one in running if one.role not in OURS]
    if strange:
        raise NotReadyError(
            f"{target.label}: a one-off container of the service runs, and nothing is migrated beside it: "
            f"{names(strange)}; nothing was changed.",
            hint=f"when its work is done, end it: {target.stopping(strange)}",
        )


def goes_on(target: Target) -> bool:
    """Whether a migration of the service that an earlier run began still goes on in its container."""
    one = target.snapshot.named(target.migrator)
    return one is not None and one.alive


def require_stopped(target: Target) -> None:
    """Raise `GuardError` while the service runs, or another one that must not while it migrates."""
    found = [name for name in target.stops if target.of(name).may_run]
    if not found:
        return
    what = "the service runs" if found == [target.name] else f"{_runs(found)} on its database"
    raise GuardError(
        f"{target.label}: {what}, and nothing is migrated while {'it does' if len(found) == 1 else 'they do'}.",
        hint=f"stop it first, or do the whole of it: {target.host.typed.fab('deploy')}",
    )


def require_not_left(target: Target) -> None:
    """Raise `GuardError` for a service that an earlier run stopped and whose migration it began: it is down."""
    if target.stopped_image and not target.previous_image:
        raise GuardError(
            f"{target.label}: it is down: an earlier run began its migration, and the image before must not start.",
            hint=f"a deploy of its own starts it: {target.host.typed.fab('deploy', service=target.name)}",
        )


def still_runs_error(target: Target, result: Result) -> GuardError:
    """The error for what the script found that begins a migration."""
    found = result.stdout.split()
    if not found:
        return GuardError(
            f"{target.label}: cannot tell whether anything of it still runs; nothing was migrated.",
            evidence=result.stderr,
            hint=f"correct what it says, then: {target.typed.fab('deploy')}",
        )
    stopping = target.host.typed.ssh(f"docker stop {' '.join(found)}")
    return GuardError(
        f"{target.label}: nothing was migrated, as {_runs(found)} beside it.",
        hint=f"see why, then stop it: {stopping}",
    )


def _runs(names: Sequence[str]) -> str:
    return f"{', '.join(names)} run{'s' * (len(names) == 1)}"


def stopped(target: Target) -> str:
    """Say what is stopped while the service migrates."""
    others = target.stops[1:]
    return "the service is stopped" if not others else f"{', '.join(target.stops)} are stopped"


def require_no_foreign_containers(target: Target) -> None:
    """Raise `NotReadyError` while a container that another compose project made runs the service.

    So does one of docker-compose where the service is that of a cluster.
    """
    foreign = [one for one in target.snapshot.foreign(target.name) if one.alive]
    if foreign:
        if target.snapshot.cluster:
            raise NotReadyError(
                f"{target.label}: docker-compose runs this service on the host, beside the cluster: {names(foreign)}.",
                hint=f"stop it: {target.stopping(foreign)}",
            )
        raise NotReadyError(
            f"{target.label}: another compose project on the host runs this service too: {names(foreign)}.",
            hint=f"set galos.directory to its directory, or stop it: {target.stopping(foreign)}",
        )


def require_clean(target: Target, answer: Answer) -> None:
    """Raise `GuardError` unless the answer is clean; one that a dry run cannot have yet is no refusal."""
    if answer.state not in ("clean", "undetermined"):
        raise pending_migrations_error(target, answer)


def require_as_configured(target: Target, found: Sequence[Container]) -> None:
    """Raise `GuardError` where stopped containers have another `.env` or compose file than the answer is about."""
    if all(one.state == "running" for one in found) or target.engine.as_configured(target, found):
        return
    raise GuardError(
        f"{target.label}: its container was made with another .env or compose file than there is now; "
        "it is not started.",
        hint=target.typed.fab("up"),
    )
