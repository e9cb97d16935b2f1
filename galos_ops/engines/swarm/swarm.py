"""The Swarm engine: the services of a stack in a cluster, which one of its managers deploys, scales and watches."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from galos_ops.engines import cluster_notes, dependencies, stopped
from galos_ops.engines.docker_compose import DockerCompose, grace_seconds
from galos_ops.engines.engine import Entrance, HeldTarget, Target
from galos_ops.engines.images import pulling
from galos_ops.engines.log_lines import LogLines
from galos_ops.engines.proofs import no_containers
from galos_ops.engines.release_images import ReleaseImages
from galos_ops.engines.snapshot.cluster import STACK, StackService
from galos_ops.engines.snapshot.snapshot import Container, Snapshot, names
from galos_ops.engines.swarm import handing_out, look, stack, tasks
from galos_ops.engines.watching import HEALTH_SECONDS, SILENT, UP
from galos_ops.errors import CommandFailed, GuardError, NotReadyError, OpsError, VerifyError
from galos_ops.host.result import Result
from galos_ops.host.shell import ExitCode
from galos_ops.progress import short

GRACE_SECONDS = 10  # Docker's own, between SIGTERM and SIGKILL
STOP_SECONDS = 60  # in which a cluster tells that a container has ended
START_SECONDS = 1800
SEEN_SECONDS = 60  # in which Swarm begins what it was told
"""Seconds of our patience."""


@dataclass(frozen=True)
class Swarm:
    """What `Engine` says, with the stack of a cluster; docker-compose resolves files and makes one-off containers.

    `grace` is the time in seconds that services have to stop, where that is not Docker's own.
    """

    docker_compose: DockerCompose
    stack: str
    grace: Mapping[str, int]

    @staticmethod
    def of(docker_compose: DockerCompose, snapshot: Snapshot) -> Swarm:
        """Return the engine of the host that a snapshot is of."""
        graces = {name: grace_seconds(row) for name, row in snapshot.rows().items()}
        grace = {name: seconds for name, seconds in graces.items() if seconds is not None}
        return Swarm(docker_compose, snapshot.project_name, grace)

    def service_names(self, services: Iterable[str]) -> list[str]:
        """The names that services of the compose file have in the cluster."""
        return [f"{self.stack}_{name}" for name in services]

    def require_supported(self, target: Target) -> None:
        if keys := stack.unsupported(target.snapshot.tree(), target.name):
            raise NotReadyError(
                f"{target.label}: a stack cannot have {', '.join(keys)}; nothing was changed.",
                hint="take it out of the compose file, or keep galos.engine: compose",
            )

    def stop(self, services: Iterable[str]) -> str:
        names = list(services)
        return f"{self._stopping(self.service_names(names), names)}\n{stopped.forget(names)}"

    def down(self) -> str:
        listed, networks = "docker stack services --format '{{.Name}}'", "docker network ls -q --filter label="
        gone = f'[ -z "$({networks}{STACK}={self.stack})" ]'  # a network in removal fails the next deploy
        removed = f"docker stack rm {self.stack} >&2 && {{ {tasks.until(gone, STOP_SECONDS)}; }}"
        return (
            f"names=$({listed} {self.stack} 2>/dev/null)\n{self._stopping(['$names'], self.grace)}\n"
            f'[ -z "$names" ] || {{ {removed}; }} || exit 1\n'
            f"COMPOSE_PROFILES='*' {self.docker_compose.line('down')}"
        )

    def _stopping(self, names: Iterable[str], services: Iterable[str]) -> str:
        """A script that stops services by their names in the cluster, and waits as long as they have for it."""
        return f"{tasks.scale(names)}\n{tasks.await_gone(names, self._seconds(services))}"

    def _seconds(self, services: Iterable[str]) -> int:
        return max([GRACE_SECONDS, *(self.grace.get(name, 0) for name in services)]) + STOP_SECONDS

    def still_runs_error(self, target: Target, result: Result) -> OpsError:
        if result.exited != ExitCode.STILL_RUNS:
            return target.host.failed("stop", result)
        if unknown := re.findall(r"^(?:away|just back): (\S+)$", result.stderr, re.MULTILINE):
            return look.unknown_node_error(target, dict.fromkeys(unknown))
        left = " ".join(dict.fromkeys(result.stdout.split())) or "perhaps something of it"
        return CommandFailed(
            f"{target.label}: {left} still runs after it was stopped.",
            evidence=result.stderr,
            hint=f"see why: {target.host.typed.ssh(f'docker stack ps {self.stack}')}",
        )

    def logs(self, services: Iterable[str], lines: LogLines) -> str:
        options = shlex.join(lines.options("-f"))
        shown = " ".join(f"docker service logs {options} {name} 2>&1 &" for name in self.service_names(services))
        return f"{{ {shown} wait; }}"

    def pull(self, target: Target, tag: str | None, on_progress: Callable[[str], None]) -> ReleaseImages:
        images = pulling.pull(target, tag, on_progress)
        if images.service.id != target.running_image:
            handing_out.hand_out(target, handing_out.reference(target, images.service.id))
        return images

    def look(self, target: Target) -> Snapshot:
        found = look.look(target, doing="look at the cluster")
        unknown = (*found.cluster.silent, *found.cluster.returned) if found.cluster else ()
        if unknown:
            raise look.unknown_node_error(target, unknown)
        return found

    def remove(self, target: Target, found: Snapshot, *, first: str = ":") -> None:
        services = [target.name]
        script, seconds = self._stopping(self.service_names(services), services), self._seconds(services)
        result = target.halt(f"{first}\n{script}", doing="stop", check=False, timeout=seconds + 60)
        if not result.ok:
            raise self.still_runs_error(target, result)
        if others := [one for one in found.foreign(target.name) if one.alive]:
            raise NotReadyError(
                f"{target.label}: a container that is not the stack's still runs the service: {names(others)}.",
                hint=target.stopping(others),
            )

    def prove_stopped(self, services: Iterable[str]) -> str:
        names = list(services)
        return f"{no_containers(names)}\n{tasks.prove_gone(self.service_names(names))}"

    def up(self, target: HeldTarget, images: ReleaseImages) -> Sequence[Container]:
        image, tree = images.service.id, target.snapshot.tree()
        reference = handing_out.reference(target, image)
        file = stack.render(tree, target.name, reference, self.stack)
        wanted, replicas = stack.summed(file), stack.replicas(tree["services"][target.name])
        needed = [one for one in dependencies.needed(target) if one.name in dependencies.absent(target)]
        files = [stack.render(tree, one.name, target.snapshot.services()[one.name], self.stack) for one in needed]
        [full] = self.service_names([target.name])
        begun = tasks.until(tasks.of_sum(full, wanted), SEEN_SECONDS) if replicas else ":"
        deploys = (tasks.deploy(self.stack, how) for how in (*("always" for _ in files), "never"))
        script = "\n".join((*deploys, stopped.forget([target.name]), begun, look.script(target)))
        stdin = b"\n".join((*files, file, b""))
        result = target.change(script, doing="start", stdin=stdin, check=False, timeout=START_SECONDS)
        if not result.ok:
            raise VerifyError(
                f"{target.label}: docker stack deploy could not start {short(image)}.", evidence=result.output
            )
        after = look.seen(target, result)
        service = self._service(after, target.name)
        if service is None or service.image != reference or service.sum != wanted:
            raise changed_error(target, f"{short(image)} was started")
        return [one for one in after.current(target.name) if one.sum == wanted]

    def start(self, target: HeldTarget, found: Iterable[Container]) -> Sequence[Container]:
        [full], service = self.service_names([target.name]), self._service(target.snapshot, target.name)
        if service is None:
            raise NotReadyError(f"{target.label}: the stack has no such service.", hint=target.typed.fab("up"))
        if any(one.sum != service.sum for one in found):
            raise changed_error(target, "its image was checked")
        replicas = stack.replicas(target.snapshot.rows()[target.name])
        script = (
            f"{tasks.rescale(full, service.image, replicas)} && {stopped.forget([target.name])} || exit 1\n"
            f"{tasks.until(tasks.as_many(full, replicas), SEEN_SECONDS)}\n{look.script(target)}"
        )
        result = target.change(script, doing="start", check=False, timeout=START_SECONDS)
        if result.exited == ExitCode.WRONG_IMAGE:
            raise changed_error(target, "its image was checked")
        if not result.ok:
            raise target.host.failed("start", result)
        return look.seen(target, result).current(target.name)

    def as_configured(self, target: Target, found: Iterable[Container]) -> bool:
        chosen = list(found)
        tree = target.snapshot.tree()
        file = stack.render(tree, target.name, handing_out.reference(target, chosen[0].image), self.stack)
        run = all(one.state == "running" for one in chosen)  # stopped, it is scaled to none
        enough = not run or len(chosen) == stack.replicas(tree["services"][target.name])
        return enough and {one.sum for one in chosen} == {stack.summed(file)}

    def watch(self, target: Target, found: Sequence[Container], seconds: int | None) -> None:
        replicas = stack.replicas(target.snapshot.rows()[target.name])
        if seconds is None and sum(one.state == "running" for one in found) == replicas:
            return
        [full] = self.service_names([target.name])
        known = [one.id for one in target.snapshot.cluster.tasks] if target.snapshot.cluster else []
        service = self._service(look.look(target, doing="verify"), target.name)
        image, wanted = (service.image, found[0].sum if found else service.sum) if service else ("", "")
        looking = tasks.watch(full, wanted, image, replicas, seconds or 0, known)
        timeout = (seconds or 0) + HEALTH_SECONDS + 120
        verdict, _, log = target.run(looking, doing="verify", timeout=timeout).stdout.partition("\n")
        if verdict == SILENT:
            raise look.silent_cluster_error(target, log)
        if verdict != UP:
            raise VerifyError(
                f"{target.label}: {short(found[0].image) if found else 'it'}: {tasks.VERDICTS[verdict]}.",
                evidence=log,
                hint=target.host.typed.fab("logs"),
            )

    def _service(self, snapshot: Snapshot, name: str) -> StackService | None:
        return snapshot.cluster.service(self.stack, name) if snapshot.cluster else None

    def home(self, target: Target) -> str:
        return cluster_notes.home(self.stack, look.node(target))

    def claim(self, target: Target) -> str:
        return cluster_notes.claim(self.stack, look.node(target))

    def release(self, target: Target) -> str:  # noqa: ARG002
        return cluster_notes.release(self.stack)

    def placed(self, target: Target) -> str:
        try:
            found = look.look(target, doing="look at the cluster")
        except NotReadyError:
            return ""  # what is said of a release keeps none from being recorded
        service = self._service(found, target.name)
        made = [one for one in found.current(target.name) if service and one.sum == service.sum]
        nodes = [one.node for one in made if one.state == "running"]
        return f"{len(nodes)} replica{'s' * (len(nodes) != 1)} on {', '.join(sorted(set(nodes)))}"

    def rolls(self, target: Target) -> bool:
        return self.order(target) == "start-first" or stack.replicas(target.snapshot.rows()[target.name]) > 1

    def order(self, target: Target) -> str:
        return str(stack.update_config(target.snapshot.rows()[target.name]).get("order") or "stop-first")

    def session(self, target: Target) -> Entrance:
        found = target.snapshot.cluster
        mine = {one.id: one for one in found.tasks} if found else {}
        running = [mine[one.id] for one in target.running if one.state == "running" and one.id in mine]
        if not running or not found:
            raise NotReadyError(f"{target.label}: no container of it runs.", hint=target.typed.fab("up"))
        here = next((Entrance(one.container) for one in running if one.node == found.node), None)
        return here or Entrance(running[0].container, found.node_name(running[0].node))


def changed_error(target: Target, when: str) -> GuardError:
    """The error for a service that is not any more what was checked."""
    return GuardError(
        f"{target.label}: somebody changed the service just when {when}; it may run what nobody checked.",
        hint=f"it checks again: {target.host.typed.again()}",
    )
