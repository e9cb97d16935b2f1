"""What a tag means in the registry now, asked from the host with its own engine and helper; nothing is fetched."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from galos_ops.engines import release_images
from galos_ops.errors import CommandFailed
from galos_ops.host.host import Host

SECONDS = 45
STATUS_SECONDS = 20
ABSENT = "sha256:" + "0" * 64  # the digest of no image
FAILURE = "level=(error|info) .*error="  # in the credential helper's log; info where it falls back to an old token
SIZE = '$(wc -c 2>/dev/null <"$log")'
MARK_LOG = f'log="$HOME/.ecr/log/ecr-login.log"; size={SIZE}'
LOGGED = f'[ "{SIZE}" = "$size" ] || tail -c "+$((size + 1))" "$log" 2>/dev/null | grep -E "{FAILURE}" | tail -n 1'
"""Prints the last failure that the helper has logged since `MARK_LOG`."""


@dataclass(frozen=True)
class Admission:
    """Whether the registry lets a host in, and whether by an old token; `output` is all that was said."""

    granted: bool
    by_old_token: bool
    output: str


def ask_admission(host: Host, repository: str, helper: str) -> Admission:
    """Ask for an image that cannot exist: only whoever is let in hears "not found", and nothing is fetched.

    `docker manifest inspect` calls a refused login "no such manifest" (20.10 to 28), so it cannot tell. The helper
    returns an old token while AWS refuses its keys; only its log tells.
    """
    asked = host.run(
        f"{MARK_LOG}\n"
        f"timeout {SECONDS} docker pull -q {repository}@{ABSENT} 2>&1 || "
        f"[ $? != 124 ] || echo 'no answer after {SECONDS} s'\n"
        f"command -v {helper} >/dev/null || echo '{helper} is not on the PATH'\n{LOGGED}",
        doing="ask the registry",
        timeout=SECONDS + 15,
        check=False,
    )
    granted = re.search(rf"{ABSENT}:? not found", asked.stdout) is not None
    return Admission(granted, re.search(FAILURE, asked.stdout) is not None, asked.output)


def has(host: Host, reference: str) -> bool:
    """Whether the registry has an image, for a host that it lets in."""
    script = f"timeout {SECONDS} docker manifest inspect {reference} >/dev/null"
    return host.run(script, doing="look for the image", check=False).ok


@dataclass(frozen=True)
class Newest:
    """What a tag means: the ID that the image has, or will have, on the host, and whether it is there already.

    `digests` are the registry's, of each platform.
    """

    image: str
    here: bool
    digests: tuple[str, ...] = ()


def newest(host: Host, reference: str) -> Newest:
    """Ask the registry for a reference; raises `CommandFailed` with Docker's words when it does not tell."""
    asked = host.run(
        f"docker version --format '{{{{.Server.Arch}}}}' && "
        f"timeout {SECONDS} docker manifest inspect -v {shlex.quote(reference)}",
        doing="ask the registry",
        timeout=SECONDS + 15,
        check=False,
    )
    architecture, _, manifests = asked.stdout.partition("\n")
    found = parse(manifests, architecture) if asked.ok else None
    if found is None:
        raise CommandFailed(
            f"{host.name}: the registry does not tell what {reference} is.",
            evidence=asked.output.removeprefix(f"{architecture}\n") if not asked.ok else "",
            hint=host.typed.fab("ecr.check"),
        )
    digest, image = found
    name = reference.rpartition("@" if "@" in reference else ":")[0]
    look, local = "docker image inspect -f '{{.Id}}'", shlex.quote(f"{name}@{digest}")
    script = f"{look} {local} 2>/dev/null || {look} {image} 2>/dev/null"  # under whatever tag
    there = host.run(script, doing="look for the image", check=False).stdout.strip()
    return Newest(there or image, bool(there), tuple(digests(manifests)))


