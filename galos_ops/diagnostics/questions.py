"""What no probe can tell: does the registry let the host in, and what does an image answer about its migrations."""

from __future__ import annotations

from dataclasses import replace

from galos_ops.diagnostics.condition import Refusal, Subject
from galos_ops.diagnostics.conditions.table import TABLE
from galos_ops.diagnostics.ready import require_ready
from galos_ops.engines.engine import Target
from galos_ops.engines.images.references import local_images
from galos_ops.errors import CommandFailed, NotReadyError
from galos_ops.host.host import Host
from galos_ops.migrations import guard
from galos_ops.migrations.tools import CLEAN, REMEMBERED
from galos_ops.provisioning import ecr


def registry(host: Host, subjects: dict[str, Subject]) -> dict[str, Subject]:
    """Ask as `ecr.check` does."""
    first = next(iter(subjects.values()))
    if not first.snapshot.engine:
        return subjects
    try:
        ecr.check(host, first.settings, {name: first.settings.services[name] for name in subjects})
    except (CommandFailed, NotReadyError) as error:
        refusal = Refusal(_bare(host, error), error.evidence)
        return {name: replace(subject, refusal=refusal) for name, subject in subjects.items()}
    return subjects


def database(host: Host, subject: Subject) -> Subject:
    """Ask the service's image, for what the answer says of the database: one that is not unknown had it."""
    settings, service = subject.settings, subject.settings.services[subject.service]
    if reason := TABLE.blocked(TABLE["check-asked"], subject):
        return replace(subject, not_asked=reason)
    if service.migration.tool == "none" or service.migration.where == "host":
        row = "tool is none" if service.migration.tool == "none" else "where is host"
        return replace(subject, not_asked=f"migration.{row}: no container to ask in")
    try:
        engine = require_ready(host.typed, settings, subject.snapshot)
        return ask(Target(host, settings, subject.service, service, subject.snapshot, engine), subject)
    except NotReadyError as error:
        return replace(subject, not_asked=_bare(host, error))


def ask(target: Target, subject: Subject, *, remembered: bool = False) -> Subject:
    """Ask an image for pending migrations as `pending` does, where that is in nobody's way.

    With `remembered` not one that answered clean before. Raises `NotReadyError` for another compose file than needed.
    """
    images = local_images(target)
    if images is None:
        return replace(subject, not_asked="the image is not on the host")
    if target.service.migration.tool == "none":
        return replace(subject, answer=CLEAN)
    if remembered and guard.passed(target, images):
        return replace(subject, answer=REMEMBERED)
    reason = TABLE.blocked(TABLE["check-asked"], subject)
    return replace(subject, not_asked=reason) if reason else replace(subject, answer=guard.check(target, images))


def _bare(host: Host, error: CommandFailed | NotReadyError) -> str:
    return error.sentence.removeprefix(f"{host.name}: ").rstrip(".")
