"""The doctor's two slow questions: does the registry let the host in, and does the database answer a container."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping
from dataclasses import replace

from galos_ops import ecr, migration
from galos_ops.compose import Compose
from galos_ops.doctor import needs
from galos_ops.doctor.examined import Examined, Refusal
from galos_ops.errors import CommandFailed, CommandTimedOut, NotReadyError
from galos_ops.host import Host
from galos_ops.migration import Answer
from galos_ops.settings import Service

CHECK_SECONDS = 40
NO_IMAGE = 96


def registry(host: Host, seen: Examined, services: Mapping[str, Service]) -> Examined:
    """Ask as `ecr.check` does."""
    if needs.engine(seen):
        return seen
    try:
        ecr.check(host, seen.settings, dict(services))
    except (CommandFailed, NotReadyError) as error:
        sentence = error.sentence.removeprefix(f"{host.name}: ").rstrip(".")
        return replace(seen, refusal=Refusal(sentence, error.evidence))
    return seen


def database(host: Host, seen: Examined, services: Mapping[str, Service]) -> Examined:
    """Ask each service's image for pending migrations, in a one-off container as a deploy has it, but of another name.

    The answer itself does not matter here: one that is not unknown had the database.
    """
    found: dict[str, Answer] = {}
    not_asked: dict[str, str] = {}
    for name, service in services.items():
        answer = _asked(host, replace(seen, service=name), service.migration.service)
        if isinstance(answer, Answer):
            found[name] = answer
        else:
            not_asked[name] = answer
    return replace(seen, answers=found, not_asked=not_asked)


def _asked(host: Host, seen: Examined, carrier: str) -> Answer | str:
    """The answer, or the reason why the question was not put."""
    configured = seen.settings.services[seen.service].migration
    reason = needs.check_asked(seen)
    if reason or seen.facts.flavour is None:
        return reason
    if configured.tool == "none" or configured.where == "host":
        return f"migration.{'tool is none' if configured.tool == 'none' else 'where is host'}: no container to ask in"
    image = seen.facts.services().get(carrier)
    if not image:
        return f"the compose file has no image for {carrier}"
    compose = Compose(seen.facts.flavour, seen.settings.directory)
    name = f"{seen.service}-doctor-{secrets.token_hex(4)}"
    script = (
        f"docker image inspect {shlex.quote(image)} >/dev/null 2>&1 || exit {NO_IMAGE}\n"
        f"trap 'docker rm -f {name} >/dev/null 2>&1' EXIT; trap 'exit 1' HUP INT TERM\n"
        f"{compose.run(carrier, name, migration.argv(configured, 'check'))} </dev/null"
    )
    try:
        result = host.run(compose.here(script), doing="ask the database", timeout=CHECK_SECONDS, check=False)
    except CommandTimedOut as error:
        return Answer("unknown", evidence=error.sentence)
    return "the image is not on the host" if result.exited == NO_IMAGE else migration.read(configured, result)
