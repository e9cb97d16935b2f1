"""Conditions of the machine: the engine, docker-compose, the clock, its free space, the login shell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from galos_ops.diagnostics.condition import Condition, Subject, step, those, unless, warning, when

CLOCK_SECONDS = 60
LEAST_BYTES, LEAST_INODES = 1_000_000_000, 1_000
OLDEST_ENGINE = (20, 10)
OLDEST_COMPOSE = (2, 6)  # the first with `up --pull never`
OVERRIDES = re.compile(r"(AWS_|DOCKER_(HOST|CONTEXT|CONFIG|TLS)|COMPOSE_)\w*")


def docker_group(subject: Subject) -> str | None:
    if "permission denied" not in subject.snapshot.engine_error:
        return None
    if "docker" in subject.snapshot.groups:
        return f"{subject.snapshot.user} is in the group docker, and the engine refuses all the same"
    return f"{subject.snapshot.user} is not in the group docker"


def old_engine(subject: Subject) -> str | None:
    version = tuple(int(part) for part in re.findall(r"\d+", subject.snapshot.engine)[:2])
    return f"the engine is {subject.snapshot.engine}" if version < OLDEST_ENGINE else None


def old_compose(subject: Subject) -> str | None:
    flavour = subject.snapshot.flavour
    return f"it is {flavour}" if flavour and flavour.version < OLDEST_COMPOSE else None


def clock(subject: Subject) -> str | None:
    if abs(subject.snapshot.clock_difference) <= CLOCK_SECONDS:
        return None
    way = "ahead of" if subject.snapshot.clock_difference > 0 else "behind"
    return f"the host is {abs(subject.snapshot.clock_difference)} s {way} this machine"


def full(subject: Subject) -> Iterator[str]:
    for one in subject.snapshot.disks:
        if one.free_bytes < LEAST_BYTES:
            yield f"{one.path} has {one.free_bytes / 1e6:.0f} MB left"


def out_of_inodes(subject: Subject) -> Iterator[str]:
    for one in subject.snapshot.disks:
        if one.free_inodes is not None and one.free_inodes < LEAST_INODES:
            yield f"{one.path} has {one.free_inodes} inodes left"


of_engine = partial(Condition, evidence=lambda subject: subject.snapshot.engine_error)

CONDITIONS = (
    step("disk-measured", unless(lambda it: it.snapshot.disks, "the host tells nothing of its file systems")),
    of_engine(
        "docker-missing",
        "The service is a container, and nothing here installs Docker.",
        "install Docker on {host}",
        when(lambda it: re.search(r"docker:.*not found", it.snapshot.engine_error), "docker is not installed"),
    ),
    of_engine(
        "user-not-in-docker-group",
        "Every docker and docker-compose command of that user fails with permission denied.",
        "let the user use it, then connect again: {ssh:sudo usermod -aG docker $USER}",
        docker_group,
        sentence="the user may not use the Docker engine",
        after=("docker-missing",),
    ),
    of_engine(
        "daemon-down",
        "Without it nothing is pulled, started or stopped, and what ran may be down.",
        "{ssh:sudo systemctl start docker}",
        unless(lambda it: it.snapshot.engine, "the Docker engine does not answer"),
        after=("user-not-in-docker-group",),
    ),
    warning(
        "daemon-old",
        "These tasks are tested with 20.10 and later.",
        "update Docker on {host}",
        old_engine,
        after=("daemon-down",),
    ),
    Condition(
        "compose-missing",
        "Every step of a deploy is a docker-compose command.",
        "install docker-compose on {host}: the package docker-compose or docker-compose-plugin",
        unless(lambda it: it.snapshot.flavour, "docker-compose is not installed"),
    ),
    warning(
        "compose-old",
        "v1 gets no corrections any more; neither has up --pull never, so an image that is missing is fetched unasked.",
        "update docker-compose on {host} to 2.6 or later",
        old_compose,
        after=("compose-missing",),
    ),
    warning(
        "shell-overrides",
        "They win over ~/.aws, ~/.docker and the project's directory: other keys, another engine, another project.",
        "remove them on {host} from ~/.bashrc, ~/.profile, /etc/environment",
        those(lambda it: sorted(filter(OVERRIDES.fullmatch, it.snapshot.exported)), "the login shell sets {}"),
    ),
    warning(
        "clock-off",
        "AWS refuses requests whose time is 5 minutes off, and TLS and the release log need the time too.",
        "compare with this machine, either may be wrong: {ssh:timedatectl status}",
        clock,
        line="clock",
    ),
    Condition(
        "disk-low",
        "A pull, the database client or the log of a container stops in the middle.",
        "{ssh:docker system df}, then: {ssh:docker image prune}",
        those(full),
        after=("disk-measured",),
    ),
    Condition(
        "inodes-low",
        "A pull fails with no space left on device while df shows space: layers are many small files.",
        "{ssh:df -i}, then: {ssh:docker image prune}",
        those(out_of_inodes),
        after=("disk-measured",),
    ),
)
