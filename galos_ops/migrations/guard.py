"""The guard: asks an image for its pending migrations, and never takes an unknown answer for a clean one."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict

from galos_ops.engines import one_off
from galos_ops.engines.target import Images, Unit, last, with_environment
from galos_ops.errors import CommandTimedOut, GuardError, NotReadyError
from galos_ops.host.lock import STATE
from galos_ops.migrations import tools as migration
from galos_ops.migrations.tools import CLEAN, Answer

CHECK_SECONDS = 120
UNMADE = "asked when docker-compose has made what the service needs: networks, volumes, folders"


def key(unit: Unit, images: Images) -> str:
    """What a clean answer stays true for."""
    return unit.facts.key(",".join(images.values()), json.dumps(asdict(unit.service.migration), sort_keys=True))


def check(unit: Unit, images: Images) -> Answer:
    """Ask these very images for their pending migrations, and remember a clean answer on the host."""
    answer = ask(unit, images)
    if unit.service.migration.tool != "none":
        _remember(unit, key(unit, images), answer)
    return answer


def ask(unit: Unit, images: Images, *, untouched: bool = False) -> Answer:
    """Ask these very images for their pending migrations, and leave nothing behind.

    Where the host must stay `untouched`, the answer is undetermined while docker-compose would first have to make a
    network, a volume or a folder.
    """
    if unit.service.migration.tool == "none":
        return CLEAN
    argv = migration.argv(unit.service.migration, "check")
    if unit.service.migration.where == "host":
        script, stdin = with_environment(unit, argv)
    else:
        name = f"{unit.name}-check" if unit.token else f"{unit.name}-check-{secrets.token_hex(4)}"
        script, stdin = one_off.run(unit, last(images), name, argv, untouched=untouched)
    run = unit.change if unit.token else unit.run
    try:
        result = run(script, doing="check for pending migrations", stdin=stdin, timeout=CHECK_SECONDS, check=False)
    except CommandTimedOut as error:
        return Answer("unknown", evidence=error.sentence)
    if untouched and result.exited == one_off.MISSING:
        return Answer("undetermined", evidence=UNMADE)
    return migration.read(unit.service.migration, result)


def passed(unit: Unit, images: Images) -> bool:
    """Whether the same images already answered clean against the same .env and compose file."""
    return unit.facts.passed.get(unit.name) == key(unit, images)


def refuse(unit: Unit, answer: Answer) -> GuardError:
    """The error for an image that must not start."""
    if answer.state == "pending":
        count = len(answer.names) or "some"
        return GuardError(
            f"{unit.label}: {count} migration{'s' * (count != 1)} of this image pending; it is not started.",
            evidence="\n".join(answer.names),
            hint=unit.host.typed.fab("deploy"),
        )
    return GuardError(
        f"{unit.label}: cannot tell whether migrations are pending; nothing is started while that is unknown.",
        evidence=answer.evidence,
        hint=f"correct what it says, then: {unit.host.typed.fab('pending')}",
    )


def nobody_migrates(unit: Unit) -> None:
    """Raise `GuardError` while a migration that an earlier run began still goes on in its container."""
    one = unit.facts.named(unit.migrator)
    if one and one.alive:
        raise GuardError(
            f"{unit.label}: a migration that an earlier run began is still running on the host.",
            hint=f"wait for its end and go on from there: {unit.host.typed.fab('deploy')}",
        )


def require_no_migrator(unit: Unit) -> None:
    """Raise `GuardError` while a migration runs, which `docker-compose down` would end in v1 and trip over in v2."""
    found = (unit.facts.named(f"{name}-migration") for name in unit.settings.services)
    names = " ".join(one.name for one in found if one and one.alive)
    if names:
        raise GuardError(
            f"{unit.host.name}: a migration runs, which down would end with the project: {names}; nothing was stopped.",
            hint=f"wait for its end, or end it on the host with docker stop {names}; "
            f"to stop the services alone: {unit.host.typed.fab('stop')}",
        )


def refuse_running(unit: Unit) -> GuardError:
    """The error for migrations while the service runs."""
    return GuardError(
        f"{unit.label}: the service runs, and nothing is migrated while it does.",
        hint=f"stop it first, or do the whole of it: {unit.host.typed.fab('deploy')}",
    )


def alone(unit: Unit) -> None:
    """Raise `NotReadyError` while a container that another compose project made runs the service."""
    strangers = [one.name for one in unit.facts.strangers(unit.name) if one.alive]
    if strangers:
        stop = unit.host.typed.ssh(f"docker stop {' '.join(strangers)}")
        raise NotReadyError(
            f"{unit.label}: another compose project on the host runs this service too: {', '.join(strangers)}.",
            hint=f"set galos.directory to its directory, or stop it: {stop}",
        )


def _remember(unit: Unit, clean: str, answer: Answer) -> None:
    """Keep a clean answer while the lock is ours; drop one that no longer holds."""
    path, known = f"{STATE}/{unit.name}.passed", unit.facts.passed.get(unit.name)
    if answer.state == "clean" and known != clean and unit.token:
        unit.change(f"umask 077; echo {clean} >{path}.new && mv {path}.new {path}", doing="remember a clean answer")
    elif answer.state != "clean" and known == clean:
        unit.change(f"rm -f {path}", doing="forget an answer that no longer holds")
