"""Looking at a host for the doctor: its files, then one probe, then the two slow questions."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import datetime, timezone

from galos_ops.config.settings import Service, Settings
from galos_ops.diagnostics.examined import Detail, Examined, Room
from galos_ops.diagnostics.questions import database, registry
from galos_ops.diagnostics.survey import clock_difference
from galos_ops.engines.facts import TELL, answers, guarded, parse, probe
from galos_ops.errors import NotReadyError
from galos_ops.host.host import Host
from galos_ops.host.lock import HELD, STATE
from galos_ops.host.shell import shell_path
from galos_ops.provisioning.ecr import CONFIG, CREDENTIALS, DOCKER_CONFIG

DETAIL = (
    "{{.ID}}|{{if .State.Health}}{{.State.Health.Status}}{{end}}|{{.State.StartedAt}}"
    '|{{.HostConfig.LogConfig.Type}}|{{index .HostConfig.LogConfig.Config "max-size"}}'
)
STORE = "docker-credential-"


def examine(host: Host, settings: Settings, services: Mapping[str, Service]) -> Examined:
    """Look at everything, and ask the registry and the database once each; changes nothing on the host."""
    seen = Examined(settings, next(iter(services)))
    texts, unreadable = read(host, (CREDENTIALS, CONFIG, DOCKER_CONFIG, seen.env, seen.log))
    began = time.time()
    output = host.run(script(settings, seen.env), doing="look at the host", private=True).stdout
    try:
        seen = understood(
            output, Examined(settings, seen.service, texts=texts, unreadable=unreadable), began, time.time()
        )
    except ValueError as error:
        raise host.noise(str(error)) from error
    return database(host, registry(host, seen, services), services)


def read(host: Host, paths: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """The texts of the files that are there, and why the others cannot be read; one by one only when one cannot."""
    try:
        return {path: text for path, text in zip(paths, host.read(*paths), strict=True) if text is not None}, {}
    except NotReadyError as error:
        if len(paths) == 1:
            lines = error.evidence.strip().splitlines() or ["it cannot be read"]
            return {}, {paths[0]: lines[-1].rpartition(": ")[2]}
    texts: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for path in paths:
        text, reason = read(host, (path,))
        texts |= text
        unreadable |= reason
    return texts, unreadable


def script(settings: Settings, env: str) -> str:
    """The probe of the facts, then what only the doctor wants to know, in lines of the same form."""
    images = (settings.image(service) for service in settings.services.values())
    directory = shell_path(settings.directory)
    return "\n".join(
        (
            TELL,
            f"(\n{probe(images, settings.directory)}\n)",
            'say clock "$(date +%s)"; say user "$(id -un)"; say groups "$(id -Gn)"',
            r"""say shell "$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | tr '\n' ' ')" """,
            *(
                f'v=$(stat -L -c %a -- {shell_path(path)} 2>/dev/null) && say mode "$v {index}"'
                for index, path in enumerate((CREDENTIALS, env))
            ),
            f"if cd {directory} 2>/dev/null; then [ -w . ] || say read_only yes",
            f"( cd {STATE} 2>/dev/null && {HELD} ) && say held yes; fi",
            'room() { set -f; set -- "$1" $(df "$2" -- "$3" 2>/dev/null | tail -n 1); [ $# -lt 7 ] || '
            'say room "$1 $3 $5 $7"; set +f; }',
            "for p in \"$(docker info -f '{{.DockerRootDir}}' 2>/dev/null)\" .; do",
            '[ -z "$p" ] || { room disk -Pk "$p"; room inodes -Pi "$p"; }; done',
            "docker ps -aq --no-trunc --filter label=com.docker.compose.service 2>/dev/null |",
            f"xargs -r docker inspect -f 'detail\t{DETAIL}' 2>/dev/null | grep .",
            "IFS=:; for p in $PATH; do",
            f'for f in "$p"/{STORE}*; do [ -x "$f" ] && say store "${{f##*/{STORE}}}"; done; done',
            "exit 0",
        )
    )


def understood(output: str, seen: Examined, began: float, ended: float) -> Examined:
    """What the script printed, between two times of this machine's clock; raises `ValueError` as `parse` does."""
    told = answers(output)
    now = int(told["clock"][-1])
    modes = {(CREDENTIALS, seen.env)[int(index)]: int(mode, 8) for mode, index in map(str.split, told.get("mode", []))}
    rooms = {_room(line) for line in told.get("room", [])} - {None}
    return Examined(
        seen.settings,
        seen.service,
        facts=guarded(parse(output)),
        texts=seen.texts,
        unreadable=seen.unreadable,
        modes=modes,
        user=told["user"][-1],
        groups=tuple(told["groups"][-1].split()),
        stores=frozenset(told.get("store", [])),
        exported=frozenset(told["shell"][-1].split()),
        clock=clock_difference(now, began, ended),
        writable="read_only" not in told,
        held="held" in told,
        rooms=tuple(sorted((room for room in rooms if room), key=lambda room: (room.kind, room.mount))),
        details=dict(_detail(line, now) for line in told.get("detail", [])),
    )


def _room(line: str) -> Room | None:
    """A file system as `room` tells it: kind, total, left, mount; None where df counts nothing, as btrfs its inodes."""
    kind, total, left, mount = line.split(" ", 3)
    if not (total.isdigit() and left.isdigit()) or total == "0":
        return None
    return Room("disk" if kind == "disk" else "inodes", int(left), mount)


def _detail(line: str, now: float) -> tuple[str, Detail]:
    identity, health, started, driver, size = line.split("|")
    seconds = re.sub(r"[.Z].*", "", started)
    since = datetime.strptime(seconds, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return identity, Detail(health, now - since.timestamp(), driver, size)
