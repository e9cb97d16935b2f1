"""Checks of the way into the registry: the credential helper, and Docker's configuration of it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from galos_ops.diagnostics import mending
from galos_ops.diagnostics.condition import Check
from galos_ops.diagnostics.examined import Examined
from galos_ops.diagnostics.needs import parsed, unreadable
from galos_ops.provisioning.ecr import DOCKER_CONFIG

STORE = "ecr-login"


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


CHECKS = (
    Check(
        "helper-missing",
        "no docker-credential-ecr-login on the PATH of the user",
        "Docker then asks the registry without a login: no basic auth credentials.",
        "{fab:ecr.helper}",
        lambda seen: None if STORE in seen.stores else "docker-credential-ecr-login is not on the PATH",
        mend=mending.HELPER,
    ),
    Check(
        "docker-config-malformed",
        f"a {DOCKER_CONFIG} that is not a JSON object, or sets a key twice",
        "Docker ignores it with a warning, and with it the helper and every login.",
        f"repair {DOCKER_CONFIG} on {{host}}, then: {{fab:ecr.docker-config}}",
        lambda seen: unreadable(seen, DOCKER_CONFIG),
    ),
    Check(
        "cred-helper-missing",
        "no credHelpers entry for the registry, or one that names another helper",
        "Docker does not know whom to ask for a login.",
        "{fab:ecr.docker-config}",
        unnamed,
        needs=(parsed(DOCKER_CONFIG),),
        mend=mending.DOCKER_CONFIG,
    ),
    Check(
        "cred-helper-repository-only",
        "credHelpers entries REGISTRY/REPOSITORY without one for the REGISTRY",
        "Docker looks up the registry's host name alone, so such an entry never matches.",
        "{fab:ecr.docker-config}",
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
        "{ssh:docker logout {registry}}",
        stale,
        "warning",
        needs=(parsed(DOCKER_CONFIG),),
    ),
)
