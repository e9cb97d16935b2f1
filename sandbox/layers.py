"""Tar archives and images whose bytes depend on nothing but their content."""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CREATED = "2026-08-01T12:00:00Z"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class File:
    """The content of one file and how it lies in an archive."""

    content: bytes
    mode: int = 0o644


def tree(folder: Path) -> dict[str, File]:
    """Read a folder of small files; of the mode, only the executable bit counts."""
    return {
        path.relative_to(folder).as_posix(): File(path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def tar(files: Mapping[str, File]) -> bytes:
    """Pack files owned by root, without times, in the order of their names."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, file in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(file.content), file.mode
            archive.addfile(member, io.BytesIO(file.content))
    return packed.getvalue()


def unpacked(archive: bytes) -> bytes:
    """The content of the one file in an archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        member = opened.extractfile(opened.getmembers()[0])
        return member.read() if member else b""


def digest(content: bytes) -> str:
    """The SHA-256 of `content` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Layer:
    """A layer as a registry keeps it, and the digest of what it unpacks to."""

    packed: bytes
    diff_id: str


@dataclass(frozen=True)
class Image:
    """An image as a registry keeps it; the same layers and config are the same image ID."""

    layers: tuple[Layer, ...]
    config: bytes

    @property
    def blobs(self) -> list[bytes]:
        """What the manifest refers to."""
        return [*(layer.packed for layer in self.layers), self.config]

    @functools.cached_property
    def manifest(self) -> bytes:
        """The manifest, as Docker pushes it."""

        def described(media_type: str, blob: bytes) -> dict[str, Any]:
            return {"mediaType": media_type, "size": len(blob), "digest": f"sha256:{digest(blob)}"}

        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": described("application/vnd.docker.container.image.v1+json", self.config),
                "layers": [
                    described("application/vnd.docker.image.rootfs.diff.tar.gzip", layer.packed)
                    for layer in self.layers
                ],
            }
        ).encode()


def layer(archive: bytes) -> Layer:
    """Compress an archive quickly, without a time in it."""
    return Layer(gzip.compress(archive, compresslevel=1, mtime=0), f"sha256:{digest(archive)}")


def image(layers: Sequence[Layer], config: Mapping[str, Any]) -> Image:
    """Describe an image of these layers that runs as `config` says."""
    description = {
        "architecture": "amd64",
        "os": "linux",
        "created": CREATED,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": CREATED, "created_by": "galos-ops sandbox"} for _ in layers],
    }
    return Image(tuple(layers), json.dumps(description, sort_keys=True).encode())
