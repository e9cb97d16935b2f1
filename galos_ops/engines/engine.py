"""What an engine is, and what it works on: one service on one host, its images, and the scripts that run for it."""

from __future__ import annotations

import difflib
import io
import re
import secrets
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol, TypeVar

from galos_ops.config.command_line import CommandLine
from galos_ops.config.settings import Service, Settings
from galos_ops.engines import databases
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.snapshot.snapshot import LOSSLESS, NOTHING, Container, Snapshot
from galos_ops.errors import LockedError, NotReadyError, OpsError
from galos_ops.host.host import Host
from galos_ops.host.lock import Lock, fence, unlockable_error
from galos_ops.host.result import OnLine, Result
from galos_ops.host.shell import EXIT, ExitCode, exports, in_directory

ID = "docker image inspect -f '{{.Id}}'"
DIGESTS = "docker image inspect -f '{{range .RepoDigests}}{{println .}}{{end}}'"
CHECK = "check(-[0-9a-f]+)?"  # what follows the service's name in that of a container that checks


@dataclass(frozen=True)
class Image:
    """A reference, and the ID of the image that it is to mean."""

    reference: str
    id: str


@dataclass(frozen=True)
class ReleaseImages:
    """The image of a service, and the one that carries its migrations, which mostly is the same one."""

    service: Image
    migrations: Image

    @staticmethod
    def of(references: tuple[str, str], ids: Mapping[str, str]) -> ReleaseImages:
        """Return the images that two references mean, by their IDs."""
        service, migrations = (Image(reference, ids[reference]) for reference in references)
        return ReleaseImages(service, migrations)

    @property
    def all(self) -> tuple[Image, ...]:
        """Each image once."""
        return tuple(dict.fromkeys((self.service, self.migrations)))


@dataclass(frozen=True)
class LogLines:
    """Which lines of a log: the last `tail`, or all; those of the last `since` seconds; with times; and what comes."""

    tail: int | None
    since: int | None = None
    timestamps: bool = False
    follow: bool = False

    def options(self, follow: str) -> list[str]:
        """Return them as Docker has them, where `follow` is what that is called."""
        tail = f"--tail={'all' if self.tail is None else self.tail}"
        since = [] if self.since is None else [f"--since={self.since}s"]
        return [tail, *since, *(["-t"] if self.timestamps else []), *([follow] if self.follow else [])]


class Engine(Protocol):
    """What runs the containers of services; nothing outside `engines` asks which one it is.

    The verbs of the runbook are scripts for the project's directory, and need no lock. What starts a service takes a
    `HeldTarget`. One-off containers, the registry, what is fetched and what a host keeps are the same for every engine:
    `one_off`, `registry`, `pulling`, `retention`.
    """

    @property
    def docker_compose(self) -> DockerCompose:
        """The docker-compose of the host, which makes one-off containers whatever the engine."""

    def require_supported(self, target: Target) -> None:
        """Raise `NotReadyError` where the engine cannot start the service as the compose file has it."""

    def stop(self, services: Iterable[str]) -> str:
        """Return a script that stops services and keeps their containers."""

    def down(self) -> str:
        """Return a script that stops and deletes the whole project."""

    def still_runs_error(self, target: Target, result: Result) -> OpsError:
        """Return the error for a script of `stop` or `down` that failed."""

    def logs(self, services: Iterable[str], lines: LogLines) -> str:
        """Return a script that prints the last lines of services' output."""

    def pull(self, target: Target, tag: str | None, on_progress: Callable[[str], None]) -> ReleaseImages:
        """Fetch the images while what runs goes on, and learn their IDs; raises `CommandFailed`."""

    def look(self, target: Target) -> Snapshot:
        """Return the snapshot with the containers of the service, and of its migrations' carrier, as they are now."""

    def remove(self, target: Target, found: Snapshot, *, first: str = ":") -> None:
        """Stop and delete the service's containers, and return when nothing of it can run any more.

        One-off ones stay; `first` is a script that comes before. Raises `CommandFailed` where one of this project still
        runs, `NotReadyError` for a foreign one.
        """

    def prove_stopped(self, services: Iterable[str]) -> str:
        """Return a script that ends with `ExitCode.STILL_RUNS`, and names them, where containers of services run.

        It does so too where that cannot be known. The containers of checks do not count.
        """

    def up(self, target: HeldTarget, images: ReleaseImages) -> Sequence[Container]:
        """Start the images that were checked, whatever their tags mean by now.

        Raises `VerifyError` where nothing was started, and `GuardError` where another image was.
        """

    def start(self, target: HeldTarget, found: Iterable[Container]) -> Sequence[Container]:
        """Start stopped containers as they are, and what the service depends on; return them as they are then."""

    def as_configured(self, target: Target, found: Iterable[Container]) -> bool:
        """Whether `up` would leave containers of the right image as they are."""

    def watch(self, target: Target, found: Sequence[Container], seconds: int | None) -> None:
        """Raise `VerifyError` unless containers of one image stay up for some seconds.

        `seconds` is None for containers that ran before: one look is enough, which `found` may be, and they keep the
        restarts that they had.
        """

    def rolls(self, target: Target) -> bool:
        """Whether some containers of the service run at any moment while `up` replaces others."""

    def order(self, target: Target) -> str:
        """Return the order in which `up` replaces containers, as the compose file has it; empty where it has none."""

    def session(self, target: Target) -> str:
        """Return the ID of a container of the service that runs on this host; raises `NotReadyError` without one."""

    def home(self, target: Target) -> str:
        """Return a script that ends with `ExitCode.NOT_HOME` where another host is the one that changes the service."""

    def claim(self, target: Target) -> str:
        """Return a script that tells the other hosts of a cluster that a migration is under way, until `release`."""

    def release(self, target: Target) -> str:
        """Return a script that takes that back."""


