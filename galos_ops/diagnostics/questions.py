"""The doctor's two slow questions: does the registry let the host in, and does the database answer a container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from galos_ops.config.settings import Service
from galos_ops.diagnostics import needs
from galos_ops.diagnostics.examined import Examined, Refusal
from galos_ops.engines.compose import Compose
from galos_ops.engines.target import Target
from galos_ops.errors import CommandFailed, NotReadyError
from galos_ops.host.host import Host
from galos_ops.migrations import guard
from galos_ops.migrations.tools import Answer
from galos_ops.provisioning import ecr


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
    """Ask each service's image for pending migrations, in a one-off container as `pending` does.

    The answer itself does not matter here: one that is not unknown had the database.
    """
    found: dict[str, Answer] = {}
    not_asked: dict[str, str] = {}
    for name in services:
        answer = _asked(host, replace(seen, service=name))
        if isinstance(answer, Answer):
            found[name] = answer
        else:
            not_asked[name] = answer
    return replace(seen, answers=found, not_asked=not_asked)


def _asked(host: Host, seen: Examined) -> Answer | str:
    """The answer, or the reason why the question was not put."""
    service = seen.settings.services[seen.service]
    reason = needs.check_asked(seen)
    if reason or seen.facts.flavour is None:
        return reason
    if service.migration.tool == "none" or service.migration.where == "host":
        row = "tool is none" if service.migration.tool == "none" else "where is host"
        return f"migration.{row}: no container to ask in"
    compose = Compose(seen.facts.flavour, seen.settings.directory)
    target = Target(host, seen.settings, seen.service, service, seen.facts, compose)
    try:
        images = target.local_images()
    except NotReadyError as error:
        return error.sentence.removeprefix(f"{host.name}: ").rstrip(".")
    return guard.check(target, images) if images else "the image is not on the host"
