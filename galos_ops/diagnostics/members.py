"""What differs between hosts that are meant to be alike, such as those of a fleet; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from galos_ops.engines.release_images import Image
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.progress import short


@dataclass(frozen=True)
class Running:
    """The ID of the image that a service runs on a host, None for none."""

    host: str
    image: str | None


@dataclass(frozen=True)
class Difference:
    """Of a service: what runs on each host, where that is not the same image everywhere.

    `variables` are the names of those that docker-compose does not give it alike on all hosts.
    """

    service: str
    images: tuple[Running, ...]
    variables: tuple[str, ...]

    @property
    def sentences(self) -> Iterator[str]:
        """Say it, without a value of any variable."""
        on: dict[str | None, list[str]] = {}
        for one in self.images:
            on.setdefault(one.image, []).append(one.host)
        shown = [f"{short(image) if image else 'nothing'} runs on {', '.join(hosts)}" for image, hosts in on.items()]
        if shown:
            yield f"{self.service}: {'; '.join(shown)}"
        if self.variables:
            yield f"{self.service}: not given the same everywhere: {', '.join(self.variables)}"


def differences(snapshots: Mapping[str, Snapshot], services: Iterable[str]) -> list[Difference]:
    """Compare services on hosts by their names; what a host does not tell of itself is not compared."""
    found = [Difference(service, _images(snapshots, service), _variables(snapshots, service)) for service in services]
    return [one for one in found if one.images or one.variables]


def _images(snapshots: Mapping[str, Snapshot], service: str) -> tuple[Running, ...]:
    known = {host: _running(one, service) for host, one in snapshots.items() if one.engine and one.flavour}
    first = next(iter(known.values()), None)
    alike = (one.same(first) if one and first else one is first for one in known.values())
    return () if all(alike) else tuple(Running(host, one.id if one else None) for host, one in known.items())


def _running(snapshot: Snapshot, service: str) -> Image | None:
    one = snapshot.container(service)
    if one is None or not one.alive:
        return None
    return Image(service, one.image, frozenset(snapshot.digests.get(one.image, ())))


def _variables(snapshots: Mapping[str, Snapshot], service: str) -> tuple[str, ...]:
    given = [one.given(service) for one in snapshots.values() if service in one.rows()]
    names = sorted(set[str]().union(*given))
    return tuple(name for name in names if len({each.get(name) for each in given}) > 1)
