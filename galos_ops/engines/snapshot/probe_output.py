"""Reading what a probe printed; pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timezone

from galos_ops.engines import notes
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.release_images import digests
from galos_ops.engines.snapshot import cluster, registry
from galos_ops.engines.snapshot.cluster import Cluster
from galos_ops.engines.snapshot.snapshot import FREE, LOSSLESS, STOPPING, Container, FreeSpace, Snapshot
from galos_ops.host.hold import Hold
from galos_ops.host.holder import LockState
from galos_ops.host.shell import lines
from galos_ops.redaction import Secret

WITHDRAWN = "withdrawn"  # what is said of a service in place of an event, of a migration that did not begin


def parse(output: str, parts: AbstractSet[str] = frozenset(), began: float = 0.0, ended: float = 0.0) -> Snapshot:
    """Return the snapshot of what was printed between two times of our clock.

    Raises `ValueError` for a line that no probe prints, and where one of the parts did not come to its end.
    """
    values: dict[str, list[str]] = {}
    for line in lines(output):
        key, tab, value = line.partition("\t")
        if not tab:
            raise ValueError(f"not a line of the probe: {line!r}")
        values.setdefault(key, []).append(value)

    def every(key: str) -> list[str]:
        return values.get(key, [])

    def last(key: str) -> str:
        return values.get(key, [""])[-1]

    def text(key: str) -> str:
        return unpack(last(key))

    def pairs(key: str) -> Iterator[tuple[str, str]]:
        return ((name, value) for name, _, value in (line.rpartition(" ") for line in every(key)))

    if lost := parts - set(every("part")):
        raise ValueError(f"the host did not say: {', '.join(sorted(lost))}")
    now, helper_error = int(last("time") or 0), text("helper_error").strip()
    found = [(*line.split(" ", 3), "")[:4] for line in every("image")]
    images = {reference: image for reference, image, *_ in found}
    swarm = cluster.read(every("cluster"))
    texts, unreadable = _files(pairs("file"))
    stopped = [[*line.split(" "), ""][:3] for line in every(notes.STOPPED)]
    return Snapshot(
        directories=tuple(every("directory")),
        engine=last("engine"),
        architecture=last("architecture"),
        built=dict(pairs("built")),
        engine_error=text("engine_error"),
        flavour=DockerCompose.of(last("flavour")),
        compose_file=last("compose_file"),
        environment=Secret(_bytes(last("environment")).decode(errors=LOSSLESS)) if every("environment") else None,
        config=Secret(text("config")),
        config_error=Secret(text("config_error")),
        containers=(*map(container, every("container")), *(cluster_containers(swarm, images) if swarm else ())),
        images=images,
        created={image: moment(when) for _, image, when, _ in found},
        digests={image: tuple(digests(named)) for _, image, _, named in found if named},
        passed=dict(pairs(notes.PASSED)),
        stopped={name: image for name, image, _ in stopped},
        stopped_at={name: at for name, _, at in stopped},
        started={name: noted for name, _, noted in (line.partition(" ") for line in every(notes.STARTED))},
        migrating=text("migrating").strip() if every("migrating") else None,
        recorded=dict(pairs("recorded")),
        logged=logged(pairs("logged")),
        private=tuple(Secret(_text(packed)) for packed in (*every("private"), *every("environment"))),
        time=now,
        clock_difference=clock_difference(now, began, ended) if now else 0,
        hold=Hold.of(text("hold")),
        lock=LockState.of(text("holder")) if every("holder") else FREE,
        disks=tuple(dict(map(_disk, every("disk"))).values()),
        registry=registry.answers(map(_answer, every("registry")), map(_answer, every("own")), helper_error),
        helper_error=helper_error,
        stores=frozenset(every("store")),
        user=last("user"),
        groups=tuple(last("groups").split()),
        exported=frozenset(last("exported").split()),
        writable=not every("read_only"),
        texts=texts,
        unreadable=unreadable | {unpack(path): _reason(unpack(said)) for path, said in pairs("unreadable")},
        modes={unpack(path): int(mode, 8) for path, mode in pairs("mode")},
        cluster=swarm,
    )


def logged(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The event that the log has last of each service, without a migration that was withdrawn."""
    events: dict[str, list[str]] = {}
    for service, event in pairs:
        its = events.setdefault(service, [])
        if event != WITHDRAWN:
            its.append(event)
        elif its:
            its.pop()
    return {service: its[-1] for service, its in events.items() if its}


