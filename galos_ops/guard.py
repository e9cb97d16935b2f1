"""The guard: asks an image for its pending migrations, runs them, and never takes an unknown answer for a clean one."""

from __future__ import annotations

import difflib
import io
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from galos_ops import migration
from galos_ops.compose import Compose
from galos_ops.errors import CommandTimedOut, GuardError, MigrationError, NotReadyError
from galos_ops.facts import STATE, Facts
from galos_ops.host import Host, OnLine, Result, shell_path
from galos_ops.migration import CLEAN, Answer
from galos_ops.settings import Service, Settings

CHECK_SECONDS = 120
WRONG_IMAGE = 98
ID = "docker image inspect -f '{{.Id}}'"


@dataclass(frozen=True)
class Unit:
    """One service on one host: what the tasks work on."""

    host: Host
    settings: Settings
    name: str
    service: Service
    facts: Facts
    compose: Compose

    @property
    def label(self) -> str:
        return f"{self.host.name}: {self.name}"

    @property
    def migrator(self) -> str:
        """The fixed name of the container that migrates; whoever comes next finds it by this name."""
        return f"{self.name}-migration"

    def references(self) -> tuple[str, ...]:
        """The image of the service, then the image that carries its migrations, which mostly is the same one.

        Raises `NotReadyError` where the compose file does not start what the configuration names.
        """
        listed, wanted = self.facts.services(), self.settings.image(self.service)
        for name in dict.fromkeys((self.name, self.service.migration.service)):
            if name not in listed:
                near = difflib.get_close_matches(name, listed, n=1)
                raise NotReadyError(
                    f"{self.host.name}: {self.facts.compose_file} in {self.settings.directory} has no service {name}.",
                    hint=f"name it as there: {near[0] if near else ', '.join(listed) or 'it has none'}",
                )
        if listed[self.name] != wanted:
            raise NotReadyError(
                f"{self.label}: {self.facts.compose_file} starts {listed[self.name] or 'no image'}, not {wanted}.",
                hint="make the compose file on the host and galos.services agree",
            )
        return tuple(dict.fromkeys((wanted, listed[self.service.migration.service])))

    def run(
        self, script: str, *, doing: str, timeout: int = 600, check: bool = True, on_line: OnLine | None = None
    ) -> Result:
        """Run a script in the project's directory on the host."""
        return self.host.run(self.compose.here(script), doing=doing, timeout=timeout, check=check, on_line=on_line)


Images = Mapping[str, str]
"""References and the image ID that each one is to mean; the service's own comes first."""


def local_images(unit: Unit) -> Images | None:
    """What the unit's references mean on the host now; None while one of them is not there."""
    references = unit.references()
    found = {reference: unit.facts.images.get(reference, "") for reference in references}
    return found if all(found.values()) else None


def pin(images: Images) -> str:
    """A script that points each reference at its image ID again, should it have moved."""
    return "\n".join(
        f'[ "$({ID} {reference} 2>/dev/null)" = {image} ] || docker tag {image} {reference} || exit 1'
        for reference, image in images.items()
    )


def key(unit: Unit, images: Images) -> str:
    """What a clean answer stays true for."""
    return unit.facts.key(",".join(images.values()), json.dumps(asdict(unit.service.migration), sort_keys=True))


def check(unit: Unit, images: Images) -> Answer:
    """Ask these very images for their pending migrations, and remember a clean answer on the host."""
    if unit.service.migration.tool == "none":
        return CLEAN
    try:
        result = _execute(unit, images, "check", f"{unit.name}-check", CHECK_SECONDS, None)
        answer = migration.read(unit.service.migration, result)
    except CommandTimedOut as error:
        answer = Answer("unknown", evidence=error.sentence)
    _remember(unit, key(unit, images), answer)
    return answer


def passed(unit: Unit, images: Images) -> bool:
    """Whether the same images already answered clean against the same .env and compose file."""
    return unit.facts.passed.get(unit.name) == key(unit, images)


