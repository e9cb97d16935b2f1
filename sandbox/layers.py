"""Tar archives and images whose bytes depend on nothing but their content."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CREATED = "2026-08-01T12:00:00Z"


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


def image(tag: str, layers: Sequence[bytes], config: Mapping[str, Any]) -> bytes:
    """Pack an image for `docker load`; the same layers and config are the same image ID."""
    description = {
        "architecture": "amd64",
        "os": "linux",
        "created": CREATED,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(layer)}" for layer in layers]},
        "history": [{"created": CREATED, "created_by": "galos-ops sandbox"} for _ in layers],
    }
    described = json.dumps(description, sort_keys=True).encode()
    names = [f"{digest(layer)}.tar" for layer in layers]
    manifest = [{"Config": f"{digest(described)}.json", "RepoTags": [tag], "Layers": names}]
    return tar(
        {
            "manifest.json": File(json.dumps(manifest).encode()),
            f"{digest(described)}.json": File(described),
            **{name: File(layer) for name, layer in zip(names, layers, strict=True)},
        }
    )
