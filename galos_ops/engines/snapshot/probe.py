"""Looking at a host: one script of the parts that are asked for, one round trip, one `Snapshot`."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from galos_ops import redaction
from galos_ops.engines import notes
from galos_ops.engines.docker_compose import FOUND
from galos_ops.engines.snapshot import cluster
from galos_ops.engines.snapshot import registry as registries
from galos_ops.engines.snapshot.probe_output import WITHDRAWN, parse
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.host.hold import FILE, IN_FORCE
from galos_ops.host.host import Host
from galos_ops.host.lock import HELD, LOOK, MARKER, STATE
from galos_ops.host.release_log import EVENT_MIGRATE, LOG, OUTCOME_NOT_BEGUN
from galos_ops.host.shell import shell_path

HELPERS = r"""say() { printf '%s\t%s\n' "$1" "$2"; }
line() { set -- $(base64); IFS=; printf %s "$*"; }
pack() { line <<END
$1
END
}
inspect() { docker image inspect -f '{{.Id}} {{.Created}}{{range .RepoDigests}} {{.}}{{end}}' "$1"; }
image() { v=$(inspect "$1" 2>/dev/null) && say image "$1 $v"; }
private() { [ ! -f "$1" ] || say private "$(head -c 65536 "$1" 2>/dev/null | line)"; }
if command -v docker-compose >/dev/null; then compose=docker-compose; else compose='docker compose'; fi"""

RELEASED = r"""s/.*"service": "\([^"]*\)".*"image": "\(sha256:[0-9a-f]*\)".*}$/recorded	\1 \2/p"""
LOGGED = r"""s/.*"event": "\([^"]*\)".*"service": "\([^"]*\)".*"image": "sha256:.*}$/logged	\2 \1/p"""
UNDONE = rf"""/{OUTCOME_NOT_BEGUN}/{{s/.*"service": "\([^"]*\)".*/logged	\1 {WITHDRAWN}/p;d;}}"""
STORE = "docker-credential-"
LABELS = {
    "service": "service", "oneoff": "oneoff", "hook": "hook", "project": "project", "directory": "project.working_dir",
}  # fmt: skip
CONTAINER = (
    '{"id":{{json .ID}},"image":{{json .Image}},"state":{{json .State.Status}},"restarts":{{.RestartCount}},'
    '"name":{{json .Name}},"started":{{json .State.StartedAt}},"finished":{{json .State.FinishedAt}},'
    '"exit_code":{{.State.ExitCode}},"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}null{{end}},'
    '"role":{{json (index .Config.Labels "galos-ops")}},'
    '"log_driver":{{json .HostConfig.LogConfig.Type}},'
    '"log_size":{{json (index .HostConfig.LogConfig.Config "max-size")}}'
    + "".join(
        f',"{name}":{{{{json (index .Config.Labels "com.docker.compose.{key}")}}}}' for name, key in LABELS.items()
    )
    + "}"
)


@dataclass(frozen=True)
class Scope:
    """What a probe is about: image references, the project's directory, and files with the command that reads each.

    `engine` is that of the configuration.
    """

    references: tuple[str, ...]
    directory: str
    files: Mapping[str, str] = field(default_factory=dict)
    engine: str = "compose"


Part = Callable[[Scope], str]
"""Something to ask of a host: a fragment of shell that prints `key<TAB>value` lines and needs no other part."""


def engine(_: Scope) -> str:
    return """engine() { docker version --format '{{.Server.Version}}'; }
if v=$(engine 2>/dev/null); then say engine "$v"; else say engine_error "$(pack "$(engine 2>&1)")"; fi"""


def containers(_: Scope) -> str:
    return (
        "{ docker ps -aq --no-trunc --filter label=com.docker.compose.service |\n"
        f"xargs -r docker inspect -f 'container\t{CONTAINER}'; }} 2>/dev/null"
    )


def swarm(scope: Scope) -> str:
    return cluster.script() if scope.engine == "swarm" else ""


def images(scope: Scope) -> str:
    return "\n".join(f"image {reference}" for reference in scope.references)


def flavour(_: Scope) -> str:
    return """v=$($compose version --short 2>/dev/null) && say flavour "$compose $v" """


def compose(scope: Scope) -> str:
    return f"""cd {shell_path(scope.directory)} 2>/dev/null || exit
{FOUND}
[ -z "$file" ] || say compose_file "$file"
# services behind a profile count, too, unless docker-compose cannot resolve them
if v=$(COMPOSE_PROFILES='*' $compose config 2>/dev/null || $compose config 2>/dev/null); then
say config "$(pack "$v")"
known=" {" ".join(scope.references)} "
for reference in $(printf '%s\\n' "$v" | sed -n "s/^    image: [\\"']*\\([^\\"']*\\).*/\\1/p"); do
case ${{reference##*/}} in *[:@]*) ;; *) reference=$reference:latest ;; esac
case $known in *" $reference "*) ;; *) known="$known$reference "; image "$reference" ;; esac; done; exit; fi
$compose version --short >/dev/null 2>&1 || exit
say config_error "$(pack "$($compose config 2>&1 >/dev/null)")"
# an env_file of any name: where docker-compose cannot tell, each file that its file has a word for
words=$(IFS=:; cat $file 2>/dev/null | tr -s ' \\t",[]' '\\n' | tr -d "'")
set -f; for f in $words; do private "$f"; done"""


