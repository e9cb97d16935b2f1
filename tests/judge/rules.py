"""What no run may break (docs/promises.md), each as a rule over what the host's engine and the database recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.judge.record import Container, Event, Kind, Record, Run
from tests.judge.sessions import Session

SENTINEL = "galos-judge-"
KEPT_NETWORKS = ("_default", "_default_overlay", "ingress", "docker_gwbridge")
"""The networks of a compose project, of a stack, and those that a Swarm makes for itself when it needs them."""
OF_THE_ENGINE = ("bridge", "host", "none")  # it may make them anew when it starts


@dataclass(frozen=True)
class State:
    """What a host holds at one moment: `tags` maps references to image IDs, `files` are temporary ones of ours."""

    containers: tuple[Container, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    remembered: frozenset[str] = frozenset()  # services with a clean answer that the library remembers


@dataclass(frozen=True)
class Evidence:
    """All that a test is judged by; times are nanoseconds since 1970."""

    record: Record
    carried: Mapping[str, frozenset[str]]  # migrations by release
    databases: Mapping[str, str]  # the database of each service
    begun: Mapping[str, Mapping[str, int]]  # by database: migrations that were applied and when each began
    applied: Mapping[str, Mapping[str, int]]  # by database: migrations and when each was applied
    sessions: tuple[Session, ...] = ()
    before: State = State()
    after: State = State()
    by_hand: tuple[tuple[int, int], ...] = ()  # when the test acted on the host itself
    keep: int = 5
    tags: frozenset[str] = frozenset({"latest"})  # what the services of the configuration run
    others: frozenset[str] = frozenset()  # services that somebody else looks after
    application: str = "galos-sync"  # the name that the service gives itself at the database

    def typed(self, time: int) -> bool:
        """Whether the test acted by hand at that time."""
        return any(start <= time <= end for start, end in self.by_hand)

    @property
    def starts(self) -> list[Run]:
        """The starts of containers of services, but those by hand and what a restart policy made of these."""
        by_hand: set[str] = set()
        found = []
        for run in self.record.runs:
            if run.asked or self.typed(run.start):
                (by_hand.add if self.typed(run.start) else by_hand.discard)(run.container.id)
            ours = run.container.kind == "service" and run.container.service not in self.others
            if run.start and ours and run.container.id not in by_hand:
                found.append(run)
        return found

    @property
    def migrations(self) -> list[Run]:
        """What migrated, but what the test began by hand."""
        return [run for run in self.runs("migration") if run.start and not self.typed(run.start)]

    def runs(self, kind: Kind, service: str | None = None) -> list[Run]:
        """Every life of the containers of a kind, of one service or of all whose database is known."""
        wanted = self.databases if service is None else (service,)
        return [run for run in self.record.runs if run.container.kind == kind and run.container.service in wanted]

    def clean(self, service: str, release: str, time: int) -> bool:
        """Whether at that time exactly what the release carries was applied to the service's database."""
        return release in self.carried and self.done(service, time) == self.carried[release]

    def done(self, service: str, time: int) -> frozenset[str]:
        """The migrations that were applied to the service's database at that time."""
        applied = self.applied.get(self.databases[service], {})
        return frozenset(name for name, when in applied.items() if when <= time)


Rule = Callable[[Evidence], Iterator[str]]


def guard(evidence: Evidence) -> Iterator[str]:
    """No container of a service starts while a migration is pending, or one is applied that its image lacks."""
    for run in evidence.starts:
        service, release = run.container.service, run.container.release
        if release not in evidence.carried or service not in evidence.databases:
            yield f"{title(run)} started, and the judge knows not what its image carries or not its database"
        elif not evidence.clean(service, release, run.start):
            done = evidence.done(service, run.start)
            pending, unknown = evidence.carried[release] - done, done - evidence.carried[release]
            yield f"{title(run)} started with {sorted(pending)} pending, {sorted(unknown)} unknown to its image"


def stopped(evidence: Evidence) -> Iterator[str]:
    """The old container is removed before a migration starts; nothing on this database runs while one does."""
    record = evidence.record
    for migration in evidence.migrations:
        service = migration.container.service
        for container in record.containers.values():
            if container.kind != "service" or container.service != service:
                continue
            gone = record.gone(container)
            made_before_its_end = migration.end is None or record.created(container) < migration.end
            if made_before_its_end and (gone is None or gone > migration.start):
                yield f"{container.name} ({container.release}) existed while {title(migration)} ran"
        for run in evidence.runs("service"):
            shared = evidence.databases[run.container.service] == evidence.databases[service]
            if shared and run.overlaps(migration.start, migration.end):
                yield f"{title(run)} ran while {title(migration)} did"


def sessions(evidence: Evidence) -> Iterator[str]:
    """The database knows no session of a service during a migration, from whatever host."""
    for migration in evidence.migrations:
        database = evidence.databases[migration.container.service]
        for session in evidence.sessions:
            ours = (session.database, session.application) == (database, evidence.application)
            if ours and session.overlaps(migration.start, migration.end):
                yield f"{session.application} of {session.host} was connected to {database} during {title(migration)}"


