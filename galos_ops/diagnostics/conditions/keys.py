"""Conditions of the way into the registry: the keys, the region, and the proof."""

from __future__ import annotations

import re
from functools import partial

from galos_ops.config.settings import REGISTRY
from galos_ops.diagnostics.condition import (
    Condition,
    Find,
    Subject,
    exposed,
    malformed,
    step,
    those,
    unless,
    warning,
    when,
)
from galos_ops.engines.snapshot.registry import FAILURE
from galos_ops.provisioning import ini
from galos_ops.provisioning.ecr import CONFIG, CREDENTIALS, SESSION_KEYS

PARSED = {"keys-file-parsed": CREDENTIALS, "config-file-parsed": CONFIG}
KEYS = {"aws_access_key_id", "aws_secret_access_key"}
REFUSED_KEYS = re.compile(
    r"UnrecognizedClient\w*|InvalidClientTokenId|InvalidAccessKeyId|ExpiredToken\w*|SignatureDoesNotMatch|"
    r"InvalidSignature\w*(?!.*Signature (?:expired|not yet current))"
)


def default_keys(subject: Subject) -> set[str]:
    return ini.keys(subject.text(CREDENTIALS), name=CREDENTIALS)


def instance(subject: Subject) -> bool:
    return subject.settings.ecr.credentials == "instance"


def keys_missing(subject: Subject) -> list[str]:
    return [] if instance(subject) else [f"no {key}" for key in sorted(KEYS - default_keys(subject))]


def regions(subject: Subject) -> bool:
    text = subject.text(CONFIG)
    return any("region" in ini.keys(text, name=CONFIG, section=name) for name in ("default", "profile default"))


def region_differs(subject: Subject) -> str | None:
    text, region = subject.text(CONFIG), subject.settings.ecr.region
    if not regions(subject):
        return None
    sections = ("default", "profile default")
    same = ini.merged(text, {"region": region}, name=CONFIG, sections=sections) == text
    return None if same else f"{CONFIG} has another region than {region}"


def registry_region(subject: Subject) -> str | None:
    match = re.match(REGISTRY, subject.settings.ecr.registry)
    theirs = (match["region"] or match["dual"]) if match else ""
    return None if theirs == subject.settings.ecr.region else f"the registry is in {theirs}"


def failure(subject: Subject) -> str:
    """The helper's own log line about the registry's refusal."""
    lines = subject.refusal.evidence.splitlines() if subject.refusal else []
    return next((line for line in lines if re.search(FAILURE, line)), "")


def keys_revoked(subject: Subject) -> str | None:
    match = REFUSED_KEYS.search(failure(subject))
    return f"AWS refuses the host's keys: {match[0]}" if match else None


def unparsed(path: str) -> Find:
    """What is wrong with a file of AWS's, in a few words."""
    return lambda it: malformed(it, path, lambda text: ini.keys(text, name=path))


of_keys = partial(Condition, after=("keys-file-parsed",), repair="ecr.credentials")
of_region = partial(warning, after=("config-file-parsed",), repair="ecr.region")

CONDITIONS = (
    step(
        "keys-tried",
        unless(lambda it: it.refusal is None or keys_revoked(it), "the registry refused before the keys were tried"),
    ),
    *(step(name, unparsed(path), sentence=f"{path} cannot be read") for name, path in PARSED.items()),
    Condition(
        "aws-file-malformed",
        "The helper cannot read the keys, and nothing can be merged into the file.",
        "repair the file on {host}, then: {fab:setup}",
        lambda it: unparsed(CREDENTIALS)(it) or unparsed(CONFIG)(it),
    ),
    of_keys(
        "keys-missing",
        "Without keys the helper gets no login: credentials not found in native keychain.",
        "{fab:ecr.credentials}",
        those(keys_missing, "[default] has {}"),
    ),
    warning(
        "keys-over-role",
        "They win over the instance's role, until they are revoked.",
        f"remove them from {CREDENTIALS} on {{host}}",
        when(lambda it: instance(it) and default_keys(it) & KEYS, f"{CREDENTIALS} has keys"),
        after=("keys-file-parsed",),
    ),
    of_keys(
        "session-token",
        "Keys of a session expire within hours, and a leftover token spoils keys that do not.",
        "{fab:ecr.credentials}",
        those(lambda it: sorted(default_keys(it) & set(SESSION_KEYS)), "[default] has {}"),
    ),
    Condition(
        "keys-readable",
        "Every account on the host can take the keys.",
        f"{{ssh:chmod 600 {CREDENTIALS}}}",
        lambda it: exposed(it, CREDENTIALS),
        repair="private keys",
    ),
    of_keys(
        "keys-revoked",
        "The helper only says credentials not found; an old token may still work, for hours.",
        "store new keys with aws configure, then: {fab:ecr.credentials}",
        keys_revoked,
        after=("daemon-down", "keys-tried"),
    ),
    of_region(
        "region-missing",
        "The helper takes it from the registry's name; the aws command on the host has none to go by.",
        "{fab:ecr.region}",
        unless(regions, f"{CONFIG} has no region"),
    ),
    of_region(
        "region-differs",
        "The aws command on the host looks for the repository where it is not.",
        "{fab:ecr.region}",
        region_differs,
    ),
    Condition(
        "registry-region",
        "ecr.credentials and ecr.images ask a region that does not have the repository.",
        "correct galos.ecr.region in fabfile.yml",
        registry_region,
    ),
    Condition(
        "registry-refuses",
        "The next pull fails, or will within hours.",
        "see what Docker and the helper say: {fab:ecr.check}",
        lambda it: it.refusal.sentence if it.refusal else None,
        after=("daemon-down",),
    ),
)
