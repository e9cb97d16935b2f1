"""What a tag means in the registry now, asked from the host with its own engine and helper; nothing is fetched."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from galos_ops.errors import CommandFailed
from galos_ops.host.host import Host

SECONDS = 45


@dataclass(frozen=True)
class Newest:
    """What a tag means: the digest of the manifest, and the ID that the image has, or will have, on the host."""

    digest: str
    image: str


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
            evidence=asked.output if not asked.ok else "",
            hint=host.typed.fab("ecr.check"),
        )
    return found


def parse(text: str, architecture: str) -> Newest | None:
    """Read `docker manifest inspect -v`: one manifest, or a list of them of which the host's is taken."""
    try:
        tree = json.loads(text)
        rows = tree if isinstance(tree, list) else [tree]
        fitting = [row for row in rows if row["Descriptor"].get("platform", {}).get("architecture") == architecture]
        row = (fitting or rows)[0]
        manifest = row.get("SchemaV2Manifest") or row.get("OCIManifest") or {}
        return Newest(row["Descriptor"]["digest"], manifest["config"]["digest"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def on_host(host: Host, reference: str, image: Newest) -> str | None:
    """The ID under which the host has an image already, under whatever tag; None where it must be fetched."""
    name = reference.rpartition(":")[0]
    look = "docker image inspect -f '{{.Id}}'"
    asked = host.run(
        f"{look} {shlex.quote(f'{name}@{image.digest}')} 2>/dev/null || {look} {image.image} 2>/dev/null",
        doing="look for the image",
        check=False,
    )
    return asked.stdout.strip() or None
