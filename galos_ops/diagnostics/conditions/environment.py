"""Checks of the service's .env on the host; findings hold names and line numbers, never a value."""

from __future__ import annotations

from collections.abc import Callable

from galos_ops.diagnostics import mending, needs
from galos_ops.diagnostics.condition import Check
from galos_ops.diagnostics.examined import Examined
from galos_ops.provisioning.dotenv_rules import DATABASE_URL, Kind, problems
from galos_ops.provisioning.dotenv_text import assignments

PUSH = "correct the local .env, then: {fab:env.push}"
SHOWN = 3


def found(kind: Kind) -> Callable[[Examined], str | None]:
    """The problems of one kind, the first few of them."""

    def find(seen: Examined) -> str | None:
        told = [str(problem) for problem in problems(seen.variables) if problem.kind == kind]
        more = [f"{len(told) - SHOWN} more"] if len(told) > SHOWN else []
        return "; ".join([*told[:SHOWN], *more]) or None

    return find


def readable(seen: Examined) -> str | None:
    mode = seen.modes.get(seen.env, 0)
    return f"{seen.env} is {mode:04o}" if mode & 0o077 else None


def shadowed(seen: Examined) -> str | None:
    """Names that the login shell sets too, unless docker-compose gives the service the value of .env all the same."""
    ours, theirs = assignments(seen.variables), seen.environment
    names = sorted(name for name in seen.exported & ours.keys() if theirs.get(name) != ours[name].value)
    return f"the login shell sets {', '.join(names)} too" if names else None


CHECKS = (
    Check(
        "env-missing",
        "no .env in the project's directory",
        "The service starts without DATABASE_URL, or docker-compose refuses to start it.",
        "{fab:env.push}",
        lambda seen: None if seen.env in seen.texts else f"there is no {seen.env}",
        needs=(needs.directory, lambda seen: needs.readable(seen.env)(seen)),
    ),
    Check(
        "env-unreadable",
        "a .env or a release log that the user cannot read, or that is not UTF-8 text",
        "docker-compose reads it as the user who types the command, and nothing can be merged into it.",
        "make it a UTF-8 file of the user who deploys, on {host}",
        lambda seen: next(
            (f"{path}: {seen.unreadable[path]}" for path in (seen.env, seen.log) if path in seen.unreadable), None
        ),
        needs=(needs.directory,),
    ),
    Check(
        "env-readable",
        "a .env that group or others may read or write",
        "It holds the database's password.",
        "{ssh:chmod 600 {env}}",
        readable,
        needs=(needs.directory,),
        mend=mending.PRIVATE_ENV,
    ),
    Check(
        "env-malformed",
        "lines of .env that are no NAME=value, control characters in values",
        "docker-compose refuses the whole file, or reads something else.",
        "remove a stray line on the host; " + PUSH,
        found("malformed"),
        needs=(needs.env,),
    ),
    Check(
        "env-placeholders",
        "values with <<...>> in them, as the runbook's example has",
        "The service looks for a host of that name.",
        PUSH,
        found("placeholder"),
        needs=(needs.env,),
    ),
    Check(
        "env-duplicate-keys",
        "a variable that .env sets twice",
        "The last one counts, and the one that a person reads first does nothing.",
        "remove one of the lines on {host}",
        found("duplicate"),
        needs=(needs.env,),
    ),
    Check(
        "env-dollar",
        "a $ outside of single quotes",
        "docker-compose v2 expands it and v1 does not: pa$w0rd becomes pa.",
        PUSH,
        found("dollar"),
        needs=(needs.env,),
    ),
    Check(
        "env-unportable",
        "other values that docker-compose v1 and v2 read in different ways",
        "The service gets another value when docker-compose is updated.",
        PUSH,
        found("flavour"),
        "warning",
        needs=(needs.env,),
    ),
    Check(
        "env-shadowed",
        "a variable of .env that the login shell sets too, where that changes what the service gets",
        "docker-compose prefers the shell's value, and a deploy may migrate another database.",
        "remove it on {host} from ~/.bashrc, ~/.profile, /etc/environment",
        shadowed,
        needs=(needs.env, needs.listed),
        each=True,
    ),
    Check(
        "database-url-missing",
        "a .env without DATABASE_URL",
        "The service and its migrations have no database to go to.",
        PUSH,
        found("no url"),
        needs=(needs.env,),
    ),
    Check(
        "database-url-unparsable",
        "a DATABASE_URL that is no database URL, or has characters that must be escaped",
        "The service connects to another host or not at all.",
        PUSH,
        found("bad url"),
        needs=(needs.env,),
    ),
    Check(
        "compose-file-without-env",
        "a compose file that does not give DATABASE_URL to the service",
        "docker-compose reads .env for itself only; the container gets what env_file or environment names.",
        "add env_file: .env to the service in the compose file on {host}, then: {fab:up}",
        lambda seen: None if DATABASE_URL in seen.environment else f"{DATABASE_URL} does not reach the container",
        needs=(needs.listed,),
        each=True,
    ),
)
