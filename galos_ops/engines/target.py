"""One service on one host, its images, and the scripts that run for it."""

from __future__ import annotations

import difflib
import io
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from galos_ops.config.settings import Service, Settings
from galos_ops.engines.compose import Compose
from galos_ops.engines.snapshot import Container, Snapshot
from galos_ops.errors import LockedError, NotReadyError
from galos_ops.host.host import Host
from galos_ops.host.lock import NOT_OURS, Lock, fence
from galos_ops.host.result import OnLine, Result

ID = "docker image inspect -f '{{.Id}}'"


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
class Target:
    """One service on one host, to look at; `earlier` are the services that the same run did before."""

    host: Host
    settings: Settings
    name: str
    service: Service
    facts: Snapshot
    compose: Compose
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

    @property
    def running(self) -> Container | None:
        """The service's container, when it runs."""
        return next((one for one in self.facts.of(self.name) if one.alive), None)

    def references(self) -> tuple[str, str]:
        """The image of the service, and the image that carries its migrations, which mostly is the same one.

        Raises `NotReadyError` where the compose file does not start what the configuration names.
        """
        listed, wanted = self.facts.services(), self.settings.image(self.service)
        for name in dict.fromkeys((self.name, self.service.migration.service)):
            if name not in listed:
                near = difflib.get_close_matches(name, listed, n=1)
                raise NotReadyError(
                    f"{self.host.name}: {self.facts.compose_file} in {self.settings.directory} has no service {name}.",
                    hint=f"name it as there: {near[0] if near else ', '.join(listed) or 'it has none'}",
                )
        if listed[self.name] != wanted:
            raise NotReadyError(
                f"{self.label}: {self.facts.compose_file} starts {listed[self.name] or 'no image'}, not {wanted}.",
                hint="make the compose file on the host and galos.services agree",
            )
        return wanted, listed[self.service.migration.service]

    def local_images(self) -> ReleaseImages | None:
        """What the references mean on the host now; None while one of them is not there."""
        references = self.references()
        there = all(self.facts.images.get(reference) for reference in references)
        return ReleaseImages.of(references, self.facts.images) if there else None

    def images_of(self, service: str) -> ReleaseImages:
        """The images of a release whose image of the service is this one, whatever the reference means."""
        references = self.references()
        found = {reference: self.facts.images.get(reference, "") for reference in references}
        return ReleaseImages.of(references, {**found, references[0]: service})

    def listing(self, service: str, *options: str) -> str:
        """A line of shell that prints the IDs of this project's own containers of a service, one-off ones left out."""
        project = {"project": self.facts.project} if self.facts.project else {}
        labels = {"service": service, "oneoff": "False", **project}
        return "; ".join(
            shlex.join(["docker", "ps", "-q", "--no-trunc", *_filters({**labels, "project.working_dir": directory})])
            + "".join(f" {option}" for option in options)
            for directory in dict.fromkeys(self.facts.directories)
        )

    def run(self, script: str, *, doing: str, **more: Any) -> Result:
        """Run a script that leaves the host as it is, in the project's directory."""
        return self.host.run(self.compose.here(script), doing=doing, **{"timeout": 600, **more})

    def ask(self, script: str, *, doing: str, **more: Any) -> Result:
        """Run the script of a check for migrations, which leaves nothing behind."""
        return self.run(script, doing=doing, check=False, **more)

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
        fenced = self.compose.here(f"{fence(self.lock)}\n{script}")
        result = self.host.change(fenced, doing=doing, check=False, **{"timeout": 600, **more})
        if result.exited == NOT_OURS:
            raise LockedError(
                f"{self.host.name}: the host let go of our lock, having heard nothing of us for too long; "
                f"nothing was done to {doing}.",
                hint=f"it looks at the host first: {self.host.typed.again()}",
            )
        if check and not result.ok:
            raise self.host.failed(doing, result)
        return result

    def ask(self, script: str, *, doing: str, **more: Any) -> Result:
        """Run the script of a check, once it has proved that the lock is ours: whoever comes next awaits its end."""
        return self.change(script, doing=doing, check=False, **more)

    def on_host(
        self, argv: list[str], doing: str, seconds: int, on_line: OnLine | None = None, *, check: bool = False
    ) -> Result:
        """Run a command in the project's directory with .env in its environment."""
        script, stdin = with_environment(self, argv)
        return self.change(script, doing=doing, stdin=stdin, timeout=seconds, check=check, on_line=on_line)


def _filters(labels: Mapping[str, str]) -> list[str]:
    """Options of `docker ps` for labels of docker-compose."""
    return [word for name, value in labels.items() for word in ("--filter", f"label=com.docker.compose.{name}={value}")]


def pin(images: ReleaseImages) -> str:
    """A script that points each reference at its image ID again, should it have moved."""
    return "\n".join(
        f'[ "$({ID} {image.reference} 2>/dev/null)" = {image.id} ] || docker tag {image.id} {image.reference} || exit 1'
        for image in images.all
    )


def with_environment(target: Target, argv: list[str]) -> tuple[str, bytes]:
    """A script that runs a command with .env in its environment, and its standard input, on which the values travel."""
    from dotenv import dotenv_values

    text = target.host.read(f"{target.settings.directory}/.env")[0] or ""
    values = dotenv_values(stream=io.StringIO(text), interpolate=False)
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items() if value is not None)
    return f". /dev/stdin\n{shlex.join(argv)} </dev/null", exports.encode()
