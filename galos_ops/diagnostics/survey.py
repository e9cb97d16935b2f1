"""What `status` sees of a host beyond its facts: both in one script, one round trip, and a pure parse."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from galos_ops.engines import facts
from galos_ops.engines.facts import TELL, Facts
from galos_ops.host.host import Host
from galos_ops.host.lock import HELD, STATE
from galos_ops.host.release_log import LOG, Release
from galos_ops.host.release_log import parse as parse_releases
from galos_ops.host.shell import lines, shell_path
from galos_ops.provisioning import ecr

REGISTRY_SECONDS = 20
LOG_LINES = 500  # of the release log, its newest
CONTAINER = (
    '{"id":{{json .ID}},"started":{{json .State.StartedAt}},"finished":{{json .State.FinishedAt}},'
    '"exit":{{json .State.ExitCode}},"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}null{{end}}}'
)
IMAGE = '{"id":{{json .Id}},"created":{{json .Created}},"digests":{{json .RepoDigests}}}'


@dataclass(frozen=True)
class Disk:
    """Room in a directory's file system; inodes are None where the file system does not count them."""

    path: str
    size_bytes: int
    free_bytes: int
    inodes: int | None
    free_inodes: int | None


@dataclass(frozen=True)
class Lock:
    """Who holds the host, all None but `held` where that is not known; `since` is UTC in ISO 8601."""

    held: bool
    user: str | None = None
    machine: str | None = None
    task: str | None = None
    since: str | None = None
    run: str | None = None


@dataclass(frozen=True)
class Registry:
    """Whether the image that the tag means on the host is what it means in the registry; `digest` is the registry's."""

    state: str
    digest: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Survey:
    """`time` is the host's in seconds, `difference` how far it is ahead of ours; `containers` and `images` are by ID,
    `registry` by reference; `helper_error` is what the credential helper wrote into its log meanwhile."""

    time: int = 0
    difference: int = 0
    lock: Lock = Lock(False)
    disks: tuple[Disk, ...] = ()
    helper: bool = False
    helper_error: str = ""
    containers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    images: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    registry: Mapping[str, Registry] = field(default_factory=dict)
    releases: tuple[Release, ...] = ()


def script(references: Iterable[str], directory: str) -> str:
    """The facts' probe and ours, while the registry is asked beside them; its answers come last."""
    wanted = list(references)
    return "\n".join(
        (
            TELL,
            f"{{\n{_registry(wanted)}\n}} | {{",
            "exec 3<&0 </dev/null; say time $(date +%s)",
            f"(\n{facts.probe(wanted, directory)}\n)",
            f"command -v {ecr.HELPER} >/dev/null && say helper there",
            'room() { df -P "$1" -- "$2" 2>/dev/null | tail -n 1; }',
            "root=$(docker info -f '{{.DockerRootDir}}' 2>/dev/null)",
            f'for at in "$root" {shell_path(directory)}; do [ ! -d "$at" ] || '
            'say disk "$(pack "$at") $(pack "$(room -k "$at")") $(pack "$(room -i "$at")")"; done',
            "docker ps -aq --no-trunc --filter label=com.docker.compose.service 2>/dev/null |",
            f"xargs -r docker inspect -f 'detail\t{CONTAINER}' 2>/dev/null | grep .",
            "{ docker ps -aq --no-trunc --filter label=com.docker.compose.service | "
            f"xargs -r docker inspect -f '{{{{.Image}}}}'; printf '%s\\n' {' '.join(wanted)}; }} 2>/dev/null |",
            f"sort -u | xargs -r docker image inspect -f 'built\t{IMAGE}' 2>/dev/null | grep .",
            f"if cd {shell_path(directory)}/{STATE} 2>/dev/null; then",
            f'[ -e {LOG.rpartition("/")[2]} ] && say log "$(tail -n {LOG_LINES} {LOG.rpartition("/")[2]} | base64 | '
            "tr -d '\\n')\"",
            f'{HELD} && say holder "$(pack "$(cat holder)")"',
            "fi",
            "cat <&3",
            "exit 0; }",
        )
    )


def _registry(references: list[str]) -> str:
    """Ask what each tag means there, and what the host's own digests do, which tells lists of images apart.

    Downloads nothing, and does not need the engine.
    """
    ask = f"timeout {REGISTRY_SECONDS} docker manifest inspect -v"
    return "\n".join(
        (
            'exec </dev/null; log="$HOME/.ecr/log/ecr-login.log"; seen=$(cat "$log" 2>/dev/null | wc -c)',
            f"for reference in {' '.join(references)}; do",
            f'now=$({ask} "$reference" 2>&1); code=$?',
            'say registry "$reference $code $(pack "$now")"',
            'for digest in $(docker image inspect -f \'{{join .RepoDigests " "}}\' "$reference" 2>/dev/null); do',
            'case $digest in "${reference%:*}"@*) ;; *) continue ;; esac',
            f'case $now in *"${{digest#*@}}"*) own=$now ;; *) own=$({ask} "$digest" 2>/dev/null) ;; esac',
            'say own "$reference 0 $(pack "$own")"; done; done',
            f'say helper_error "$(pack "$(tail -c "+$((seen + 1))" "$log" 2>/dev/null | grep -E "{ecr.FAILURE}" | '
            'tail -n 1)")"',
        )
    )


