"""Fetching the images of a service onto a host, and what that would fetch."""

from __future__ import annotations

from collections.abc import Callable

from galos_ops.engines.engine import ID, ReleaseImages, Target
from galos_ops.engines.images import retention
from galos_ops.engines.images.pull_output import Layers, worth_showing
from galos_ops.engines.snapshot import registry
from galos_ops.errors import CommandFailed

PULL_SECONDS = 1800
FULL = "look at the host's disk: {ssh:docker system df}"


def pull(target: Target, tag: str | None, on_progress: Callable[[str], None]) -> ReleaseImages:
    """Fetch the images while what runs goes on, and learn their IDs; raises `CommandFailed`."""
    if images := _unchanged(target, tag):
        return images
    docker_compose = target.engine.docker_compose
    references, layers = target.references(), Layers()
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

    fetched = " >&2 && ".join([*commands, f"ids=$({ID} {' '.join(sources)})"])
    new = f"case $ids in {target.running_image or 'none'}*) ;; *) {retention.sweep(target)} ;; esac"
    script = f"{fetched} || exit 1\nprintf '%s\\n' \"$ids\"\n{new}"
    result = target.unlocked(script, doing="pull", timeout=PULL_SECONDS, check=False, on_line=count)
    if not result.ok:
        raise CommandFailed(
            f"{target.label}: could not pull {_sources(target, tag)[references[0]]}; what ran before is untouched.",
            evidence=worth_showing(result.output),
            hint=target.host.typed.fill(FULL if "no space left" in result.output else "{fab:ecr.check}"),
        )
    return ReleaseImages.of(references, dict(zip(dict.fromkeys(references), result.stdout.split(), strict=True)))


def newest(target: Target, tag: str | None) -> tuple[ReleaseImages, bool]:
    """Return what `pull` would fetch, and whether the host has it already; raises `CommandFailed`."""
    if images := _unchanged(target, tag):
        return images, True
    found = {name: registry.newest(target.host, source) for name, source in _sources(target, tag).items()}
    ids = {name: one.image for name, one in found.items()}
    return ReleaseImages.of(target.references(), ids), all(one.here for one in found.values())


def _sources(target: Target, tag: str | None) -> dict[str, str]:
    """What is fetched for each reference: that, but for the service's own the image of a tag."""
    references = target.references()
    return dict(zip(references, references, strict=True)) | {references[0]: target.settings.image(target.service, tag)}


def _unchanged(target: Target, tag: str | None) -> ReleaseImages | None:
    """Return the images of the host where the registry said that its tags mean no others, when all was looked at.

    That may be long ago where a migration that an earlier run began had to be waited for.
    """
    answers, images = target.snapshot.registry, target.local_images()
    waited = any(target.snapshot.named(target.of(name).migrator) for name in target.settings.services)
    newest = (
        source == name and name in answers and answers[name].state == "newest"
        for name, source in _sources(target, tag).items()
    )
    return images if all(newest) and not waited else None