AnyTarget = TypeVar("AnyTarget", bound="Target")


@dataclass(frozen=True)
class Target:
    """One service on one host, to look at; `earlier` are the services that the same run starts before it."""

    host: Host
    settings: Settings
    name: str
    service: Service
    snapshot: Snapshot
    engine: Engine
    earlier: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        return f"{self.host.name}: {self.name}"

    @property
    def migrator(self) -> str:
        """The fixed name of the container that migrates; whoever comes next finds it by this name."""
        return f"{self.name}-migration"

    @property
    def checker(self) -> str:
        """The name of a container that checks, in nobody's way."""
        return f"{self.name}-check-{secrets.token_hex(4)}"

    def owns(self, name: str) -> bool:
        """Whether a one-off container of this name is one of ours."""
        return re.fullmatch(rf"{re.escape(self.name)}-(migration|{CHECK})", name) is not None

    def stopping(self, found: Iterable[Container]) -> str:
        """Return what a person types to stop containers."""
        return self.host.typed.ssh(f"docker stop {' '.join(one.name for one in found)}")

    @property
    def stops(self) -> tuple[str, ...]:
        """The services that must not run while this one migrates, itself first."""
        return databases.stops(self.settings, self.snapshot, self.name)

    def of(self: AnyTarget, name: str) -> AnyTarget:
        """Return another service of the same host, as it was at the same moment."""
        return replace(self, name=name, service=self.settings.services[name])

    @property
    def typed(self) -> CommandLine:
        """What makes commands for this service, which need not be the one that was typed."""
        typed = self.host.typed
        mine = typed.options.get("service") in (None, self.name)
        return typed if mine else replace(typed, options={"service": self.name})

    @property
    def marks(self) -> bool:
        """Whether a migration is noted for other hosts, too: those of a fleet, or of a cluster."""
        return bool(self.host.typed.fleet or self.engine.claim(self))

    @property
    def running(self) -> tuple[Container, ...]:
        """The service's containers that run."""
        return tuple(one for one in self.snapshot.of(self.name) if one.alive)

    @property
    def running_image(self) -> str | None:
        """The ID of the image that the service runs; None while it does not."""
        return next((one.image for one in self.running), None)

    @property
    def previous_image(self) -> str | None:
        """The ID of the image that the service runs, or ran when it was stopped for a migration."""
        return self.running_image or self.snapshot.stopped.get(self.name)

    def references(self) -> tuple[str, str]:
        """The image of the service, and the image that carries its migrations, which mostly is the same one.

        Raises `NotReadyError` where the compose file does not start what the configuration names.
        """
        listed, wanted = self.snapshot.services(), self.settings.image(self.service)
        file = self.snapshot.compose_file
        for name in dict.fromkeys((self.name, self.service.migration.service)):
            if name not in listed:
                near = difflib.get_close_matches(name, listed, n=1)
                raise NotReadyError(
                    f"{self.host.name}: {file} in {self.settings.directory} has no service {name}.",
                    hint=f"name it as there: {near[0] if near else ', '.join(listed) or 'it has none'}",
                )
        if listed[self.name] != wanted:
            raise NotReadyError(
                f"{self.label}: {file} starts {listed[self.name] or 'no image'}, not {wanted}.",
                hint="make the compose file on the host and galos.services agree",
            )
        return wanted, listed[self.service.migration.service]

    def local_images(self) -> ReleaseImages | None:
        """What the references mean on the host now; None while one of them is not there."""
        references = self.references()
        present = all(self.snapshot.images.get(reference) for reference in references)
        return ReleaseImages.of(references, self.snapshot.images) if present else None

    def images_of(self, service: str) -> ReleaseImages:
        """The images of a release whose image of the service is this one, whatever the reference means.

        Raises `NotReadyError` where the host does not have the one that carries the migrations.
        """
        references = self.references()
        found = {**self.snapshot.images, references[0]: service}
        if references[1] not in found:
            raise NotReadyError(
                f"{self.label}: the image {references[1]} that carries its migrations is not on the host.",
                hint=self.host.typed.fab("pull"),
            )
        return ReleaseImages.of(references, found)

    def run(self, script: str, *, doing: str, **more: Any) -> Result:
        """Run a script that leaves the host as it is, in the project's directory."""
        script = in_directory(self.settings.directory, script)
        return self.host.run(script, doing=doing, **{"timeout": 600, **more})

    def ask(self, script: str, *, doing: str, **more: Any) -> Result:
        """Run a script that asks the database and leaves nothing behind, whatever it ends with."""
        return self.run(script, doing=doing, check=False, **more)

    def on_host(
        self, argv: list[str], *, doing: str, timeout: int, on_line: OnLine | None = None, first: str = ":"
    ) -> Result:
        """Run a command as `ask` does, with the snapshot's .env in its environment, which travels on standard input.

        `first` is a script that comes before it; an `ExitCode` is never the command's own.
        """
        from dotenv import dotenv_values

        text = self.snapshot.environment or NOTHING
        values = dotenv_values(stream=io.StringIO(text.value), interpolate=False)
        stdin = exports({name: value for name, value in values.items() if value is not None}).encode(errors=LOSSLESS)
        # without the lock of a step, which what it leaves in the background would keep; the shell stays and holds it
        script = f". /dev/stdin\n{shlex.join(argv)} </dev/null 8>&-"
        return self.ask(
            f"{first}\n{script}\ncode=$?; {EXIT}", doing=doing, stdin=stdin, timeout=timeout, on_line=on_line
        )

    def unlocked(self, script: str, *, doing: str, **more: Any) -> Result:
        """Run a script that changes the host and needs no lock: one that fetches, stops or forgets."""
        script = in_directory(self.settings.directory, script)
        return self.host.change(script, doing=doing, **{"timeout": 600, **more})

    def halt(self, script: str, *, doing: str, **more: Any) -> Result:
        """Run a script that stops the service, which needs no lock; where it is ours, the script proves that."""
        return self.unlocked(script, doing=doing, **more)

    def held(self, lock: Lock) -> HeldTarget:
        """Return the same service on a host whose lock is ours."""
        return HeldTarget(**{each.name: getattr(self, each.name) for each in fields(Target)}, lock=lock)


