"""What is true on the host: one probe script, one round trip, a pure parse, frozen `Facts`."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from galos_ops import redaction
from galos_ops.config.command_line import CommandLine
from galos_ops.engines.compose import FILES, Compose, Flavour
from galos_ops.errors import NotReadyError
from galos_ops.host.host import Host
from galos_ops.host.lock import STATE
from galos_ops.host.release_log import EVENT_MIGRATE, LOG
from galos_ops.host.shell import lines, shell_path

TELL = r"""say() { printf '%s\t%s\n' "$1" "$2"; }
pack() { printf %s "$1" | base64 | tr -d '\n'; }"""

RELEASED = r"""s/.*"service": "\([^"]*\)".*"image": "\(sha256:[0-9a-f]*\)".*/recorded	\1 \2/p"""

CONTAINER = r"{{.Id}} {{.Image}} {{.State.Status}} {{.RestartCount}} {{.Name}}" + "".join(
    f' {{{{with index .Config.Labels "com.docker.compose.{label}"}}}}{{{{.}}}}{{{{else}}}}-{{{{end}}}}'
    for label in ("service", "oneoff", "project", "project.working_dir")
)


@dataclass(frozen=True)
class Container:
    """A container that compose made, of a project in `directory`; `state` is Docker's word: running, exited, ..."""

    id: str
    image: str
    state: str
    restarts: int
    name: str
    service: str
    oneoff: bool
    project: str
    directory: str

    @property
    def alive(self) -> bool:
        return self.state not in ("created", "exited", "dead", "removing")


