"""Checks of the way into the registry: the helper, Docker's configuration, the keys, the region, the proof."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from galos_ops import ini
from galos_ops.docker_config import with_helpers
from galos_ops.doctor import mending, needs
from galos_ops.doctor.check import Check
from galos_ops.doctor.examined import Examined
from galos_ops.ecr import CONFIG, CREDENTIALS, DOCKER_CONFIG, FAILURE, SESSION_KEYS
from galos_ops.errors import NotReadyError
from galos_ops.settings import REGISTRY

STORE = "ecr-login"
KEYS = {"aws_access_key_id", "aws_secret_access_key"}
REFUSED_KEYS = re.compile(
    r"UnrecognizedClient\w*|InvalidClientTokenId|InvalidAccessKeyId|ExpiredToken\w*|SignatureDoesNotMatch|"
    r"InvalidSignature\w*(?!.*Signature (?:expired|not yet current))"
)


def unreadable(seen: Examined, path: str) -> str | None:
    """Why nothing can be merged into a file of Docker's or AWS's, in a few words."""
    if path in seen.unreadable:
        return f"{path}: {seen.unreadable[path]}"
    try:
        if path == DOCKER_CONFIG:
            with_helpers(seen.texts.get(path), {}, name=path)
        else:
            ini.keys(seen.texts.get(path), name=path)
    except NotReadyError as error:
        return f"{path}: {error.evidence}"
    return None


def parsed(path: str) -> needs.Need:
    return lambda seen: f"{path} cannot be read" if unreadable(seen, path) else ""


def docker_config(seen: Examined) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(seen.texts.get(DOCKER_CONFIG, "").strip() or "{}")
    return tree


def helpers(seen: Examined) -> dict[str, Any]:
    return docker_config(seen).get("credHelpers") or {}


def named(seen: Examined) -> list[str]:
    """The keys of `credHelpers` that are for the registry's repositories, which Docker never looks up."""
    return [key for key in helpers(seen) if key.startswith(f"{seen.settings.ecr.registry}/")]


def unnamed(seen: Examined) -> str | None:
    known = helpers(seen).get(seen.settings.ecr.registry)
    if known == STORE or (known is None and named(seen)):
        return None
    return f"the registry's helper is {known}" if known else "no helper is named for the registry"


def repository_only(seen: Examined) -> str | None:
    if seen.settings.ecr.registry in helpers(seen) or not named(seen):
        return None
    return f"only {named(seen)[0].rpartition('amazonaws.com')[2]} is named, not the registry itself"


def store(seen: Examined) -> str | None:
    name = docker_config(seen).get("credsStore")
    if name == STORE:
        return f"credsStore is {STORE} for every registry"
    return f"credsStore is {name}, whose helper is not on the PATH" if name and name not in seen.stores else None


def stale(seen: Examined) -> str | None:
    auths = docker_config(seen).get("auths")
    for key, row in auths.items() if isinstance(auths, dict) else ():
        host = urlsplit(key if "://" in key else f"//{key}").netloc
        if host == seen.settings.ecr.registry and isinstance(row, dict) and any(row.values()):
            return "auths holds a token for the registry"
    return None


def default_keys(seen: Examined) -> set[str]:
    return ini.keys(seen.texts.get(CREDENTIALS), name=CREDENTIALS)


def keys_missing(seen: Examined) -> str | None:
    if seen.settings.ecr.credentials == "instance":
        return None
    missing = sorted(KEYS - default_keys(seen))
    return f"[default] has no {', no '.join(missing)}" if missing else None


def keys_over_role(seen: Examined) -> str | None:
    if seen.settings.ecr.credentials == "instance" and default_keys(seen) & KEYS:
        return f"{CREDENTIALS} has keys"
    return None


def session(seen: Examined) -> str | None:
    found = sorted(default_keys(seen) & set(SESSION_KEYS))
    return f"[default] has {', '.join(found)}" if found else None


def keys_readable(seen: Examined) -> str | None:
    mode = seen.modes.get(CREDENTIALS, 0)
    return f"{CREDENTIALS} is {mode:04o}" if mode & 0o077 else None


def regions(seen: Examined) -> bool:
    text = seen.texts.get(CONFIG)
    return any("region" in ini.keys(text, name=CONFIG, section=name) for name in ("default", "profile default"))


def region_differs(seen: Examined) -> str | None:
    text, region = seen.texts.get(CONFIG), seen.settings.ecr.region
    if not regions(seen):
        return None
    sections = ("default", "profile default")
    same = ini.merged(text, {"region": region}, name=CONFIG, sections=sections) == text
    return None if same else f"{CONFIG} has another region than {region}"


def registry_region(seen: Examined) -> str | None:
    match = REGISTRY.match(seen.settings.ecr.registry)
    theirs = match["region"] if match else ""
    return None if theirs == seen.settings.ecr.region else f"the registry is in {theirs}"


def failure(seen: Examined) -> str:
    """The helper's own log line about the registry's refusal."""
    lines = seen.refusal.evidence.splitlines() if seen.refusal else []
    return next((line for line in lines if re.search(FAILURE, line)), "")


def keys_revoked(seen: Examined) -> str | None:
    match = REFUSED_KEYS.search(failure(seen))
    return f"AWS refuses the host's keys: {match[0]}" if match else None


def keys_tried(seen: Examined) -> str:
    tried = seen.refusal is None or REFUSED_KEYS.search(failure(seen))
    return "" if tried else "the registry refused before the keys were tried"