@dataclass(frozen=True)
class HeldTarget(Target):
    """One service on a host whose lock is ours: the one through which it is changed."""

    lock: Lock = field(kw_only=True)

    @property
    def checker(self) -> str:
        """The fixed name of the container that checks; what a death left of it goes before the next one."""
        return f"{self.name}-check"

    def change(self, script: str, *, doing: str, check: bool = True, **more: Any) -> Result:
        """Run a script that changes the host, once it has proved there that the lock is ours; else `LockedError`."""
        proofs = "\n".join(filter(None, (fence(self.lock), self.engine.home(self))))
        result = self.unlocked(f"{proofs}\n{script}", doing=doing, **{**more, "check": False})
        if result.exited == ExitCode.NOT_OURS:
            raise LockedError(
                f"{self.host.name}: the lock expired, as no heartbeat reached the host for too long; "
                f"nothing was done to {doing}.",
                hint=f"it looks at the host first: {self.host.typed.again()}",
            )
        if result.exited == ExitCode.NOT_HOME:
            raise NotReadyError(
                f"{self.host.name}: another manager of the cluster is the one that changes it by now; "
                f"nothing was done to {doing}.",
                evidence=result.stderr,
                hint=f"it names that one: {self.host.typed.again()}",
            )
        if result.exited == ExitCode.UNLOCKABLE:
            raise unlockable_error(self.host, result.stderr, undone=f"nothing was done to {doing}")
        if check and not result.ok:
            raise self.host.failed(doing, result)
        return result

    def ask(self, script: str, *, doing: str, **more: Any) -> Result:
        """Run the script once it has proved that the lock is ours, so that whoever comes next awaits its end."""
        return self.change(script, doing=doing, check=False, **more)

    def halt(self, script: str, *, doing: str, **more: Any) -> Result:
        return self.change(script, doing=doing, **more)