@dataclass(frozen=True)
class Facts:
    """The host as the probe found it.

    `directories` are the names of the project's directory, `images` maps references to image IDs, `passed` services to
    guard keys; `private` are the texts of .env and its like.
    guard keys, `recorded` services to the image that the release log has last.
    """

    directories: tuple[str, ...] = ()
    engine: str = ""
    engine_error: str = ""
    flavour: Flavour | None = None
    compose_file: str = ""
    environment: str = ""
    config: str = field(default="", repr=False)
    config_error: str = field(default="", repr=False)
    containers: tuple[Container, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    passed: Mapping[str, str] = field(default_factory=dict)
    private: tuple[str, ...] = field(default=(), repr=False)
    recorded: Mapping[str, str] = field(default_factory=dict)

    def services(self) -> dict[str, str]:
        """The services of the compose file and the image reference each one starts."""
        return {name: tagged(str(row.get("image") or "")) for name, row in self.rows().items()}

    def pulls(self, service: str) -> str | None:
        """The `pull_policy` by which docker-compose fetches an image before it runs one; None where it does not."""
        policy = self.rows().get(service, {}).get("pull_policy")
        return None if policy in (None, "missing", "if_not_present", "never") else str(policy)

    def tree(self) -> dict[str, Any]:
        """The compose file as docker-compose resolves it; it holds secrets."""
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return yaml.load(self.config, Loader=loader) or {}  # noqa: S506 - a safe loader, the C one where there is one

    def rows(self) -> dict[str, Any]:
        """The services of that file."""
        rows: dict[str, Any] = self.tree().get("services") or {}
        return rows

    @property
    def project(self) -> str:
        """The project's name as compose resolves it; empty with compose v1, which does not tell."""
        named = re.search(r'^name: "?([^"\s]+)"?$', self.config, re.MULTILINE)
        return named[1] if named else ""

    def ours(self, one: Container) -> bool:
        """Whether a container is of this project: made in its directory and, where that is known, under its name."""
        return one.directory in self.directories and self.project in ("", one.project)

    def of(self, service: str) -> list[Container]:
        """The containers of a service of this project, one-off ones left out."""
        return [one for one in self._all(service) if self.ours(one)]

    def strangers(self, service: str) -> list[Container]:
        """The containers that other compose projects on the host made of a service of the same name."""
        return [one for one in self._all(service) if not self.ours(one)]

    def _all(self, service: str) -> list[Container]:
        return [one for one in self.containers if one.service == service and not one.oneoff]

    def named(self, name: str) -> Container | None:
        """The container with a fixed name, such as the one that migrates."""
        return next((one for one in self.containers if one.name == name), None)

    def key(self, image: str, *spec: str) -> str:
        """What a clean answer of the migration check is bound to: image, .env, compose file and the check itself."""
        return sha256("\0".join((image, self.environment, self.config, *spec)).encode()).hexdigest()


def tagged(reference: str) -> str:
    """An image reference with the tag that Docker means where it has none."""
    bare = reference and not set(reference.rpartition("/")[2]) & {":", "@"}
    return f"{reference}:latest" if bare else reference


def probe(references: Iterable[str], directory: str) -> str:
    """The script that tells all facts, a `key<TAB>value` line each; texts of several lines are in base64.

    What is not there hides nothing else: without an engine, files and compose are told all the same.
    """
    return "\n".join(
        (
            TELL,
            "engine() { docker version --format '{{.Server.Version}}'; }",
            'if v=$(engine 2>/dev/null); then engine=yes; say engine "$v"',
            'else engine=; say engine_error "$(pack "$(engine 2>&1)")"; fi',
            "if v=$(docker-compose version --short 2>/dev/null); then compose=docker-compose",
            "elif v=$(docker compose version --short 2>/dev/null); then compose='docker compose'",
            "else compose=; fi",
            '[ -z "$compose" ] || say flavour "$compose $v"',
            'if [ "$engine" ]; then',
            "docker ps -aq --no-trunc --filter label=com.docker.compose.service |",
            f"xargs -r docker inspect -f 'container\t{CONTAINER}'",
            *(
                f"id=$(docker image inspect -f '{{{{.Id}}}}' {reference} 2>/dev/null) && say image \"{reference} $id\""
                for reference in references
            ),
            "fi",
            f"cd {shell_path(directory)} 2>/dev/null || exit 0",
            'say directory "$(pwd)"; say directory "$(pwd -P)"',
            f"f0=; for f in {' '.join(FILES)}; do [ -e $f ] && say compose_file $f && f0=$f && break; done",
            '[ -e .env ] && say environment "$(sha256sum <.env)"',
            'private() { [ ! -f "$1" ] || say private "$(head -c 65536 "$1" 2>/dev/null | base64 | tr -d \'\\n\')"; }',
            'for f in .env .env.* *.env; do private "$f"; done',
            'if [ "$compose" ]; then',
            'if c=$($compose config 2>/dev/null); then say config "$(pack "$c")"',
            'else say config_error "$(pack "$($compose config 2>&1 >/dev/null)")"',
            # an env_file of any name: where docker-compose cannot tell, each file that its file has a word for
            "words=$(cat \"$f0\" 2>/dev/null | tr -s ' \\t\",[]' '\\n' | tr -d \"'\")",
            'set -f; for f in $words; do private "$f"; done; set +f',
            "fi; fi",
            f'for f in {STATE}/*.passed; do [ -e "$f" ] && say passed "$(basename "$f" .passed) $(cat "$f")"; done',
            f"grep -vF '{EVENT_MIGRATE}' {LOG} 2>/dev/null | sed -n '{RELEASED}'",
            "exit 0",
        )
    )


def answers(output: str) -> dict[str, list[str]]:
    """The values of each key that a probe printed; raises `ValueError` for a line that has no key."""
    told: dict[str, list[str]] = {}
    for line in lines(output):
        key, tab, value = line.partition("\t")
        if not tab:
            raise ValueError(f"not a line of the probe: {line!r}")
        told.setdefault(key, []).append(value)
    return told


def parse(output: str) -> Facts:
    """Facts out of what the probe printed; raises `ValueError` for a line that the probe does not print."""
    told = answers(output)

    def one(key: str) -> str:
        return told.get(key, [""])[-1]

    def text(key: str) -> str:
        return base64.b64decode(one(key)).decode(errors="replace")

    return Facts(
        directories=tuple(told.get("directory", [])),
        engine=one("engine"),
        engine_error=text("engine_error"),
        flavour=Flavour.of(one("flavour")),
        compose_file=one("compose_file"),
        environment=one("environment").split(" ")[0],
        config=text("config"),
        config_error=text("config_error"),
        containers=tuple(container(line) for line in told.get("container", [])),
        images=dict(_pair(line) for line in told.get("image", [])),
        passed=dict(_pair(line) for line in told.get("passed", [])),
        private=tuple(base64.b64decode(line).decode(errors="replace") for line in told.get("private", [])),
        recorded=dict(_pair(line) for line in told.get("recorded", [])),
    )


def guarded(facts: Facts) -> Facts:
    """The same facts, after which no value that a service is given is shown any more."""
    rows = [row.get("environment") or {} for row in facts.rows().values()] if facts.config else []
    values = (
        list(row.values()) if isinstance(row, dict) else [str(one).partition("=")[2] for one in row] for row in rows
    )
    redaction.learn(facts.private, (str(value) for row in values for value in row if value is not None))
    return facts


def container(line: str) -> Container:
    """A container as the probe prints it."""
    identity, image, state, restarts, name, service, oneoff, project, directory = line.split(" ", 8)
    told = (image, state, int(restarts), name.lstrip("/"), service, oneoff == "True", project, directory)
    return Container(identity, *told)


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.rpartition(" ")
    return name, value


def gather(host: Host, references: Iterable[str], directory: str) -> Facts:
    """Ask the host for all facts in one round trip."""
    output = host.run(probe(references, directory), doing="look at the host", private=True).stdout
    try:
        return guarded(parse(output))
    except ValueError as error:
        raise host.noise(str(error)) from error


@dataclass(frozen=True)
class Requirement:
    """Something that must be true before compose can do its work: when it is not, why, and what to type."""

    missing: Callable[[Facts], bool]
    sentence: str
    hint: str
    evidence: Callable[[Facts], str] = lambda _: ""


ENGINE = (
    Requirement(lambda f: not f.directories, "the directory {directory} is not there", "{fab:setup}"),
    Requirement(
        lambda f: "permission denied" in f.engine_error,
        "the user may not use the Docker engine",
        "let the user use it, then connect again: {ssh:sudo usermod -aG docker $USER}",
        lambda f: f.engine_error,
    ),
    Requirement(
        lambda f: not f.engine,
        "the Docker engine does not answer",
        "{ssh:systemctl status docker}",
        lambda f: f.engine_error,
    ),
)
PROJECT = (
    *ENGINE,
    Requirement(
        lambda f: f.flavour is not None and not f.compose_file,
        "there is no compose file in {directory}",
        "{fab:setup}",
    ),
    Requirement(
        lambda f: f.flavour is not None and not f.config,
        "docker-compose cannot read its files in {directory}",
        "correct what it names, or: {fab:setup}",
        lambda f: f.config_error,
    ),
)


def require(typed: CommandLine, directory: str, facts: Facts, requirements: Iterable[Requirement] = PROJECT) -> Compose:
    """The compose of a host that is ready; raises `NotReadyError` for the first requirement that is not met."""
    for one in requirements:
        if one.missing(facts):
            sentence, hint = (typed.fill(text, directory=directory) for text in (one.sentence, one.hint))
            raise NotReadyError(f"{typed.name}: {sentence}.", evidence=one.evidence(facts), hint=hint)
    if facts.flavour is None:
        raise NotReadyError(f"{typed.name}: docker-compose is not installed.", hint="install it on the host")
    return Compose(facts.flavour, directory)
