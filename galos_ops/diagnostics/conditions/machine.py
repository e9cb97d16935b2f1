"""Checks of the machine: the engine, docker-compose, the clock, the room that is left, the login shell."""

from __future__ import annotations

import re

from galos_ops.diagnostics import needs
from galos_ops.diagnostics.condition import Check
from galos_ops.diagnostics.examined import Examined

CLOCK_SECONDS = 60
LEAST = {"disk": 1_000_000, "inodes": 1_000}
OLDEST_ENGINE = (20, 10)
OLDEST_COMPOSE = (2, 6)  # the first with `up --pull never`
OVERRIDES = re.compile(r"(AWS_|DOCKER_(HOST|CONTEXT|CONFIG|TLS)|COMPOSE_)\w*")


def docker_group(seen: Examined) -> str | None:
    if "permission denied" not in seen.facts.engine_error:
        return None
    if "docker" in seen.groups:
        return f"{seen.user} is in the group docker, and the engine refuses all the same"
    return f"{seen.user} is not in the group docker"


def old_engine(seen: Examined) -> str | None:
    version = tuple(int(part) for part in re.findall(r"\d+", seen.facts.engine)[:2])
    return f"the engine is {seen.facts.engine}" if version < OLDEST_ENGINE else None


def old_compose(seen: Examined) -> str | None:
    flavour = seen.facts.flavour
    return f"it is {flavour}" if flavour and flavour.version < OLDEST_COMPOSE else None


def clock(seen: Examined) -> str | None:
    if abs(seen.clock) <= CLOCK_SECONDS:
        return None
    way = "ahead of" if seen.clock > 0 else "behind"
    return f"the host is {abs(seen.clock)} s {way} this machine"


def disk(seen: Examined) -> str | None:
    low = [room for room in seen.rooms if room.kind == "disk" and room.left < LEAST["disk"]]
    return ", ".join(f"{room.mount} has {room.left / 1_000:.0f} MB left" for room in low) or None


def inodes(seen: Examined) -> str | None:
    low = [room for room in seen.rooms if room.kind == "inodes" and room.left < LEAST["inodes"]]
    return ", ".join(f"{room.mount} has {room.left} inodes left" for room in low) or None


def measured(seen: Examined) -> str:
    return "" if seen.rooms else "the host tells nothing of its file systems"


def overrides(seen: Examined) -> str | None:
    names = sorted(name for name in seen.exported if OVERRIDES.fullmatch(name))
    return f"the login shell sets {', '.join(names)}" if names else None


CHECKS = (
    Check(
        "docker-missing",
        "no docker command on the host",
        "The service is a container, and nothing here installs Docker.",
        "install Docker on {host}",
        lambda seen: needs.docker(seen) or None,
    ),
    Check(
        "user-not-in-docker-group",
        "a user whom the engine's socket refuses",
        "Every docker and docker-compose command of that user fails with permission denied.",
        "let the user use it, then connect again: {ssh:sudo usermod -aG docker $USER}",
        docker_group,
        needs=(needs.docker,),
    ),
    Check(
        "daemon-down",
        "a Docker engine that does not answer",
        "Without it nothing is pulled, started or stopped, and what ran may be down.",
        "{ssh:sudo systemctl start docker}",
        lambda seen: None if seen.facts.engine else "the engine does not answer",
        needs=(needs.allowed,),
    ),
    Check(
        "daemon-old",
        "an engine older than 20.10",
        "These tasks are tested with 20.10 and later.",
        "update Docker on {host}",
        old_engine,
        "warning",
        needs=(needs.engine,),
    ),
    Check(
        "compose-missing",
        "neither docker-compose nor the docker compose plugin",
        "Every step of a deploy is a docker-compose command.",
        "install docker-compose on {host}: the package docker-compose or docker-compose-plugin",
        lambda seen: needs.compose(seen) or None,
    ),
    Check(
        "compose-old",
        "docker-compose v1, or v2 before 2.6",
        "v1 gets no corrections any more; neither has up --pull never, so an image that is missing is fetched unasked.",
        "update docker-compose on {host} to 2.6 or later",
        old_compose,
        "warning",
        needs=(needs.compose,),
    ),
    Check(
        "shell-overrides",
        "AWS_*, DOCKER_* or COMPOSE_* variables in the login shell",
        "They win over ~/.aws, ~/.docker and the project's directory: other keys, another engine, another project.",
        "remove them on {host} from ~/.bashrc, ~/.profile, /etc/environment",
        overrides,
        "warning",
    ),
    Check(
        "clock-off",
        f"a clock more than {CLOCK_SECONDS} s away from that of the machine where fab runs",
        "AWS refuses requests whose time is 5 minutes off, and TLS and the release log need the time too.",
        "compare with this machine, either may be wrong: {ssh:timedatectl status}",
        clock,
        "warning",
    ),
    Check(
        "disk-low",
        "less than 1 GB left for the engine or in the project's directory",
        "A pull, the database client or the log of a container stops in the middle.",
        "{ssh:docker system df}, then: {ssh:docker image prune}",
        disk,
        needs=(measured,),
    ),
    Check(
        "inodes-low",
        f"fewer than {LEAST['inodes']} inodes left for the engine or in the project's directory",
        "A pull fails with no space left on device while df shows space: layers are many small files.",
        "{ssh:df -i}, then: {ssh:docker image prune}",
        inodes,
        needs=(measured,),
    ),
)
