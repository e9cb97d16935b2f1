"""The compose engine: the containers of one host, which docker-compose makes and Docker stops, starts and watches."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from galos_ops.engines import dependencies, started, stopped, watching
from galos_ops.engines.docker_compose import DockerCompose, grace_seconds
from galos_ops.engines.engine import Entrance, HeldTarget, Target
from galos_ops.engines.images import pulling
from galos_ops.engines.log_lines import LogLines
from galos_ops.engines.proofs import no_containers
from galos_ops.engines.release_images import ID, ReleaseImages
from galos_ops.engines.snapshot.probe import CONTAINER
from galos_ops.engines.snapshot.probe_output import container
from galos_ops.engines.snapshot.snapshot import Container, Snapshot, names
from galos_ops.errors import CommandFailed, GuardError, NotReadyError, OpsError, VerifyError
from galos_ops.host.result import Result
from galos_ops.host.shell import ExitCode, lines
from galos_ops.progress import short

LOOKS = 5
START_SECONDS = 1800  # of which docker-compose may wait for what the service depends on
COMPARE = "compare the container with its configuration"
TAKE_FILE = "file=$(cat)"  # standard input, which several commands need
ANSWERS = f"docker ps -q >/dev/null || exit {ExitCode.SILENT}"


@dataclass(frozen=True)
class Compose:
    """What `Engine` says, with the docker-compose of a host."""

    docker_compose: DockerCompose

    def require_supported(self, target: Target) -> None:
        """docker-compose refuses its files by itself."""

    def stop(self, services: Iterable[str]) -> str:
        names = list(services)
        return f"{self.docker_compose.line('stop', *names)} && {stopped.forget(names)}"

    def down(self) -> str:
        return f"COMPOSE_PROFILES='*' {self.docker_compose.line('down')}"

    def still_runs_error(self, target: Target, result: Result) -> OpsError:
        return target.host.failed("stop", result)

    def logs(self, services: Iterable[str], lines: LogLines) -> str:
        options = lines.options("-f")
        if lines.since is None or self.docker_compose.version >= (2,):
            return self.docker_compose.line("logs", "--no-color", *options, *services)
        label = "--filter label=com.docker.compose"
        mine = f'{label}.project.working_dir="$(pwd -P)" {label}.oneoff=False'
        listed = "; ".join(
            f"docker ps -a {mine} {label}.service={name} --format '{{{{.ID}}}} {{{{.Names}}}}'" for name in services
        )
        shown = f'docker logs {shlex.join(options)} $id 2>&1 | sed -u "s/^/$name  | /"'
        return f"{{ {listed}; }} | {{ while read -r id name; do {shown} & done; wait; }}"  # v1 has no --since

    def pull(self, target: Target, tag: str | None, on_progress: Callable[[str], None]) -> ReleaseImages:
        return pulling.pull(target, tag, on_progress)

    def look(self, target: Target) -> Snapshot:
        result = target.run(_look(target), doing="look at the containers", check=False)
        if not result.ok:
            raise silent_engine_error(target, result.output)
        return _seen(target, result)

    def remove(self, target: Target, found: Snapshot, *, first: str = ":") -> None:
        name = target.name
        script = f"{first}\n{_delete(target, found.of(name))}\n{_look(target)}"
        result = target.halt(script, doing="stop", check=False)
        if result.exited == ExitCode.SILENT:
            raise silent_engine_error(target, result.output)
        if not result.ok:
            raise self.still_runs_error(target, result)
        left = _seen(target, result)
        mine, others = ([one for one in some if one.alive] for some in (left.of(name), left.foreign(name)))
        if mine:
            raise CommandFailed(
                f"{target.label}: {names(mine)} still runs after it was stopped.",
                evidence=result.stderr,
                hint=f"see why, then stop it: {target.stopping(mine)}",
            )
        if others:
            raise NotReadyError(
                f"{target.label}: a container that is not this project's still runs the service: {names(others)}.",
                hint=target.stopping(others),
            )

    def prove_stopped(self, services: Iterable[str]) -> str:
        return no_containers(services)

    def up(self, target: HeldTarget, images: ReleaseImages) -> Sequence[Container]:
        image, pinned, depended = images.service.id, pin(images), dependencies.script(target)
        file = self.docker_compose.as_started(target.snapshot.tree(), target.name)
        made = started.key(target, file)
        if not depended and (unchanged := started.unchanged(target, images, made)):
            return unchanged
        script = "\n".join(
            (
                TAKE_FILE,
                *([pinned, *depended] if depended else []),
                pinned,  # once more: what the service depends on may have taken minutes
                *_going_on(one for one in target.snapshot.of(target.name) if one.image == image),
                f"{self.docker_compose.up(target.name)} >&2 || {{ {ANSWERS}; exit 1; }}",
                stopped.forget([target.name]),
                _look(target, then=started.note(target.name, made)),
            )
        )
        result = target.change(script, doing="start", stdin=file, check=False, timeout=START_SECONDS)
        if result.exited == ExitCode.SILENT:
            raise silent_engine_error(target, result.output)
        before = [one.id for one in target.snapshot.of(target.name)]
        own = _seen(target, result).of(target.name) if result.ok else []
        found = [one for one in own if one.image == image or one.id not in before]
        if not found:
            raise VerifyError(f"{target.label}: docker-compose could not start {short(image)}.", evidence=result.output)
        wrong = [one for one in found if one.image != image]
        if wrong:
            target.change(_delete(target, wrong), doing="stop")
            raise GuardError(
                f"{target.label}: docker-compose started {short(wrong[0].image)}, not the {short(image)} that was "
                "checked, and was stopped again.",
                hint=f"its tag moved in that moment: {target.host.typed.again()}",
            )
        return found

    def start(self, target: HeldTarget, found: Iterable[Container]) -> Sequence[Container]:
        chosen = list(found)
        ids = [one.id for one in chosen]
        starting = f"docker start {' '.join(ids)} >/dev/null && {stopped.forget([target.name])} || exit 1"
        script = "\n".join((TAKE_FILE, *dependencies.script(target), *_going_on(chosen), starting, _look(target)))
        file = self.docker_compose.as_started(target.snapshot.tree(), target.name)
        after = _seen(target, target.change(script, doing="start", stdin=file))
        return [one for one in after.of(target.name) if one.id in ids]

    def as_configured(self, target: Target, found: Iterable[Container]) -> bool:
        chosen, snapshot = list(found), target.snapshot
        meant = snapshot.images.get(snapshot.services()[target.name])
        if self.docker_compose.version < (2,) and any(one.image != meant for one in chosen):
            return _given(target, chosen)  # v1 hashes the image that the tag means, too
        label = '{{index .Config.Labels "com.docker.compose.config-hash"}}'
        made = f"docker inspect -f '{label}' {' '.join(one.id for one in chosen)}"
        asked = target.run(
            f"{made} && {self.docker_compose.hash(target.name)}",
            doing=COMPARE,
            stdin=self.docker_compose.as_started(snapshot.tree(), target.name),
        )
        *hashes, now = asked.stdout.strip().split("\n")
        return {now.rpartition(" ")[2]} == set(hashes)

    def watch(self, target: Target, found: Sequence[Container], seconds: int | None) -> None:
        before = {one.id: one.restarts for one in target.running}
        restarts = {one.id: before.get(one.id, 0) for one in found}
        if seconds is None and watching.well(found, restarts):
            return
        script = watching.script(restarts, seconds)
        timeout = (seconds or 0) + watching.HEALTH_SECONDS + watching.SILENT_SECONDS + 60
        verdict, _, log = target.run(script, doing="verify", timeout=timeout).stdout.partition("\n")
        if verdict == watching.SILENT:
            raise silent_engine_error(target, log)
        if verdict != watching.UP:
            raise VerifyError(
                f"{target.label}: {short(found[0].image)}: {watching.VERDICTS[verdict]}.",
                evidence=log,
                hint=target.host.typed.fab("logs"),
            )

    def placed(self, target: Target) -> str:  # noqa: ARG002
        return ""

    def rolls(self, target: Target) -> bool:  # noqa: ARG002
        return False

    def order(self, target: Target) -> str:  # noqa: ARG002
        return ""

    def session(self, target: Target) -> Entrance:
        container = next((one.id for one in target.running if one.state == "running"), None)
        if container is None:
            raise NotReadyError(f"{target.label}: no container of it runs.", hint=target.typed.fab("up"))
        return Entrance(container)

    def home(self, target: Target) -> str:  # noqa: ARG002
        return ""

    def claim(self, target: Target) -> str:  # noqa: ARG002
        return ""

    def release(self, target: Target) -> str:  # noqa: ARG002
        return ""


def silent_engine_error(target: Target, evidence: str) -> NotReadyError:
    """The error for an engine that stopped answering, which says nothing of the containers."""
    return NotReadyError(
        f"{target.label}: the Docker engine stopped answering; whether the service runs is not known.",
        evidence=evidence,
        hint=f"when it answers again: {target.host.typed.again()}",
    )


def _given(target: Target, found: Iterable[Container]) -> bool:
    """Whether containers have each variable that docker-compose would give the service now, with its value.

    The values, which are secret, are compared here. docker-compose writes `$$` for `$`.
    """
    script = f"docker inspect -f '{{{{json .Config.Env}}}}' {' '.join(one.id for one in found)}"
    told = target.run(script, doing=COMPARE, private=True).stdout
    given = {name: value.replace("$$", "$") for name, value in target.snapshot.given(target.name).items()}
    made = [dict(one.partition("=")[::2] for one in json.loads(line) or []) for line in lines(told)]
    return bool(made) and all(each.get(name, "") == value for each in made for name, value in given.items())


def _going_on(found: Iterable[Container]) -> list[str]:
    """A script that lets paused containers go on, which Docker does not start."""
    paused = [one.id for one in found if one.state == "paused"]
    return [f"docker unpause {' '.join(paused)} >&2 || exit 1"] if paused else []


def _delete(target: Target, found: Iterable[Container]) -> str:
    """A script that stops containers, with the time that the compose file gives them, and deletes them."""
    ids = " ".join(one.id for one in found)
    grace = grace_seconds(target.snapshot.rows().get(target.name, {}))
    return ids and f"docker stop{'' if grace is None else f' -t {grace}'} {ids} >&2; docker rm -f {ids} >&2"


def _look(target: Target, *, then: str = ":") -> str:
    """A script that ends with the containers of the service and of the one that carries its migrations.

    `then` is a script that gets their IDs as its arguments.
    Where one is gone before it is looked at, all are listed again: an engine that went away meanwhile looks the same.
    """
    ids = " ".join(
        f"$(docker ps -aq --no-trunc --filter label=com.docker.compose.service={name} || echo failed)"
        for name in dict.fromkeys((target.name, target.service.migration.service))
    )
    return f"""
for try in {" ".join(map(str, range(LOOKS)))}; do
  set -- {ids}
  case " $* " in *" failed "*) break ;; esac
  [ $# -gt 0 ] || exit 0
  if found=$(docker inspect -f '{CONTAINER}' "$@" 2>/dev/null); then printf '%s\\n' "$found"; {then}; exit 0; fi
done
exit {ExitCode.SILENT}"""


def _seen(target: Target, result: Result) -> Snapshot:
    """The target's snapshot with the containers that a script of `_look` has found."""
    return replace(target.snapshot, containers=tuple(map(container, lines(result.stdout))))


def pin(images: ReleaseImages) -> str:
    """A script that points each reference at its image ID again, should it have moved."""
    return "\n".join(
        f'[ "$({ID} {image.reference} 2>/dev/null)" = {image.id} ] || docker tag {image.id} {image.reference} || exit 1'
        for image in images.all
    )
