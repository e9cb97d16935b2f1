"""Conditions that only `status` shows: what is worth a look now, and what the registry and the database answered."""

from __future__ import annotations

from functools import partial

from galos_ops.diagnostics.condition import Subject, step, those, unless, when
from galos_ops.engines.snapshot.registry import Registry
from galos_ops.errors import GuardError, MigrationError, NotReadyError, VerifyError
from galos_ops.migrations import guard
from galos_ops.migrations.causes import of_reason
from galos_ops.progress import short

LOW = 0.1  # of a file system free
ASKED = ("daemon-down", "compose-file-malformed", "service-missing", "image-not-configured", "foreign-container")


def unreleased(subject: Subject) -> str | None:
    release, tag = subject.release, subject.image.rpartition(":")[2]
    known = {subject.snapshot.images.get(subject.image), release and release.image}
    strays = sorted(subject.images - known)
    return f"{short(strays[0])} runs, which is neither what {tag} means nor the last release" if strays else None


def runs_nothing_but(subject: Subject, image: str) -> bool:
    return subject.images <= {image}


def of_tag(subject: Subject) -> bool:
    """Whether the host has what the tag means, and the container is of it, where there is one."""
    tagged = subject.snapshot.images.get(subject.image)
    return tagged is not None and runs_nothing_but(subject, tagged)


def answer(subject: Subject) -> Registry:
    return subject.snapshot.registry.get(subject.image, Registry("unknown", reason="not asked"))


def unanswered(subject: Subject) -> str | None:
    found = answer(subject)
    return f"cannot tell what the registry has: {found.reason}" if found.state == "unknown" else None


def nearly_full(subject: Subject) -> list[str]:
    return [
        one.path
        for one in subject.snapshot.disks
        if one.free_bytes < LOW * one.size_bytes or (one.inodes and (one.free_inodes or 0) < LOW * one.inodes)
    ]


def released(subject: Subject) -> bool:
    """Whether the newest release is what runs, where anything does."""
    release = subject.release
    return release is not None and runs_nothing_but(subject, release.image)


def pending(subject: Subject) -> str | None:
    found = subject.answer
    if found is None or found.state != "pending":
        return None
    count = len(found.names) or "some"
    return f"{count} migration{'s' * (count != 1)} pending in the image that up would start"


def names(subject: Subject) -> str:
    return "\n".join(subject.answer.names) if subject.answer else ""


def failed(subject: Subject) -> str | None:
    """What a failed migration is told as, unless a person has put the database in order since."""
    one = subject.failed
    if one is None or (subject.answer and subject.answer.state == "clean"):
        return None
    when, who = one.time[:16].replace("T", " "), f" by {one.user}@{one.machine}" if one.user else ""
    return f"its last migration failed, {when} UTC, of {short(one.image)}{who} ({one.reason})"


def output(subject: Subject) -> str:
    """The end of what a failed migration said, and where the whole of it is."""
    one = subject.failed
    if one is None:
        return ""
    return "\n".join((*one.evidence, f"all of it: {subject.settings.directory.rstrip('/')}/{one.output} on the host"))


def remedy(subject: Subject) -> str:
    return of_reason(subject.failed.reason if subject.failed else None).fix


def of_fleet(subject: Subject) -> str:
    """The command for all hosts of a fleet whose migration is not over."""
    return guard.of_fleet(subject.typed, subject.snapshot).fab("deploy").replace("{", "{{").replace("}", "}}")


of_answer = partial(step, line="migrations", error=GuardError)

CONDITIONS = (
    step("disk-tenth-free", those(nearly_full, "little is free in {}"), line="disk"),
    step("helper-well", lambda it: it.snapshot.helper_error or None, line="helper"),
    step(
        "health-known",
        when(lambda it: it.container and it.container.health == "starting", "its health check has not passed yet"),
        "container-works",
        fix="{fab:logs}",
        line="container",
        error=VerifyError,
    ),
    step(
        "never-restarted",
        when(lambda it: it.container and it.container.restarts, "it was restarted"),
        "container-works",
        line="container",
    ),
    step("image-released", unreleased, "daemon-down", fix="{fab:deploy}", line="image", error=VerifyError),
    step("image-of-tag", unless(of_tag, "the tag means another image"), line="image"),
    step("release-runs", unless(released, "the last release is not what runs"), line="release"),
    step("registry-known", unanswered, fix="{fab:ecr.check}", line="registry", error=NotReadyError),
    step("registry-not-newer", when(lambda it: answer(it).state == "newer", "newer in the registry"), line="registry"),
    step(
        "migration-succeeded",
        failed,
        *ASKED,
        fix=remedy,
        evidence=output,
        line="migrations",
        error=MigrationError,
    ),
    of_answer(
        "fleet-migrated",
        when(lambda it: it.snapshot.under_migration, "a migration began and is not known to be over"),
        fix=of_fleet,
    ),
    of_answer("migrations-done", pending, *ASKED, fix="{fab:deploy}", evidence=names),
    of_answer(
        "migrations-known",
        unless(lambda it: it.unknown is None, "cannot tell whether migrations are pending"),
        *ASKED,
        fix="correct what it says, then: {fab:pending}",
        evidence=lambda it: it.unknown or "",
    ),
)
