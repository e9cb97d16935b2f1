"""Checks of the way into the registry: the keys, the region, and the proof."""

from __future__ import annotations

import re

from galos_ops.config.settings import REGISTRY
from galos_ops.diagnostics import mending, needs
from galos_ops.diagnostics.condition import Check
from galos_ops.diagnostics.examined import Examined
from galos_ops.diagnostics.needs import parsed, unreadable
from galos_ops.provisioning import ini
from galos_ops.provisioning.ecr import CONFIG, CREDENTIALS, FAILURE, SESSION_KEYS

KEYS = {"aws_access_key_id", "aws_secret_access_key"}
REFUSED_KEYS = re.compile(
    r"UnrecognizedClient\w*|InvalidClientTokenId|InvalidAccessKeyId|ExpiredToken\w*|SignatureDoesNotMatch|"
    r"InvalidSignature\w*(?!.*Signature (?:expired|not yet current))"
)


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
        "aws-file-malformed",
        f"a {CREDENTIALS} or {CONFIG} that is not INI",
        "The helper cannot read the keys, and nothing can be merged into the file.",
        "repair the file on {host}, then: {fab:setup}",
        lambda seen: unreadable(seen, CREDENTIALS) or unreadable(seen, CONFIG),
    ),
    Check(
        "keys-missing",
        f"no access key in [default] of {CREDENTIALS}, where galos.ecr.credentials is file",
        "Without keys the helper gets no login: credentials not found in native keychain.",
        "{fab:ecr.credentials}",
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
        "{fab:ecr.credentials}",
        session,
        needs=(parsed(CREDENTIALS),),
        mend=mending.KEYS,
    ),
    Check(
        "keys-readable",
        f"a {CREDENTIALS} that group or others may read or write",
        "Every account on the host can take the keys.",
        f"{{ssh:chmod 600 {CREDENTIALS}}}",
        keys_readable,
        mend=mending.PRIVATE_KEYS,
    ),
    Check(
        "keys-revoked",
        "keys that AWS refuses, in the helper's own log",
        "The helper only says credentials not found; an old token may still work, for hours.",
        "store new keys with aws configure, then: {fab:ecr.credentials}",
        keys_revoked,
        needs=(needs.engine, keys_tried),
        mend=mending.KEYS,
    ),
    Check(
        "region-missing",
        f"no region in [default] of {CONFIG}",
        "The helper takes it from the registry's name; the aws command on the host has none to go by.",
        "{fab:ecr.region}",
        lambda seen: None if regions(seen) else f"{CONFIG} has no region",
        "warning",
        needs=(parsed(CONFIG),),
        mend=mending.REGION,
    ),
    Check(
        "region-differs",
        f"another region in [default] of {CONFIG} than galos.ecr.region",
        "The aws command on the host looks for the repository where it is not.",
        "{fab:ecr.region}",
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
        "see what Docker and the helper say: {fab:ecr.check}",
        lambda seen: seen.refusal.sentence if seen.refusal else None,
        needs=(needs.engine,),
    ),
)
