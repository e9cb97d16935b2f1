"""Conditions of the service's .env on the host; findings hold names and line numbers, never a value."""

from __future__ import annotations

from functools import partial

from galos_ops.diagnostics.condition import Condition, Find, Subject, exposed, step, those, unless
from galos_ops.provisioning.dotenv_rules import DATABASE_URL, Kind, problems
from galos_ops.provisioning.dotenv_text import BOM, assignments

PUSH = "correct the local .env, then: {fab:env.push}"
SHOWN = 3


def variables(subject: Subject) -> str:
    """The text of .env, with plain line ends."""
    return (subject.text(subject.env) or "").removeprefix(BOM).replace("\r\n", "\n")


def found(kind: Kind) -> Find:
    """The problems of one kind, the first few of them."""

    def find(subject: Subject) -> str | None:
        messages = [str(problem) for problem in problems(variables(subject)) if problem.kind == kind]
        more = [f"{len(messages) - SHOWN} more"] if len(messages) > SHOWN else []
        return "; ".join([*messages[:SHOWN], *more]) or None

    return find


def unreadable(subject: Subject) -> str | None:
    reasons = subject.snapshot.unreadable
    return next((f"{path}: {reasons[path]}" for path in (subject.env, subject.log) if path in reasons), None)


def shadowed(subject: Subject) -> list[str]:
    """Names that the login shell sets too, unless docker-compose gives the service the value of .env all the same."""
    ours, theirs = assignments(variables(subject)), subject.snapshot.given(subject.service)
    return sorted(name for name in subject.snapshot.exported & ours.keys() if theirs.get(name) != ours[name].value)


def commands_on_host(subject: Subject) -> bool:
    """Whether a backup or a migration gets .env from a shell of the host."""
    migrations = [service.migration for service in subject.settings.services.values()]
    return any(one.backup or one.where == "host" for one in migrations)


of_env = partial(Condition, after=("env-missing",))

CONDITIONS = (
    step(
        "env-opened",
        those(lambda it: {it.env} & it.snapshot.unreadable.keys(), "{} cannot be read"),
        "directory-missing",
    ),
    Condition(
        "env-missing",
        "The service starts without DATABASE_URL, or docker-compose refuses to start it.",
        "{fab:env.push}",
        lambda it: None if it.env in it.snapshot.texts else f"there is no {it.env}",
        after=("env-opened",),
    ),
    Condition(
        "env-unreadable",
        "docker-compose reads it as the user who types the command, and nothing can be merged into it.",
        "make it a UTF-8 file of the user who deploys, on {host}",
        unreadable,
        after=("directory-missing",),
    ),
    Condition(
        "env-readable",
        "It holds the database's password.",
        "{ssh:chmod 600 {env}}",
        lambda it: exposed(it, it.env),
        after=("directory-missing",),
        repair="private .env",
    ),
    of_env(
        "env-malformed",
        "docker-compose refuses the whole file, or reads something else.",
        "remove a stray line on the host; " + PUSH,
        found("malformed"),
    ),
    of_env("env-placeholders", "The service looks for a host of that name.", PUSH, found("placeholder")),
    of_env(
        "env-duplicate-keys",
        "The last one counts, and the one that a person reads first does nothing.",
        "remove one of the lines on {host}",
        found("duplicate"),
    ),
    of_env("env-dollar", "docker-compose v2 expands it and v1 does not: pa$w0rd becomes pa.", PUSH, found("dollar")),
    of_env(
        "env-unportable",
        "The service gets another value when docker-compose is updated.",
        PUSH,
        found("flavour"),
        severity="warning",
    ),
    of_env(
        "env-unexportable",
        "migration.backup, and a migration with where: host, run without it.",
        "give it a name of letters, digits and _, or read it from .env in the command",
        lambda it: found("name")(it) if commands_on_host(it) else None,
        severity="warning",
    ),
    Condition(
        "env-shadowed",
        "docker-compose prefers the shell's value, and a deploy may migrate another database.",
        "remove it on {host} from ~/.bashrc, ~/.profile, /etc/environment",
        those(shadowed, "the login shell sets {} too"),
        after=("env-missing", "service-listed"),
        each=True,
    ),
    of_env("database-url-missing", "The service and its migrations have no database to go to.", PUSH, found("no url")),
    of_env("database-url-unparsable", "The service connects to another host or not at all.", PUSH, found("bad url")),
    Condition(
        "compose-file-without-env",
        "docker-compose reads .env for itself only; the container gets what env_file or environment names.",
        "add env_file: .env to the service in the compose file on {host}, then: {fab:up}",
        unless(
            lambda it: DATABASE_URL in it.snapshot.given(it.service), f"{DATABASE_URL} does not reach the container"
        ),
        after=("service-listed",),
        each=True,
    ),
)
