"""What the last `up` of a service made, and of what: while none of it is another, there is nothing to start."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from galos_ops.engines import notes
from galos_ops.engines.engine import Target
from galos_ops.engines.images.references import local_images
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.engines.snapshot.snapshot import Container

FILES = ("secrets", "configs")  # of a service in the compose file


def key(target: Target, file: bytes) -> str:
    """Return the sum of what containers are made of beside their image: the resolved compose file, and who reads it."""
    return sha256(f"{target.engine.docker_compose}\n".encode() + file).hexdigest()


def note(service: str, made: str) -> str:
    """Return a script that notes the containers whose IDs are its arguments, and the key of what they were made of."""
    words = f'{made} "$@"'
    return f"{notes.keep(service, notes.STARTED, words)} || :"


def unchanged(target: Target, images: ReleaseImages, made: str) -> Sequence[Container]:
    """Return the service's containers if the last `up` made them of the same, they run, and no others are there.

    Empty where this run has changed anything on the host since it looked: what it saw may be there no more. Also for
    one that Docker has restarted, so that it is looked at again, and for one with files that only docker-compose reads.
    """
    row = target.snapshot.rows()[target.name]
    noted, *ids = target.snapshot.started.get(target.name, "").split() or [""]
    own, services = target.snapshot.of(target.name), (target.name, target.service.migration.service)
    known = noted == made and set(ids) == {one.id for one in target.snapshot.containers if one.service in services}
    runs = all(one.state == "running" and not one.restarts and one.image == images.service.id for one in own)
    changed = target.host.changed or target.name in target.snapshot.stopped or local_images(target) != images
    return own if known and runs and not changed and not any(map(row.get, FILES)) else []
