"""Fetching the images of a service, which needs no lock: what runs goes on as it is."""

from __future__ import annotations

from galos_ops.engines.pull_output import Layers, worth_showing
from galos_ops.engines.target import ID, ReleaseImages, Target
from galos_ops.errors import CommandFailed
from galos_ops.progress import SAME, Report, short

PULL_SECONDS = 1800
FULL = "look at the host's disk: {ssh:docker system df}"


def pull(target: Target, report: Report, tag: str | None = None) -> ReleaseImages:
    """Fetch the images while the old container runs on, and learn their IDs; raises `CommandFailed`."""
    references = target.references()
    service, carrier = target.name, target.service.migration.service
    sources = list(dict.fromkeys(references))
    lines = [target.compose.pull(dict.fromkeys((service, carrier)))]
    if tag and tag != target.service.tag:
        others = [target.compose.pull([carrier])] if len(sources) > 1 else []
        sources[0] = target.settings.image(target.service, tag)
        lines = [f"docker pull {sources[0]}", *others]
    layers = Layers()

    def count(line: str) -> None:
        nonlocal layers
        layers = layers.after(line)
        report.progress(str(layers))

    with report.step("pull") as step:
        script = target.compose.here(" >&2 && ".join([*lines, f"{ID} {' '.join(sources)}"]))
        result = target.host.change(script, doing="pull", timeout=PULL_SECONDS, check=False, on_line=count)
        if not result.ok:
            raise CommandFailed(
                f"{target.label}: could not pull {sources[0]}; what ran before is untouched.",
                evidence=worth_showing(result.output),
                hint=target.host.typed.fill(FULL if "no space left" in result.output else "{fab:ecr.check}"),
            )
        ids = dict(zip(dict.fromkeys(references), result.stdout.split(), strict=True))
        images = ReleaseImages.of(references, ids)
        image, old = images.service.id, target.running.image if target.running else None
        step.detail = short(image) if old in (None, image) else f"{short(old or '')} → {short(image)}"
        step.mark = SAME if old == image else step.mark
    return images
