"""Images: what a reference is to mean, and how Docker is asked for that."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

ID = "docker image inspect -f '{{.Id}}'"
ID_AND_DIGESTS = "docker image inspect -f '{{.Id}}{{range .RepoDigests}} {{.}}{{end}}'"  # beside `.Id` no `join` works
DIGESTS = "docker image inspect -f '{{range .RepoDigests}}{{println .}}{{end}}'"


@dataclass(frozen=True)
class Image:
    """A reference, and the ID of the image that it is to mean.

    `digests` are those that registries know it by. Where engines keep images in another way, one image has other IDs.
    """

    reference: str
    id: str
    digests: frozenset[str] = field(default=frozenset(), compare=False)

    def same(self, other: Image) -> bool:
        """Whether it is the same image as that of another host."""
        return self.id == other.id or not self.digests.isdisjoint(other.digests)


@dataclass(frozen=True)
class ReleaseImages:
    """The image of a service, and the one that carries its migrations, which mostly is the same one."""

    service: Image
    migrations: Image

    @staticmethod
    def of(
        references: tuple[str, str], ids: Mapping[str, str], digests: Mapping[str, Collection[str]] | None = None
    ) -> ReleaseImages:
        """Return the images that two references mean, by their IDs, and with the digests of these."""
        known = digests or {}
        service, migrations = (
            Image(reference, ids[reference], frozenset(known.get(ids[reference], ()))) for reference in references
        )
        return ReleaseImages(service, migrations)

    @property
    def all(self) -> tuple[Image, ...]:
        """Each image once."""
        return tuple(dict.fromkeys((self.service, self.migrations)))

    def same(self, other: ReleaseImages) -> bool:
        """Whether they are the same images as those of another host."""
        return self.service.same(other.service) and self.migrations.same(other.migrations)


def digests(references: str) -> list[str]:
    """Return the digests in an image's `REPOSITORY@DIGEST`s, with a space between them."""
    return [reference.partition("@")[2] for reference in references.split()]