def migrate(unit: Unit, images: Images, on_line: OnLine) -> None:
    """Run the migrations and check again; raises `MigrationError` unless the second answer is clean."""
    seconds = unit.service.migration.timeout
    try:
        result = _execute(unit, images, "run", unit.migrator, seconds, on_line)
    except CommandTimedOut as error:
        unit.run(f"docker rm -f {unit.migrator} >/dev/null 2>&1 || :", doing="stop the migration")
        raise MigrationError(
            f"{unit.label}: the migration was not done after {seconds} s and was stopped; the service is stopped.",
            evidence=error.evidence,
            hint=f"look at the database, then: fab -H {unit.host.name} pending",
        ) from error
    answer = check(unit, images)
    if not result.ok or answer.state != "clean":
        reason = f"exit {result.exited}" if not result.ok else f"it ended well, but the check says {answer.state}"
        raise MigrationError(
            f"{unit.label}: the migration failed ({reason}); the service is stopped until it succeeds.",
            evidence=result.output if not result.ok else answer.evidence or "\n".join(answer.names),
            hint=f"publish an image with the migration corrected, then: fab -H {unit.host.name} deploy",
        )


def backup(unit: Unit, on_line: OnLine) -> None:
    """Run the backup command on the host, in the project's directory; raises `CommandFailed`."""
    command = unit.service.migration.backup
    if command:
        _on_host(
            unit, ["sh", "-c", command], "back up the database", unit.service.migration.timeout, on_line, check=True
        )


def refuse(unit: Unit, answer: Answer) -> GuardError:
    """The error for an image that must not start."""
    if answer.state == "pending":
        count = len(answer.names) or "some"
        return GuardError(
            f"{unit.label}: {count} migration{'s' * (count != 1)} of this image pending; it is not started.",
            evidence="\n".join(answer.names),
            hint=f"fab -H {unit.host.name} deploy",
        )
    return GuardError(
        f"{unit.label}: cannot tell whether migrations are pending; nothing is started while that is unknown.",
        evidence=answer.evidence,
        hint=f"correct what it says, then: fab -H {unit.host.name} pending",
    )


def nobody_migrates(unit: Unit) -> None:
    """Raise `GuardError` while a migration that an earlier run began still goes on in its container."""
    one = unit.facts.named(unit.migrator)
    if one and one.alive:
        raise GuardError(
            f"{unit.label}: a migration that an earlier run began is still running on the host.",
            hint=f"follow it there: docker logs -f {unit.migrator}; then run the same command again",
        )


def _execute(unit: Unit, images: Images, verb: str, name: str, seconds: int, on_line: OnLine | None) -> Result:
    words = migration.argv(unit.service.migration, "check" if verb == "check" else "run")
    doing = "check for pending migrations" if verb == "check" else "migrate"
    if unit.service.migration.where == "host":
        return _on_host(unit, words, doing, seconds, on_line)
    carrier = list(images.values())[-1]
    return unit.run(
        f"{pin(images)}\ndocker rm -f {name} >/dev/null 2>&1\n"
        f"{unit.compose.run(unit.service.migration.service, name, words)}; code=$?\n"
        f"image=$(docker inspect -f '{{{{.Image}}}}' {name} 2>/dev/null); docker rm -f {name} >/dev/null 2>&1\n"
        f'[ -z "$image" ] || [ "$image" = {carrier} ] || {{ echo "ran in image $image"; exit {WRONG_IMAGE}; }}\n'
        "exit $code",
        doing=doing,
        timeout=seconds,
        check=False,
        on_line=on_line,
    )


def _on_host(
    unit: Unit, words: list[str], doing: str, seconds: int, on_line: OnLine | None, *, check: bool = False
) -> Result:
    """Run a command in the project's directory with .env in its environment; the values travel on a pipe."""
    from dotenv import dotenv_values

    text = unit.host.read(f"{unit.settings.directory}/.env")[0] or ""
    values = dotenv_values(stream=io.StringIO(text), interpolate=False)
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items() if value is not None)
    return unit.host.run(
        unit.compose.here(f". /dev/stdin\n{shlex.join(words)} </dev/null"),
        doing=doing,
        stdin=exports.encode(),
        timeout=seconds,
        check=check,
        on_line=on_line,
    )


def _remember(unit: Unit, clean: str, answer: Answer) -> None:
    """Keep a clean answer; drop one that no longer holds."""
    path = f"{shell_path(unit.settings.directory)}/{STATE}/{unit.name}.passed"
    known = unit.facts.passed.get(unit.name)
    if answer.state == "clean" and known != clean:
        unit.host.write(f"{unit.settings.directory}/{STATE}/{unit.name}.passed", f"{clean}\n")
    elif answer.state != "clean" and known == clean:
        unit.host.run(f"rm -f {path}", doing="forget an answer that no longer holds")
