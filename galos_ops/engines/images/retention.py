"""The images that a host keeps: those of the last releases, each with a tag that spares it from pruning."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import asdict
from hashlib import sha256

from galos_ops.config.settings import Settings
from galos_ops.engines import notes
from galos_ops.engines.engine import HeldTarget, Target
from galos_ops.engines.release_images import DIGESTS, ID
from galos_ops.host.lock import fence
from galos_ops.host.release_log import EVENT_MIGRATE, LOG, Release, append, release


def record(target: HeldTarget, line: Release, *, then: str = "") -> None:
    """Append a release to the log, tag its image so that pruning spares it, untag those beyond `releases.keep`.

    `then` is a script that follows.
    """
    target.change(
        f"{append(line)}\ndocker tag {line.image} {own(target)}:{line.image.partition(':')[2][:12]} || exit 1\n"
        f"{_unneeded(target, f'cat {LOG}')} |\n"
        'while read -r old; do docker rmi "$old" >/dev/null || echo "kept: $old"; done\n'
        f"docker rmi {candidate(target)} >/dev/null 2>&1\n{_sweep(target)}\n{then}\ntrue",
        doing="record the release",
    )


def beyond_keep(target: Target, image: str) -> list[str]:
    """The release tags that `record` would remove once it has added that of an image."""
    line = shlex.quote(
        json.dumps(asdict(release("deploy", target.name, target.service.tag, image)), ensure_ascii=False)
    )
    log = f"cat {LOG} 2>/dev/null; printf '%s\\n' {line}"
    return target.run(_unneeded(target, log), doing="look at the releases").stdout.split()


def pull_by_tag(target: Target, reference: str) -> str:
    """A script that fetches an image by a tag that stays only if the host had it before: `candidate` keeps the image.

    The candidate of an earlier deploy goes, and its image with it unless a release is of that. A digest is no tag.
    With its last tag of the repository Docker forgets the image's digest there, too, which is fetched again then.
    """
    found = f"digest=$({DIGESTS} {reference} | grep -m 1 -F {repository(target)}@)"
    again = f'{found} && docker rmi {reference} && docker pull -q "$digest"'
    untag = "" if "@" in reference else f' && {{ [ "$had" ] || {{ {again}; }} >&2; }}'
    return (
        f"had=$({ID} {reference} 2>/dev/null); docker pull {reference} >&2 && "
        f"{{ docker rmi {candidate(target)} >/dev/null 2>&1; docker tag {reference} {candidate(target)}; }}{untag}"
    )


def sweep(target: Target) -> str:
    """A script that removes what of its repositories no tag names any more, such as an image whose deploy failed.

    It does so where the lock is ours: what another run has just fetched may have lost its tag.
    """
    return f"( {fence(target.lock)}\n{_sweep(target)} ) >&2 || :" if isinstance(target, HeldTarget) else ":"


def _sweep(target: Target) -> str:
    """By their digests: what has any tag keeps its image, and so does what a container is, or is to be, made of."""
    ours = "|".join(f"{each}@sha256:*" for each in repositories(target))
    return (
        f"kept=$(cat {notes.path(notes.ANY, notes.STOPPED)} 2>/dev/null)\n"
        "docker images -f dangling=true --no-trunc --digests --format '{{.ID}} {{.Repository}}@{{.Digest}}' |\n"
        "while read -r image old; do case $kept in *$image*) continue ;; esac\n"
        f"case $old in {ours})"
        ' docker rmi "$old" >/dev/null 2>&1 ;; esac; done'
    )


def repository(target: Target) -> str:
    """The repository that the service is pulled from, as references have it."""
    return f"{target.settings.ecr.registry}/{target.service.repository}"


def repositories(target: Target) -> tuple[str, ...]:
    """The same, with that of the image which carries the migrations where it has one of its own."""
    started = target.snapshot.services().get(target.service.migration.service, "")
    carrier = re.sub(r"(:[^/@]*)?(@.*)?$", "", started)
    ours = carrier.startswith(f"{target.settings.ecr.registry}/")
    return tuple(dict.fromkeys((repository(target), *([carrier] if ours else []))))


def candidate(target: Target) -> str:
    """The tag that keeps an image until a release of it is recorded."""
    return f"{own(target)}:candidate"


def own(target: Target) -> str:
    """The repository of our own tags, which are on the host alone; each directory but the usual one has its own."""
    directory = target.settings.directory
    other = "" if directory == Settings().directory else f"-{sha256(directory.encode()).hexdigest()[:8]}"
    return f"galos-ops/{target.service.repository}{other}"


def _unneeded(target: Target, log: str) -> str:
    """A script that prints the release tags of images that are not among the last releases of any service.

    `log` prints the log, whose order decides: its times are those of the operators' clocks. A line that was cut short
    is no release.
    """
    of_images = f"""grep -F '"image": "sha256:' | grep -vF {shlex.quote(EVENT_MIGRATE)}"""
    started = f'grep -F -e "$one" | {of_images} | tail -n {target.settings.releases.keep}'
    return "\n".join(
        (
            f"log=$({{ {log}; }} | sed -n '/}}$/p')",
            'last=$(printf \'%s\\n\' "$log" | grep -o \'"service": "[^"]*"\' | sort -u | while IFS= read -r one; do',
            f"printf '%s\\n' \"$log\" | {started}; done)",
            f"docker images --no-trunc --format '{{{{.ID}}}} {{{{.Repository}}}}:{{{{.Tag}}}}' {own(target)} |",
            'while read -r image old; do case $last in *"\\"image\\": \\"$image\\""*) ;; *) echo "$old" ;; esac; done',
        )
    )


def kept(target: Target, image: str) -> bool:
    """Whether the host still has the image of a release."""
    return target.run(f"{ID} {image}", doing="look for the image", check=False).ok
