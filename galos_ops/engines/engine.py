"""What an engine is, and what it works on: one service on one host, its images, and the scripts that run for it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol, TypeVar

from galos_ops.config.command_line import CommandLine
from galos_ops.config.settings import Service, Settings
from galos_ops.engines import databases
from galos_ops.engines.cluster_notes import not_home_error, unknown_home_error
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.log_lines import LogLines
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.engines.snapshot.snapshot import Container, Snapshot
from galos_ops.errors import OpsError
from galos_ops.host.host import Host
from galos_ops.host.lock import Lock, expired_error, fence, unlockable_error
from galos_ops.host.result import Result
from galos_ops.host.shell import ExitCode, in_directory


@dataclass(frozen=True)
class Entrance:
    """A container to run a command in, and the node it is on, empty for the host itself."""

    container: str
    node: str = ""


class Engine(Protocol):
    """What runs the containers of services; nothing outside `engines` asks which one it is.

    The verbs of the runbook are scripts for the project's directory, and need no lock. What starts a service takes a
    `HeldTarget`. One-off containers, what is fetched and what a host keeps are the same for every engine: `one_offs`,
    `images`.
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
        """Whether `up` would leave containers of the right image as they are, or only start them.

        Of ones whose image the tag does not mean any more: whether it would with that image. Raises `CommandFailed`.
        """

    def watch(self, target: Target, found: Sequence[Container], seconds: int | None) -> None:
        """Raise `VerifyError` unless containers of one image stay up for some seconds.

        `seconds` is None for containers that ran before: one look is enough, which `found` may be, and they keep the
        restarts that they had.
        """

    def placed(self, target: Target) -> str:
        """Return where the service runs, for the log, in a few words; empty where it is the host, or not known."""

    def rolls(self, target: Target) -> bool:
        """Whether some containers of the service run at any moment while `up` replaces others."""

    def order(self, target: Target) -> str:
        """Return the order in which `up` replaces containers, as the compose file has it; empty where it has none."""

    def session(self, target: Target) -> Entrance:
        """Return a container of the service that runs, on this host where one does; raises `NotReadyError` without."""

    def home(self, target: Target) -> str:
        """Return a script that ends with `ExitCode.NOT_HOME` where another host is the one that changes the service.

        It ends with `ExitCode.HOME_UNKNOWN` where that cannot be told.
        """

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

    def alone(self, task: str, **options: str) -> str:
        """The command for a task on this service alone, as a tag is one service's."""
        named = {"service": self.name} if len(self.settings.services) > 1 else {}
        return self.host.typed.fab(task, **named, **options)

    @property
    def marks(self) -> bool:
        """Whether a migration is noted for other hosts, too: those of a fleet, or of a cluster."""
        return bool(self.host.typed.fleet or self.engine.claim(self))

    @property
    def may_run(self) -> tuple[Container, ...]:
        """The service's containers that run, those too that are to end and may run until then."""
        return tuple(one for one in self.snapshot.of(self.name) if one.alive)

    @property
    def running(self) -> tuple[Container, ...]:
        """The service's containers that run and are to go on, first the one that shows what it runs."""
        return tuple(one for one in self.may_run if not one.stopping)

    @property
    def running_image(self) -> str | None:
        """The ID of the image that the service runs; None while it does not."""
        return next((one.image for one in self.running), None)

    @property
    def stopped_image(self) -> str | None:
        """The ID of the image that the service runs, or ran when it was stopped for a migration."""
        return self.running_image or self.snapshot.stopped.get(self.name)

    @property
    def stopped_at(self) -> str | None:
        """When an earlier run stopped the service and left it so; None where it runs, or where that is not known."""
        return None if self.running else self.snapshot.stopped_at.get(self.name) or None

    @property
    def previous_image(self) -> str | None:
        """The same where it may start again: None where an earlier run stopped it and then began its migration."""
        migrated = self.snapshot.logged.get(self.name) == "migrate"
        return self.running_image if migrated else self.stopped_image

    def run(self, script: str, *, doing: str, **more: Any) -> Result:
        """Run a script that leaves the host as it is, in the project's directory."""
        script = in_directory(self.settings.directory, script)
        return self.host.run(script, doing=doing, **{"timeout": 600, **more})

    def ask(self, script: str, *, doing: str, **more: Any) -> Result:
        """Run a script that asks the database and leaves nothing behind, whatever it ends with."""
        return self.run(script, doing=doing, check=False, **more)

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
            raise expired_error(self.host, doing)
        if result.exited == ExitCode.NOT_HOME:
            raise not_home_error(self.host, doing, result.stderr)
        if result.exited == ExitCode.HOME_UNKNOWN:
            raise unknown_home_error(self.host, doing, result.stderr)
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