CHECKS = (
    Check(
        "helper-missing",
        "no docker-credential-ecr-login on the PATH of the user",
        "Docker then asks the registry without a login: no basic auth credentials.",
        "fab -H {host} ecr.helper",
        lambda seen: None if STORE in seen.stores else "docker-credential-ecr-login is not on the PATH",
        mend=mending.HELPER,
    ),
    Check(
        "docker-config-malformed",
        f"a {DOCKER_CONFIG} that is not a JSON object, or sets a key twice",
        "Docker ignores it with a warning, and with it the helper and every login.",
        f"repair {DOCKER_CONFIG} on {{host}}, then: fab -H {{host}} ecr.docker-config",
        lambda seen: unreadable(seen, DOCKER_CONFIG),
    ),
    Check(
        "cred-helper-missing",
        "no credHelpers entry for the registry, or one that names another helper",
        "Docker does not know whom to ask for a login.",
        "fab -H {host} ecr.docker-config",
        unnamed,
        needs=(parsed(DOCKER_CONFIG),),
        mend=mending.DOCKER_CONFIG,
    ),
    Check(
        "cred-helper-repository-only",
        "credHelpers entries REGISTRY/REPOSITORY without one for the REGISTRY",
        "Docker looks up the registry's host name alone, so such an entry never matches.",
        "fab -H {host} ecr.docker-config",
        repository_only,
        needs=(parsed(DOCKER_CONFIG),),
        mend=mending.DOCKER_CONFIG,
    ),
    Check(
        "creds-store",
        "a credsStore that is ecr-login, or whose helper is not installed",
        "It is asked for every registry: docker login elsewhere fails, and other clients ignore auths.",
        f"remove credsStore from {DOCKER_CONFIG} on {{host}}, then docker login to other registries again",
        store,
        "warning",
        needs=(parsed(DOCKER_CONFIG),),
    ),
    Check(
        "stale-auth",
        "a token for the registry in auths, left by docker login",
        "It lasts 12 hours; a client that does not ask the helper is refused after that.",
        "ssh {host} docker logout {registry}",
        stale,
        "warning",
        needs=(parsed(DOCKER_CONFIG),),
    ),
    Check(
        "aws-file-malformed",
        f"a {CREDENTIALS} or {CONFIG} that is not INI",
        "The helper cannot read the keys, and nothing can be merged into the file.",
        "repair the file on {host}, then: fab -H {host} setup",
        lambda seen: unreadable(seen, CREDENTIALS) or unreadable(seen, CONFIG),
    ),
    Check(
        "keys-missing",
        f"no access key in [default] of {CREDENTIALS}, where galos.ecr.credentials is file",
        "Without keys the helper gets no login: credentials not found in native keychain.",
        "fab -H {host} ecr.credentials",
        keys_missing,
        needs=(parsed(CREDENTIALS),),
        mend=mending.KEYS,
    ),
    Check(
        "keys-over-role",
        f"keys in [default] of {CREDENTIALS}, where galos.ecr.credentials is instance",
        "They win over the instance's role, until they are revoked.",
        f"remove them from {CREDENTIALS} on {{host}}",
        keys_over_role,
        "warning",
        needs=(parsed(CREDENTIALS),),
    ),
    Check(
        "session-token",
        f"{' or '.join(SESSION_KEYS)} in [default] of {CREDENTIALS}",
        "Keys of a session expire within hours, and a leftover token spoils keys that do not.",
        "fab -H {host} ecr.credentials",
        session,
        needs=(parsed(CREDENTIALS),),
        mend=mending.KEYS,
    ),
    Check(
        "keys-readable",
        f"a {CREDENTIALS} that group or others may read or write",
        "Every account on the host can take the keys.",
        f"ssh {{host}} 'chmod 600 {CREDENTIALS}'",
        keys_readable,
        mend=mending.PRIVATE_KEYS,
    ),
    Check(
        "keys-revoked",
        "keys that AWS refuses, in the helper's own log",
        "The helper only says credentials not found; an old token may still work, for hours.",
        "store new keys with aws configure, then: fab -H {host} ecr.credentials",
        keys_revoked,
        needs=(needs.engine, keys_tried),
        mend=mending.KEYS,
    ),
    Check(
        "region-missing",
        f"no region in [default] of {CONFIG}",
        "The helper takes it from the registry's name; the aws command on the host has none to go by.",
        "fab -H {host} ecr.region",
        lambda seen: None if regions(seen) else f"{CONFIG} has no region",
        "warning",
        needs=(parsed(CONFIG),),
        mend=mending.REGION,
    ),
    Check(
        "region-differs",
        f"another region in [default] of {CONFIG} than galos.ecr.region",
        "The aws command on the host looks for the repository where it is not.",
        "fab -H {host} ecr.region",
        region_differs,
        "warning",
        needs=(parsed(CONFIG),),
        mend=mending.REGION,
    ),
    Check(
        "registry-region",
        "a galos.ecr.region that is not the one in the registry's name",
        "ecr.credentials and ecr.images ask a region that does not have the repository.",
        "correct galos.ecr.region in fabfile.yml",
        registry_region,
    ),
    Check(
        "registry-refuses",
        "a registry that does not let the host in, or only by an old token",
        "The next pull fails, or will within hours.",
        "fab -H {host} ecr.check, which shows what Docker and the helper say",
        lambda seen: seen.refusal.sentence if seen.refusal else None,
        needs=(needs.engine,),
    ),
)
