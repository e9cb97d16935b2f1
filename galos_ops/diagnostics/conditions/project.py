"""Checks of the project: its directory, its compose file, its database, the log of its releases."""

from __future__ import annotations

import re

from galos_ops.diagnostics import mending, needs
from galos_ops.diagnostics.condition import Check
from galos_ops.diagnostics.examined import Examined
from galos_ops.host import release_log as releases

QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|' + r"'(?:\\.|[^'\\])*'|`[^`]*`")
DATABASE = re.compile(
    r"refused|failed to lookup|could not translate|name or service not known|no such host|unknown host|timed? ?out|"
    r"unreachable|no route|could not connect|can't connect|connection reset|"
    r"authentication failed|access denied for user|no pg_hba|database .* does not exist|unknown database|"
    r"too many connections|too many clients|starting up|shutting down",
    re.IGNORECASE,
)


def malformed(seen: Examined) -> str | None:
    """The first line that docker-compose says, without what it quotes: that may be a value."""
    if seen.facts.config:
        return None
    first = next((line for line in seen.facts.config_error.splitlines() if line.strip()), "")
    return f"docker-compose says: {QUOTED.sub('...', first).strip()}"


def absent(seen: Examined) -> str | None:
    """The service, or the one whose image migrates it."""
    carrier = seen.settings.services[seen.service].migration.service
    missing = [name for name in dict.fromkeys((seen.service, carrier)) if name not in seen.facts.rows()]
    return f"{seen.facts.compose_file} has no service {', '.join(missing)}" if missing else None


def other_image(seen: Examined) -> str | None:
    started = seen.facts.services()[seen.service]
    return None if started == seen.image else f"it starts {started or 'no image'}, not {seen.image}"


def _line(seen: Examined, database: bool) -> str | None:
    """The line of an unknown answer about the database, or the last line of one that is about something else."""
    answer = seen.answers.get(seen.service)
    if answer is None or answer.state != "unknown":
        return None
    lines = [line.strip() for line in answer.evidence.splitlines() if line.strip()]
    about = [line for line in lines if DATABASE.search(line)]
    if bool(about) != database:
        return None
    return next(iter(about or lines[-1:]), "the check said nothing")


def cut_lines(seen: Examined) -> str | None:
    count = releases.parse(seen.texts.get(seen.log)).unreadable
    return f"{count} line{'s' * (count != 1)} cannot be read" if count else None


CHECKS = (
    Check(
        "directory-missing",
        "no galos.directory on the host",
        "There is nothing to deploy into.",
        "correct galos.directory, or: {fab:setup}",
        lambda seen: needs.directory(seen) or None,
    ),
    Check(
        "directory-read-only",
        "a project's directory where the user may not write",
        "The lock and the release log are kept there, so nothing can be deployed.",
        "give the directory to the user who deploys, and look for a read-only file system: {ssh:mount}",
        lambda seen: None if seen.writable else f"{seen.settings.directory} cannot be written to",
        needs=(needs.directory,),
    ),
    Check(
        "compose-file-missing",
        "no compose file in the project's directory",
        "docker-compose has nothing to start.",
        "{fab:setup}",
        lambda seen: None if seen.facts.compose_file else f"none in {seen.settings.directory}",
        needs=(needs.directory,),
        mend=mending.COMPOSE_FILE,
    ),
    Check(
        "compose-file-malformed",
        "a compose file, or a .env, that docker-compose cannot read",
        "Every docker-compose command in the directory fails.",
        "correct it on {host} until docker-compose config -q says nothing",
        malformed,
        needs=(needs.compose_file,),
    ),
    Check(
        "service-missing",
        "a compose file without a service that galos.services names",
        "Nothing of that name can be pulled or started.",
        "make the compose file on {host} and galos.services agree",
        absent,
        needs=(needs.config,),
        each=True,
    ),
    Check(
        "image-not-configured",
        "a compose file that starts another image or tag than galos.services says",
        "What is checked and pulled would not be what starts; deploy refuses.",
        "make the compose file on {host} and galos.services agree",
        other_image,
        needs=(needs.listed,),
        each=True,
    ),
    Check(
        "database-unreachable",
        "a database that cannot be reached, or lets nobody in, from a container of the service",
        "The service dies or waits, and no deploy can tell whether migrations are pending.",
        "check DATABASE_URL and the network, then: {fab:pending}",
        lambda seen: _line(seen, database=True),
        needs=(needs.check_asked,),
        each=True,
    ),
    Check(
        "check-broken",
        "a check for pending migrations that answers neither none nor some",
        "Nothing is deployed while that is unknown.",
        "correct galos.services.*.migration, and see all that the check says: {fab:pending}",
        lambda seen: _line(seen, database=False),
        needs=(needs.check_asked,),
        each=True,
    ),
    Check(
        "releases-log-malformed",
        "lines of .galos-ops/releases.jsonl that are not a release",
        "history and rollback pass them over; a full disk cuts lines short.",
        "delete these lines on {host}",
        cut_lines,
        "warning",
        needs=(needs.log,),
    ),
)
