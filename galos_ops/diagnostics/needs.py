"""What must be there before a check can know anything: each gives the reason why not, empty when it can."""

from __future__ import annotations

import re
from collections.abc import Callable

from galos_ops.diagnostics.examined import Examined
from galos_ops.errors import NotReadyError
from galos_ops.provisioning import ini
from galos_ops.provisioning.docker_config import with_helpers
from galos_ops.provisioning.ecr import DOCKER_CONFIG

Need = Callable[[Examined], str]


def docker(seen: Examined) -> str:
    return "docker is not installed" if re.search(r"docker:.*not found", seen.facts.engine_error) else ""


def allowed(seen: Examined) -> str:
    return docker(seen) or ("the user may not use the engine" if "permission denied" in seen.facts.engine_error else "")


def engine(seen: Examined) -> str:
    return allowed(seen) or ("" if seen.facts.engine else "the engine does not answer")


def directory(seen: Examined) -> str:
    return "" if seen.facts.directories else "the directory is not there"


def compose(seen: Examined) -> str:
    return "" if seen.facts.flavour else "docker-compose is not installed"


def compose_file(seen: Examined) -> str:
    return compose(seen) or directory(seen) or ("" if seen.facts.compose_file else "there is no compose file")


def config(seen: Examined) -> str:
    return compose_file(seen) or ("" if seen.facts.config else "docker-compose cannot read its files")


def listed(seen: Examined) -> str:
    return config(seen) or ("" if seen.service in seen.facts.rows() else "the compose file does not have the service")


def containers(seen: Examined) -> str:
    """Whose project a container is, is told by the directory."""
    return engine(seen) or directory(seen)


def container(seen: Examined) -> str:
    return containers(seen) or ("" if seen.container else "there is no container")


def running(seen: Examined) -> str:
    return container(seen) or ("" if seen.container and seen.container.alive else "the container does not run")


def nobody_deploys(seen: Examined) -> str:
    """What a deploy has under way is no fault, and a container of ours would be in its way."""
    one = seen.facts.named(f"{seen.service}-migration")
    return containers(seen) or (
        "another task holds the host" if seen.held else "a migration runs" if one and one.alive else ""
    )


def readable(path: str) -> Need:
    """The file can be read, or is not there."""
    return lambda seen: f"{path} cannot be read" if path in seen.unreadable else ""


def env(seen: Examined) -> str:
    return directory(seen) or readable(seen.env)(seen) or ("" if seen.env in seen.texts else "there is no .env")


def log(seen: Examined) -> str:
    return directory(seen) or readable(seen.log)(seen)


def check_asked(seen: Examined) -> str:
    return nobody_deploys(seen) or listed(seen) or seen.not_asked.get(seen.service, "")


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


def parsed(path: str) -> Need:
    return lambda seen: f"{path} cannot be read" if unreadable(seen, path) else ""