def parse(output: str, began: float, ended: float) -> Survey:
    """A survey out of what the script printed between two moments of our clock; raises `ValueError`."""
    told: dict[str, list[str]] = {}
    for line in lines(output):
        key, _, value = line.partition("\t")
        told.setdefault(key, []).append(value)
    when = int(told["time"][0])
    images = {one["id"]: one for one in map(json.loads, told.get("built", []))}
    own = [_answer(line) for line in told.get("own", [])]
    helper_error = unpack(told.get("helper_error", [""])[0]).strip()
    return Survey(
        time=when,
        difference=clock_difference(when, began, ended),
        lock=holder(unpack(told["holder"][0])) if "holder" in told else Lock(False),
        disks=tuple(dict(map(_disk, told.get("disk", []))).values()),
        helper="helper" in told,
        helper_error=helper_error,
        containers={one["id"]: one for one in map(json.loads, told.get("detail", []))},
        images=images,
        registry={
            reference: registry(code, text, [mine for about, _, mine in own if about == reference], helper_error)
            for reference, code, text in map(_answer, told.get("registry", []))
        },
        releases=tuple(parse_releases(unpack(told.get("log", [""])[0])).releases),
    )


def clock_difference(told: int, began: float, ended: float) -> int:
    """Seconds a clock is ahead of ours; 0 where its whole second `told` may lie between two moments of ours."""
    return round(max(0.0, told - ended) or min(0.0, told + 1 - began))


def holder(text: str) -> Lock:
    """Who holds the lock, out of what the holder wrote; anybody may have written anything."""
    try:
        row = json.loads(text)
    except ValueError:
        row = None
    known = row if isinstance(row, dict) else {}
    words = {name: known.get(name) for name in ("user", "machine", "task", "since", "run")}
    return Lock(True, **{name: word if isinstance(word, str) else None for name, word in words.items()})


def registry(code: int, answer: str, own: list[str], helper_error: str) -> Registry:
    """What `docker manifest inspect -v` of the tag means, beside its answers for the digests that the host has."""
    if code:
        silent = f"no answer after {REGISTRY_SECONDS} s" if code == 124 else ""
        last = (answer.strip().splitlines() or [f"docker manifest inspect ended with exit {code}"])[-1]
        return Registry("unknown", reason=silent or helper_error or last)
    there = digests(answer)
    if not there:
        return Registry("unknown", reason="the registry's answer is not a manifest")
    return Registry("newest" if there in map(digests, own) else "newer", digest=there[0])


def digests(answer: str) -> list[str]:
    """The digests in an answer of `docker manifest inspect -v`: one, or one for each platform, attestations last."""
    try:
        rows = json.loads(answer)
        described = [row["Descriptor"] for row in (rows if isinstance(rows, list) else [rows])]
        ordered = sorted(described, key=lambda one: (one.get("platform") or {}).get("os") == "unknown")
        return [one["digest"] for one in ordered if re.fullmatch(r"sha256:[0-9a-f]{64}", one["digest"])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def moment(text: str | None) -> str | None:
    """A time as Docker writes it, as UTC in ISO 8601 with whole seconds; None for none and for Docker's zero."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text or "")
    if not match or match[1].startswith("0001-"):
        return None
    zone = match[2].replace("Z", "+00:00")
    return datetime.fromisoformat(match[1] + zone).astimezone(timezone.utc).isoformat()


def unpack(text: str) -> str:
    """A text of several lines, as the script packs it."""
    return base64.b64decode(text).decode(errors="replace")


def _answer(line: str) -> tuple[str, int, str]:
    reference, code, text = line.split(" ")
    return reference, int(code), unpack(text)


def _disk(line: str) -> tuple[str, Disk]:
    """A disk by the place where it is mounted; the second line of df is nothing where inodes are not counted."""
    path, blocks, inodes = map(unpack, line.split(" "))
    columns = r".*?(\d+)\s+\d+\s+(\d+)\s+(?:\d+%|-)\s+(/.*)"
    room, count = re.fullmatch(columns, blocks), re.fullmatch(columns, inodes)
    if not room:
        raise ValueError(f"not a line of df: {blocks!r}")
    counted = (int(count[1]), int(count[2])) if count and int(count[1]) else (None, None)
    return room[3], Disk(path, int(room[1]) * 1024, int(room[2]) * 1024, *counted)


def look(host: Host, references: Iterable[str], directory: str) -> tuple[Facts, Survey]:
    """Look at the host, its registry and our own clock in one round trip."""
    began = time.time()
    output = host.run(script(references, directory), doing="look at the host", private=True).stdout
    try:
        return facts.guarded(facts.parse(output)), parse(output, began, time.time())
    except (ValueError, KeyError, IndexError) as error:
        raise host.noise(str(error)) from error