def parse(text: str, architecture: str) -> tuple[str, str] | None:
    """Read the manifest's digest and its configuration's, the image's ID, from `docker manifest inspect -v`.

    Of a list of manifests the host's is taken; None where there is none.
    """
    try:
        tree = json.loads(text)
        rows = tree if isinstance(tree, list) else [tree]
        fitting = [row for row in rows if row["Descriptor"].get("platform", {}).get("architecture") == architecture]
        row = (fitting or rows)[0]
        manifest = row.get("SchemaV2Manifest") or row.get("OCIManifest") or {}
        return row["Descriptor"]["digest"], manifest["config"]["digest"]
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


@dataclass(frozen=True)
class Registry:
    """Whether the image that the tag means on the host is what it means in the registry; `digest` is the registry's."""

    state: str
    digest: str | None = None
    reason: str | None = None


def compare(references: Iterable[str]) -> str:
    """Ask what each tag means there, and of a list of images what the host's own digests do, which tells lists apart.

    Says what the images are on the host, too. Downloads nothing, and does not need the engine.
    """
    names = " ".join(references)
    return f"""{MARK_LOG}
silent=  # one that does not answer is waited for once
ask() {{
  [ ! "$silent" ] || return 124
  timeout {STATUS_SECONDS} docker manifest inspect -v "$1" </dev/null
}}
# the host's own image and its digests, a line for each reference, while the registry is asked
for reference in {names}; do
echo $(inspect "$reference" 2>/dev/null)
done | for reference in {names}; do
now=$(ask "$reference" 2>&1); code=$?; [ $code != 124 ] || silent=yes
say registry "$reference $code $(pack "$now")"
read -r here
[ -z "$here" ] || say image "$reference $here"
for digest in $here; do
case $digest in "${{reference%:*}}"@*) ;; *) continue ;; esac
case $now in *"${{digest#*@}}"*) own=$now ;;
[[]*) own=$(ask "$digest" 2>/dev/null) || [ $? != 124 ] || silent=yes ;;
*) own= ;; esac
say own "$reference 0 $(pack "$own")"; done; done
error=$({LOGGED})
[ -z "$error" ] || say helper_error "$(pack "$error")"
"""


Said = tuple[str, int, str]
"""What `docker manifest inspect -v` said about a reference: that, the exit code, the text."""


def answers(tags: Iterable[Said], own: Iterable[Said], helper_error: str) -> dict[str, Registry]:
    """What the registry has for each reference, beside its answers for the digests that the host has."""
    local = [(reference, text) for reference, _, text in own]
    return {
        reference: compared(code, text, [mine for about, mine in local if about == reference], helper_error)
        for reference, code, text in tags
    }


def compared(code: int, answer: str, own: list[str], helper_error: str) -> Registry:
    """What an answer for the tag means, beside those for the digests that the host has."""
    if code:
        silent = f"no answer after {STATUS_SECONDS} s" if code == 124 else ""
        last = (answer.strip().splitlines() or [f"docker manifest inspect ended with exit {code}"])[-1]
        return Registry("unknown", reason=silent or helper_error or last)
    found = digests(answer)
    if not found:
        return Registry("unknown", reason="the registry's answer is not a manifest")
    return Registry("newest" if found in map(digests, own) else "newer", digest=found[0])


def digests(answer: str) -> list[str]:
    """The digests in an answer of `docker manifest inspect -v`: one, or one for each platform, attestations last."""
    try:
        rows = json.loads(answer)
        described = [row["Descriptor"] for row in (rows if isinstance(rows, list) else [rows])]
        ordered = sorted(described, key=lambda one: (one.get("platform") or {}).get("os") == "unknown")
        return [one["digest"] for one in ordered if re.fullmatch(r"sha256:[0-9a-f]{64}", one["digest"])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def local_digests(host: Host, images: Collection[str]) -> set[str]:
    """The registry's digests of images that the host has, by their IDs."""
    if not images:
        return set()
    form = '{{join .RepoDigests " "}}'
    result = host.run(f"docker image inspect -f {shlex.quote(form)} {' '.join(images)}", doing="look at the images")
    return {*release_images.digests(result.stdout)}
