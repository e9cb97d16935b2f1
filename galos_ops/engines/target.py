"""One service on one host: what the tasks work on, and how they change it."""

from __future__ import annotations

import difflib
import io
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from galos_ops.config.settings import Service, Settings
from galos_ops.engines.compose import Compose
from galos_ops.engines.facts import Facts
from galos_ops.errors import LockedError, NotReadyError
from galos_ops.host.host import Host
from galos_ops.host.lock import NOT_OURS, fence
from galos_ops.host.result import OnLine, Result

ID = "docker image inspect -f '{{.Id}}'"


@dataclass(frozen=True)
class Target:
    """One service on one host; `earlier` are the services that the same run did before."""

    host: Host
    settings: Settings
    name: str
    service: Service
    facts: Facts
    compose: Compose
    token: str = ""
    earlier: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        return f"{self.host.name}: {self.name}"

    @property
    def migrator(self) -> str:
        """The fixed name of the container that migrates; whoever comes next finds it by this name."""
        return f"{self.name}-migration"

    def references(self) -> tuple[str, ...]:
        """The image of the service, then the image that carries its migrations, which mostly is the same one.

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
        return tuple(dict.fromkeys((wanted, listed[self.service.migration.service])))

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

    def change(self, script: str, *, doing: str, check: bool = True, **more: Any) -> Result:
        """Run a script that changes the host, once it has proved there that the lock is ours; else `LockedError`."""
        fenced = f"{fence(self.token)}\n{script}" if self.token else script
        result = self.host.change(self.compose.here(fenced), doing=doing, check=False, **{"timeout": 600, **more})
        if result.exited == NOT_OURS:
            raise LockedError(
                f"{self.host.name}: the host let go of our lock, having heard nothing of us for too long; "
                f"nothing was done to {doing}.",
                hint=f"it looks at the host first: {self.host.typed.again()}",
            )
        if check and not result.ok:
            raise self.host.failed(doing, result)
        return result


def _filters(labels: Mapping[str, str]) -> list[str]:
    """Options of `docker ps` for labels of docker-compose."""
    return [word for name, value in labels.items() for word in ("--filter", f"label=com.docker.compose.{name}={value}")]


Images = Mapping[str, str]
"""References and the image ID that each one is to mean; the service's own comes first."""


def last(images: Images) -> str:
    """The ID of the image that carries the migrations."""
    return list(images.values())[-1]


def local_images(target: Target) -> Images | None:
    """What the target's references mean on the host now; None while one of them is not there."""
    references = target.references()
    found = {reference: target.facts.images.get(reference, "") for reference in references}
    return found if all(found.values()) else None


def pin(images: Images) -> str:
    """A script that points each reference at its image ID again, should it have moved."""
    return "\n".join(
        f'[ "$({ID} {reference} 2>/dev/null)" = {image} ] || docker tag {image} {reference} || exit 1'
        for reference, image in images.items()
    )


def on_host(
    target: Target, words: list[str], doing: str, seconds: int, on_line: OnLine | None, *, check: bool = False
) -> Result:
    """Run a command in the project's directory with .env in its environment."""
    script, stdin = with_environment(target, words)
    return target.change(script, doing=doing, stdin=stdin, timeout=seconds, check=check, on_line=on_line)


def with_environment(target: Target, words: list[str]) -> tuple[str, bytes]:
    """A script that runs a command with .env in its environment, and its standard input, on which the values travel."""
    from dotenv import dotenv_values

    text = target.host.read(f"{target.settings.directory}/.env")[0] or ""
    values = dotenv_values(stream=io.StringIO(text), interpolate=False)
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items() if value is not None)
    return f". /dev/stdin\n{shlex.join(words)} </dev/null", exports.encode()