def checked(evidence: Evidence) -> Iterator[str]:
    """What starts is what was checked after the last migration, and what migrated is what starts next."""
    remembered = {
        (each.service, each.release)
        for each in evidence.before.containers
        if each.kind == "service" and each.service in evidence.before.remembered
    }
    for run in evidence.starts:
        service, release = run.container.service, run.container.release
        if not run.asked or service not in evidence.databases:
            continue
        migrated = [each for each in evidence.runs("migration", service) if each.start < run.start]
        since = max((each.end or each.start for each in migrated), default=0)
        checks = [
            each
            for each in evidence.runs("check", service)
            if each.container.release == release
            and each.code == 0
            and each.end is not None
            and since <= each.start < each.end <= run.start
            and evidence.clean(service, release, each.start)
        ]
        known = not since and (service, release) in remembered
        itself = [each for each in migrated if each.end == since and each.container.release == release]
        if not checks and not known and not any(checked_itself(evidence, each) for each in itself):
            yield f"{title(run)} started, and no check of its image was clean since the last migration"
        first = not any(since < each.start < run.start for each in evidence.runs("service", service))
        if migrated and first and migrated[-1].container.release != release:
            yield f"{title(run)} started after {title(migrated[-1])}"


def checked_itself(evidence: Evidence, migration: Run) -> bool:
    """Whether a migration that ended well asked the database once more when everything was applied.

    The session that migrates begins before the migrations do; where none was new, it is one more. When one was applied
    is known to its client, which counts the way to the database, too: a check that follows at once may seem to begin
    before. The engine tells of a start when what it started may have ended already, so that its sessions count from
    when the container was made.
    """
    service, release, end = migration.container.service, migration.container.release, migration.end
    if migration.code != 0 or end is None or not evidence.clean(service, release, end):
        return False
    database, made = evidence.databases[service], evidence.record.created(migration.container)
    last = max((when for when in evidence.begun.get(database, {}).values() if when < end), default=0)
    asked = [
        session
        for session in evidence.sessions
        if session.database == database
        and session.application != evidence.application
        and max(made, last) < session.start < end
    ]
    return len(asked) > (last < made)


def left(evidence: Evidence) -> Iterator[str]:
    """Nothing of ours is left: no container, volume, network, tag or temporary file."""
    record = evidence.record
    for container in record.containers.values():
        made = record.created(container)
        if container.kind != "service" and made and not evidence.typed(made) and record.gone(container) is None:
            yield f"the container {container.name} is left"
    for kind in ("volume", "network"):
        existing: dict[str, Event] = {}
        for event in record.of(kind, "create", "destroy"):
            existing.pop(event.id, None)
            if event.action == "create" and not event.id.startswith(SENTINEL) and not evidence.typed(event.time):
                existing[event.id] = event
        for event in existing.values():
            if not event.name.endswith(KEPT_NETWORKS) and event.name not in OF_THE_ENGINE:
                yield f"the {kind} {event.name or event.id} is left"
    yield from (f"the tag {tag} is left" for tag in sorted(_tags(evidence)))
    kept = {id for tag, id in evidence.after.tags.items() if tag.startswith("galos-ops/")}
    known = {id for tag, id in evidence.before.tags.items() if tag.startswith("galos-ops/")}
    if len(kept) > max(evidence.keep, len(known)):
        yield f"{len(kept)} releases are kept, not {evidence.keep}"
    yield from (f"the file {path} is left" for path in sorted(evidence.after.files - evidence.before.files))


def _tags(evidence: Evidence) -> set[str]:
    """New tags of the repositories, other than `latest` and those made by hand."""
    made = {
        event.id if event.action == "pull" else event.name: event.time
        for event in evidence.record.of("image", "pull", "tag")
    }
    new = evidence.after.tags.keys() - evidence.before.tags.keys()
    return {
        tag
        for tag in new
        if not tag.startswith(("galos-ops/", "<none>"))
        and tag.rpartition(":")[2] not in {*evidence.tags, "<none>"}
        and not evidence.typed(made.get(tag, 0))
    }


RULES: dict[str, Rule] = {
    "guard": guard,
    "stopped": stopped,
    "sessions": sessions,
    "checked": checked,
    "left": left,
}


def violations(evidence: Evidence) -> dict[str, list[str]]:
    """What the evidence shows of each rule that was broken."""
    found = {name: sorted(set(rule(evidence))) for name, rule in RULES.items()}
    return {name: sentences for name, sentences in found.items() if sentences}


def title(run: Run) -> str:
    return f"{run.container.name} ({run.container.release or 'unknown'})"


def changes(record: Record) -> list[Event]:
    """What happened to the containers of services: anything here is downtime where none was promised."""
    harmless = ("exec_", "health_status", "attach", "top", "export", "resize")
    return [each for each in record.about("service") if not each.action.startswith(harmless)]
