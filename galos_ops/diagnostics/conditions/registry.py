"""Conditions of the way into the registry: the credential helper, and Docker's configuration of it."""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from galos_ops.diagnostics.condition import Condition, Subject, malformed, unless
from galos_ops.provisioning.docker_config import with_helpers
from galos_ops.provisioning.ecr import DOCKER_CONFIG

STORE = "ecr-login"


def docker_config(subject: Subject) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads((subject.text(DOCKER_CONFIG) or "").strip() or "{}")
    return tree


def helpers(subject: Subject) -> dict[str, Any]:
    return docker_config(subject).get("credHelpers") or {}


def named(subject: Subject) -> list[str]:
    """The keys of `credHelpers` that are for the registry's repositories, which Docker never looks up."""
    return [key for key in helpers(subject) if key.startswith(f"{subject.settings.ecr.registry}/")]


def unnamed(subject: Subject) -> str | None:
    known = helpers(subject).get(subject.settings.ecr.registry)
    if known == STORE or (known is None and named(subject)):
        return None
    return f"the registry's helper is {known}" if known else "no helper is named for the registry"


def repository_only(subject: Subject) -> str | None:
    if subject.settings.ecr.registry in helpers(subject) or not named(subject):
        return None
    return f"only {named(subject)[0].removeprefix(subject.settings.ecr.registry)} is named, not the registry itself"


def store(subject: Subject) -> str | None:
    name = docker_config(subject).get("credsStore")
    if name == STORE:
        return f"credsStore is {STORE} for every registry"
    return (
        f"credsStore is {name}, whose helper is not on the PATH"
        if name and name not in subject.snapshot.stores
        else None
    )


def stale(subject: Subject) -> str | None:
    auths = docker_config(subject).get("auths")
    for key, row in auths.items() if isinstance(auths, dict) else ():
        host = urlsplit(key if "://" in key else f"//{key}").netloc
        if host == subject.settings.ecr.registry and isinstance(row, dict) and any(row.values()):
            return "auths holds a token for the registry"
    return None


of_config = partial(Condition, after=("docker-config-malformed",))
of_helper = partial(of_config, repair="ecr.docker-config")

CONDITIONS = (
    Condition(
        "helper-missing",
        "Docker then asks the registry without a login: no basic auth credentials.",
        "{fab:ecr.helper}",
        unless(lambda it: STORE in it.snapshot.stores, "docker-credential-ecr-login is not on the PATH"),
        line="helper",
        repair="ecr.helper",
    ),
    Condition(
        "docker-config-malformed",
        "Docker ignores it with a warning, and with it the helper and every login.",
        f"repair {DOCKER_CONFIG} on {{host}}, then: {{fab:ecr.docker-config}}",
        lambda it: malformed(it, DOCKER_CONFIG, lambda text: with_helpers(text, {}, name=DOCKER_CONFIG)),
        sentence=f"{DOCKER_CONFIG} cannot be read",
    ),
    of_helper(
        "cred-helper-missing", "Docker does not know whom to ask for a login.", "{fab:ecr.docker-config}", unnamed
    ),
    of_helper(
        "cred-helper-repository-only",
        "Docker looks up the registry's host name alone, so such an entry never matches.",
        "{fab:ecr.docker-config}",
        repository_only,
    ),
    of_config(
        "creds-store",
        "It is asked for every registry: docker login elsewhere fails, and other clients ignore auths.",
        f"remove credsStore from {DOCKER_CONFIG} on {{host}}, then docker login to other registries again",
        store,
        severity="warning",
    ),
    of_config(
        "stale-auth",
        "It lasts 12 hours; a client that does not ask the helper is refused after that.",
        "{ssh:docker logout {registry}}",
        stale,
        severity="warning",
    ),
)