def project(scope: Scope) -> str:
    return f"""cd {shell_path(scope.directory)} 2>/dev/null || exit
{FOUND}
first=${{file%%:*}}; case $first in */*) first=${{first%/*}} ;; *) first= ;; esac
for at in . ${{first:+"$first"}}; do ( cd "$at" && say directory "$(pwd)" && say directory "$(pwd -P)" ); done
[ -w . ] || say read_only yes
[ -e .env ] && say environment "$(line <.env)"
for f in .env.* *.env; do private "$f"; done
{{ {IN_FORCE}; }} && say hold "$(pack "$(cat {FILE})")"
for kind in {" ".join(notes.KINDS)}; do for f in {notes.path(notes.ANY, "$kind")}; do
[ -e "$f" ] && {{ read -r v || [ "$v" ]; }} <"$f" && f=${{f##*/}} && say $kind "${{f%.$kind}} $v"; done; done
[ ! -e {MARKER} ] || say migrating "$(pack "$(cat {MARKER})")"
[ ! -e {LOG} ] || sed -n '{UNDONE};h;{LOGGED};g;/{EVENT_MIGRATE}/!{RELEASED}' {LOG} 2>/dev/null; echo"""


def lock(scope: Scope) -> str:
    return f'cd {shell_path(scope.directory)}/{STATE} 2>/dev/null && {HELD} && say holder "$(pack "$(cat holder)")"'


def clock(_: Scope) -> str:
    return "say time $(date +%s)"


def stores(_: Scope) -> str:
    return (
        f'IFS=:; for p in $PATH; do for f in "$p"/{STORE}*; do [ -x "$f" ] && say store "${{f##*/{STORE}}}"; done; done'
    )


def architectures(scope: Scope) -> str:
    inspected = "docker image inspect -f '{{.Architecture}}'"
    return f"""say architecture "$(docker version --format '{{{{.Server.Arch}}}}' 2>/dev/null)"
for reference in {" ".join(scope.references)}; do
v=$({inspected} "$reference" 2>/dev/null) && say built "$reference $v"; done"""


def login(_: Scope) -> str:
    names = r"s/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p"
    return f"""say user "$(id -un)"; say groups "$(id -Gn)"; say exported "$(env | sed -n '{names}' | tr '\\n' ' ')" """


def disks(scope: Scope) -> str:
    return f"""space() {{ pack "$(df -P "$1" -- "$2" 2>/dev/null | tail -n 1)"; }}
for at in "$(docker info -f '{{{{.DockerRootDir}}}}' 2>/dev/null)" {shell_path(scope.directory)}; do
[ ! -d "$at" ] || say disk "$(pack "$at") $(space -k "$at") $(space -i "$at")"; done"""


def files(scope: Scope) -> str:
    rows = (
        f"file {base64.b64encode(path.encode()).decode()} {shell_path(path)} '{reader}'"
        for path, reader in scope.files.items()
    )
    return "\n".join(
        (
            'file() { [ -e "$2" ] || [ -L "$2" ] || return',
            'v=$(stat -L -c %a -- "$2" 2>/dev/null) && say mode "$1 $v"',
            'if v=$({ cat <"$2" >/dev/null; } 2>&1); then say file "$1 $($3 <"$2" | line)"',
            'else say unreadable "$1 $(pack "$v")"; fi; }',
            *rows,
        )
    )


def registry(scope: Scope) -> str:
    return registries.compare(scope.references)


_COMMON: tuple[Part, ...] = (engine, containers, swarm, flavour, compose, project)
PROJECT = (*_COMMON, images)
"""What whatever changes a host asks for."""
DEPLOY = (*_COMMON, registry)
STATUS = (clock, *_COMMON, lock, stores, disks, files, registry)
DOCTOR = (clock, *PROJECT, lock, stores, disks, files, login, architectures)
QUICK = (engine, containers, flavour, project, clock, lock, stores, files, login)
"""What takes no longer than to start a process for it, or little more."""


def script(parts: Iterable[Part], scope: Scope) -> str:
    """Return a script of `key<TAB>value` lines, texts of several lines in base64, that runs the parts side by side.

    The quick ones run one after the other: a process more takes longer than to wait for them. Each of the others and
    its name come ahead of what the ones before it print, so that no line meets another's.
    """
    together, beside = [":"], list[str]()
    for part in parts:
        fragment, done = part(scope), f"say part {part.__name__}"
        quick = part in QUICK or not fragment
        (together if quick else beside).append(f"( :\n{fragment}\n) </dev/null; {done}" if fragment else done)
    stages = ["\n".join(together), *(f"{one}; cat" for one in beside)]
    return "\n".join((HELPERS, " |\n".join(f"{{ {stage}; }}" for stage in stages), "exit 0"))


def gather(host: Host, parts: tuple[Part, ...], scope: Scope) -> Snapshot:
    """Ask the host for the parts in one round trip; raises `NotReadyError` for a host whose shell breaks scripts."""
    began = time.time()
    return read(host, parts, host.run(script(parts, scope), doing=LOOK, private=True).stdout, began)


def read(host: Host, parts: tuple[Part, ...], output: str, began: float = 0.0) -> Snapshot:
    """Return what the script has found out since a time of our clock; raises as `gather` does.

    What a service there is given in its environment is not shown any more.
    """
    try:
        snapshot = parse(output, {part.__name__ for part in parts}, began, time.time())
    except ValueError as error:
        raise host.noise(str(error)) from error
    given = (pair for name in snapshot.rows() for pair in snapshot.given(name).items())
    values = (value for name, value in given if name not in redaction.SETTINGS)
    redaction.learn((private.value for private in snapshot.private), values)
    return snapshot
