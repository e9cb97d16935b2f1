"""What an image says of its making: the version and the revision of its source, by the labels of the OCI."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from galos_ops.host.host import Host
from galos_ops.host.shell import lines

LABEL = "org.opencontainers.image"
FORM = "\t".join(("{{.Id}}", *(f'{{{{index .Config.Labels "{LABEL}.{name}"}}}}' for name in ("version", "revision"))))
DIGITS = 12  # of a revision that is shown
SILENT = ("", "<no value>")


@dataclass(frozen=True)
class Made:
    """Of what an image was made; None where it does not say."""

    version: str | None = None
    revision: str | None = None

    def __str__(self) -> str:
        parts = (self.version, self.revision and self.revision[:DIGITS])
        return " ".join(part for part in parts if part)


def made(host: Host, images: Iterable[str]) -> dict[str, Made]:
    """Return what the images with these IDs say that are on the host."""
    wanted = sorted(set(filter(None, images)))
    if not wanted:
        return {}
    script = f"docker image inspect -f {shlex.quote(FORM)} {' '.join(wanted)} 2>/dev/null; true"
    rows = (line.split("\t") for line in lines(host.run(script, doing="look at the images").stdout))
    return {row[0]: Made(*(None if said in SILENT else said for said in row[1:])) for row in rows if len(row) == 3}


def change(before: Made | None, after: Made | None) -> str:
    """Return from what to what an image changes, as far as they say it; None is one that is not here."""
    old, new = str(before or ""), "?" if after is None else str(after)
    return " → ".join(filter(None, (old, new))) if old else str(after or "")
