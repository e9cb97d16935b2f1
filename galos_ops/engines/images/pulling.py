"""Fetching the images of a service onto a host, and what that would fetch."""

from __future__ import annotations

import re
from collections.abc import Callable

from galos_ops.engines.engine import Target
from galos_ops.engines.images import retention
from galos_ops.engines.images.pull_output import Layers, worth_showing
from galos_ops.engines.images.references import local_images, references
from galos_ops.engines.release_images import ID_AND_DIGESTS, ReleaseImages, digests
from galos_ops.engines.snapshot import registry
from galos_ops.errors import CommandFailed
from galos_ops.host.shell import lines

PULL_SECONDS = 1800
HINTS = (
    (r"no space left", "look at the host's disk: {ssh:docker system df}"),
    (r"manifest unknown|failed to resolve reference .*: not found", "see what is there: {fab:ecr.images}"),
    (r"", "{fab:ecr.check}"),
)
"""What a failed pull says, and what to type then."""


def pull(target: Target, tag: str | None, on_progress: Callable[[str], None]) -> ReleaseImages:
    """Fetch the images while what runs goes on, and learn their IDs; raises `CommandFailed`."""
    if images := _unchanged(target, tag):
        return images
    docker_compose = target.engine.docker_compose
    named, layers = references(target), Layers()
    sources, carrier = list(_sources(target, tag).values()), target.service.migration.service
    commands = [docker_compose.line("pull", *dict.fromkeys((target.name, carrier)))]
    if tag and tag != target.service.tag:
        others = [docker_compose.line("pull", carrier)] if len(sources) > 1 else []
        commands = [retention.pull_by_tag(target, sources[0]), *others]
        sources[0] = retention.candidate(target)

    def count(line: str) -> None:
        nonlocal layers
        layers = layers.after(line)
        on_progress(str(layers))

    fetched = " >&2 && ".join([*commands, f"ids=$({ID_AND_DIGESTS} {' '.join(sources)})"])
    new = f"case $ids in {target.running_image or 'none'}*) ;; *) {retention.sweep(target)} ;; esac"
    script = f"{fetched} || exit 1\nprintf '%s\\n' \"$ids\"\n{new}"
    result = target.unlocked(script, doing="pull", timeout=PULL_SECONDS, check=False, on_line=count)
    if not result.ok:
        raise CommandFailed(
            f"{target.label}: could not pull {_sources(target, tag)[named[0]]}; what ran before is untouched.",
            evidence=worth_showing(result.output),
            hint=target.host.typed.fill(next(hint for words, hint in HINTS if re.search(words, result.output))),
        )
    found = [line.partition(" ") for line in lines(result.stdout)]
    ids = [image for image, _, _ in found]
    known = {image: digests(references) for image, _, references in found}
    return ReleaseImages.of(named, dict(zip(dict.fromkeys(named), ids, strict=True)), known)


def newest(target: Target, tag: str | None) -> tuple[ReleaseImages, bool]:
    """Return what `pull` would fetch, and whether the host has it already; raises `CommandFailed`."""
    if images := _unchanged(target, tag):
        return images, True
    found = {name: registry.newest(target.host, source) for name, source in _sources(target, tag).items()}
    ids, known = {name: one.image for name, one in found.items()}, {one.image: one.digests for one in found.values()}
    return ReleaseImages.of(references(target), ids, known), all(one.here for one in found.values())


def _sources(target: Target, tag: str | None) -> dict[str, str]:
    """What is fetched for each reference: that, but for the service's own the image of a tag."""
    named = references(target)
    return dict(zip(named, named, strict=True)) | {named[0]: target.settings.image(target.service, tag)}


def _unchanged(target: Target, tag: str | None) -> ReleaseImages | None:
    """Return the images of the host where the registry said that its tags mean no others, when all was looked at.

    That may be long ago where a migration that an earlier run began had to be waited for.
    """
    answers, images = target.snapshot.registry, local_images(target)
    waited = any(target.snapshot.named(target.of(name).migrator) for name in target.settings.services)
    newest = (
        source == name and name in answers and answers[name].state == "newest"
        for name, source in _sources(target, tag).items()
    )
    if images is None or waited or not all(newest):
        return None
    known = {one.id: {*one.digests, answers[one.reference].digest or ""} - {""} for one in images.all}
    return ReleaseImages.of(references(target), target.snapshot.images, known)