def container(line: str) -> Container:
    """A container as `docker inspect` prints it in the form `CONTAINER`; raises `ValueError`.

    One of a lifecycle hook, which docker-compose does not label so, is a one-off container too.
    """
    row = json.loads(line)
    try:
        name, oneoff = row["name"].lstrip("/"), bool(row.pop("hook")) or row["oneoff"] == "True"
        times = {key: moment(row[key]) for key in ("started", "finished")}
        return Container(**{**row, "name": name, "oneoff": oneoff, **times})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a container: {line!r}") from error


def cluster_containers(found: Cluster, images: Mapping[str, str]) -> Iterator[Container]:
    """What the stacks of a cluster run, and each of their services that is to run nothing.

    `images` are IDs by reference. First of a service comes what runs and is of its file, last what is to end, as on a
    node that is lost.
    """
    for service in (one for one in found.services if one.stack):
        reference = cluster.reference(service.image)
        stopped = Container(
            id=service.id,
            image=images.get(reference, reference),
            state="exited",
            restarts=0,
            name=service.name,
            service=service.name.removeprefix(f"{service.stack}_"),
            oneoff=False,
            project=service.stack,
            directory="",
            finished=moment(service.updated),
            stack=service.stack,
            sum=service.sum,
        )
        alive = (task for task in found.tasks if task.service == service.id and task.alive)
        tasks = sorted(alive, key=lambda task: (task.stopping, task.state != "running", task.sum != service.sum))
        for task in tasks:
            reference = cluster.reference(task.image)
            yield replace(
                stopped,
                id=task.id,
                image=images.get(reference, reference),
                state=STOPPING if task.stopping else task.state,
                name=f"{service.name}.{task.slot}",
                started=moment(task.since),
                finished=None,
                node=found.node_name(task.node),
                sum=task.sum,
            )
        if all(task.stopping for task in tasks):
            yield stopped


def moment(text: str) -> str | None:
    """A time as Docker writes it, as UTC in ISO 8601 with whole seconds; None for none and for Docker's zero."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if not match or match[1].startswith("0001-"):
        return None
    zone = match[2].replace("Z", "+00:00")
    return datetime.fromisoformat(match[1] + zone).astimezone(timezone.utc).isoformat()


def unpack(text: str) -> str:
    """A text of several lines, as the script packs it, with a newline at its end."""
    return _text(text).removesuffix("\n")


def _text(packed: str) -> str:
    return _bytes(packed).decode(errors="replace")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def clock_difference(reported: int, began: float, ended: float) -> int:
    """Seconds a clock is ahead of ours; 0 where its whole second `reported` may lie between two moments of ours."""
    return round(max(0.0, reported - ended) or min(0.0, reported + 1 - began))


def _files(packed: Iterator[tuple[str, str]]) -> tuple[dict[str, Secret], dict[str, str]]:
    """The texts of files by path, and why the others are none."""
    texts: dict[str, Secret] = {}
    unreadable: dict[str, str] = {}
    for path, text in packed:
        try:
            texts[unpack(path)] = Secret(base64.b64decode(text).decode())
        except UnicodeDecodeError:
            unreadable[unpack(path)] = "it is not UTF-8 text"
    return texts, unreadable


def _reason(said: str) -> str:
    """The last thing that the shell said of a file which it could not open."""
    return (said.strip().splitlines() or ["it cannot be read"])[-1].rpartition(": ")[2]


def _answer(line: str) -> tuple[str, int, str]:
    reference, code, text = line.split(" ")
    return reference, int(code), unpack(text)


def _disk(line: str) -> tuple[str, FreeSpace]:
    """A disk by the place where it is mounted; the second line of df is nothing where inodes are not counted."""
    path, blocks, inodes = map(unpack, line.split(" "))
    columns = r".*?(\d+)\s+\d+\s+(\d+)\s+(?:\d+%|-)\s+(/.*)"
    size, count = re.fullmatch(columns, blocks), re.fullmatch(columns, inodes)
    if not size:
        raise ValueError(f"not a line of df: {blocks!r}")
    counted = (int(count[1]), int(count[2])) if count and int(count[1]) else (None, None)
    return size[3], FreeSpace(path, int(size[1]) * 1024, int(size[2]) * 1024, *counted)
