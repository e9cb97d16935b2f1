"""The Swarm engine: the services of a stack in a cluster, which one of its managers deploys, scales and watches."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from galos_ops.engines import dependencies, stopped
from galos_ops.engines.docker_compose import DockerCompose, grace_seconds
from galos_ops.engines.engine import DIGESTS, HeldTarget, LogLines, ReleaseImages, Target
from galos_ops.engines.images import pulling
from galos_ops.engines.images.retention import repository
from galos_ops.engines.proofs import no_containers
from galos_ops.engines.snapshot import cluster
from galos_ops.engines.snapshot.cluster import StackService
from galos_ops.engines.snapshot.probe import Scope, containers, script, swarm
from galos_ops.engines.snapshot.probe_output import parse
from galos_ops.engines.snapshot.snapshot import Container, Snapshot, names
from galos_ops.engines.swarm import handing_out, stack
from galos_ops.engines.swarm import tasks as swarm_tasks
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
        gone = f'[ -z "$({networks}{cluster.STACK}={self.stack})" ]'  # a network in removal fails the next deploy
        removed = f"docker stack rm {self.stack} >&2 && {{ {swarm_tasks.until(gone, STOP_SECONDS)}; }}"
        return (
            f"names=$({listed} {self.stack} 2>/dev/null)\n{self._stopping(['$names'], self.grace)}\n"
            f'[ -z "$names" ] || {{ {removed}; }} || exit 1\n'
            f"COMPOSE_PROFILES='*' {self.docker_compose.line('down')}"
        )

    def _stopping(self, names: Iterable[str], services: Iterable[str]) -> str:
        """A script that stops services by their names in the cluster, and waits as long as they have for it."""
        return f"{swarm_tasks.scale(names)}\n{swarm_tasks.await_gone(names, self._seconds(services))}"

    def _seconds(self, services: Iterable[str]) -> int:
        return max([GRACE_SECONDS, *(self.grace.get(name, 0) for name in services)]) + STOP_SECONDS

    def still_runs_error(self, target: Target, result: Result) -> OpsError:
        if result.exited != ExitCode.STILL_RUNS:
            return target.host.failed("stop", result)
        if unknown := re.findall(r"^(?:away|just back): (\S+)$", result.stderr, re.MULTILINE):
            return unknown_node_error(target, dict.fromkeys(unknown))
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
            handing_out.hand_out(target, self.reference(target, images.service.id))
        return images

    def reference(self, target: Target, image: str) -> str:
        """Return the reference by digest that means an image on every node; raises `NotReadyError` without one."""
        own = f"{repository(target)}@"
        known = (name for name, meant in target.snapshot.images.items() if meant == image and name.startswith(own))
        if found := next(known, None):
            return found
        asked = target.run(f"{DIGESTS} {image}", doing="look at the image", check=False)
        found = next((one for one in asked.stdout.split() if one.startswith(own)), None)
        if found is None:
            raise NotReadyError(
                f"{target.label}: the registry gave {short(image)} no digest, so other nodes could not fetch it.",
                evidence=asked.stderr,
                hint=target.typed.fab("deploy"),
            )
        return found

    def look(self, target: Target) -> Snapshot:
        asked = target.run(_look(target), doing="look at the cluster", check=False)
        found = _seen(target, asked)
        unknown = (*found.cluster.silent, *found.cluster.returned) if found.cluster else ()
        if unknown:
            raise unknown_node_error(target, unknown)
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
        return f"{no_containers(names)}\n{swarm_tasks.prove_gone(self.service_names(names))}"

    def up(self, target: HeldTarget, images: ReleaseImages) -> Sequence[Container]:
        image, tree = images.service.id, target.snapshot.tree()
        reference = self.reference(target, image)
        file = stack.render(tree, target.name, reference, self.stack)
        wanted, replicas = stack.summed(file), stack.replicas(tree["services"][target.name])
        needed = [one for one in dependencies.needed(target) if one.name in dependencies.absent(target)]
        files = [stack.render(tree, one.name, target.snapshot.services()[one.name], self.stack) for one in needed]
        [full] = self.service_names([target.name])
        begun = swarm_tasks.until(f"{swarm_tasks.listed(full)} | grep -q 'sum={wanted}$'", SEEN_SECONDS)
        resolve = [*("always" for _ in files), "never"]
        deploys = (
            f"IFS= read -r file && printf '%s\\n' \"$file\" | docker stack deploy --with-registry-auth "
            f"--resolve-image {how} -c - {self.stack} >&2 || exit 1"
            for how in resolve
        )
        lines = "\n".join((*deploys, stopped.forget([target.name]), begun if replicas else ":", _look(target)))
        stdin = b"\n".join((*files, file, b""))
        result = target.change(lines, doing="start", stdin=stdin, check=False, timeout=START_SECONDS)
        if not result.ok:
            raise VerifyError(
                f"{target.label}: docker stack deploy could not start {short(image)}.", evidence=result.output
            )
        after = _seen(target, result)
        service = self._service(after, target.name)
        if service is None or service.image != reference or service.sum != wanted:
            raise changed_error(target, f"{short(image)} was started")
        return [one for one in after.of(target.name) if one.sum == wanted]

    def start(self, target: HeldTarget, found: Iterable[Container]) -> Sequence[Container]:
        [full], service = self.service_names([target.name]), self._service(target.snapshot, target.name)
        if service is None:
            raise NotReadyError(f"{target.label}: the stack has no such service.", hint=target.typed.fab("up"))
        if any(one.sum != service.sum for one in found):
            raise changed_error(target, "its image was checked")
        replicas = stack.replicas(target.snapshot.rows()[target.name])
        enough = f'[ "$(docker service ps -q --filter desired-state=running {full} | wc -l)" -ge {replicas} ]'
        started = (
            f"[ \"$(docker service inspect -f '{swarm_tasks.IMAGE}' {full})\" = {shlex.quote(service.image)} ] || "
            f"exit {ExitCode.WRONG_IMAGE}\n"
            f"docker service scale -d {full}={replicas} >&2 && {stopped.forget([target.name])} || exit 1\n"
            f"{swarm_tasks.until(enough, SEEN_SECONDS)}\n{_look(target)}"
        )
        result = target.change(started, doing="start", check=False, timeout=START_SECONDS)
        if result.exited == ExitCode.WRONG_IMAGE:
            raise changed_error(target, "its image was checked")
        if not result.ok:
            raise target.host.failed("start", result)
        return _seen(target, result).of(target.name)

    def as_configured(self, target: Target, found: Iterable[Container]) -> bool:
        running = list(found)
        tree = target.snapshot.tree()
        file = stack.render(tree, target.name, self.reference(target, running[0].image), self.stack)
        enough = len(running) == stack.replicas(tree["services"][target.name])
        return enough and {one.sum for one in running} == {stack.summed(file)}

    def watch(self, target: Target, found: Sequence[Container], seconds: int | None) -> None:
        replicas = stack.replicas(target.snapshot.rows()[target.name])
        if seconds is None and sum(one.state == "running" for one in found) == replicas:
            return
        [full] = self.service_names([target.name])
        known = [one.id for one in target.snapshot.cluster.tasks] if target.snapshot.cluster else []
        now = _seen(target, target.run(_look(target), doing="verify", check=False))
        service = self._service(now, target.name)
        image, wanted = (service.image, found[0].sum if found else service.sum) if service else ("", "")
        looking = swarm_tasks.watch(full, wanted, image, replicas, seconds or 0, known)
        timeout = (seconds or 0) + HEALTH_SECONDS + 120
        verdict, _, log = target.run(looking, doing="verify", timeout=timeout).stdout.partition("\n")
        if verdict == SILENT:
            raise silent_cluster_error(target, log)
        if verdict != UP:
            raise VerifyError(
                f"{target.label}: {short(found[0].image) if found else 'it'}: {swarm_tasks.VERDICTS[verdict]}.",
                evidence=log,
                hint=target.host.typed.fab("logs"),
            )

    def _service(self, snapshot: Snapshot, name: str) -> StackService | None:
        return snapshot.cluster.service(self.stack, name) if snapshot.cluster else None

    def home(self, target: Target) -> str:
        note, mine = f"{cluster.HOME}-{self.stack}", _node(target)
        asked = f"home=$(docker config inspect -f '{{{{index .Spec.Labels \"{cluster.NODE}\"}}}}' {note} 2>/dev/null)"
        return (
            f"{asked} || {{ {self._make(target, cluster.HOME)}\n{asked}; }}\n"
            f'[ "$home" = {mine} ] || {{ echo "home: node ${{home:-unknown}}" >&2; exit {ExitCode.NOT_HOME}; }}'
        )

    def claim(self, target: Target) -> str:
        note = f"{cluster.CLAIM}-{self.stack}"
        return f"{self._make(target, cluster.CLAIM)}\ndocker config inspect {note} >/dev/null || exit 1"

    def release(self, target: Target) -> str:  # noqa: ARG002
        note = f"{cluster.CLAIM}-{self.stack}"
        return f"docker config rm {note} >/dev/null 2>&1 || ! docker config inspect {note} >/dev/null 2>&1 || exit 1"

    def _make(self, target: Target, kind: str) -> str:
        """A script that notes something for the cluster, unless somebody has: a config has a name of its own there."""
        label = f"--label {cluster.NODE}={_node(target)}"
        return f"echo {secrets.token_hex(4)} | docker config create {label} {kind}-{self.stack} - >/dev/null 2>&1"

    def rolls(self, target: Target) -> bool:
        return self.order(target) == "start-first" or stack.replicas(target.snapshot.rows()[target.name]) > 1

    def order(self, target: Target) -> str:
        return str(stack.update_config(target.snapshot.rows()[target.name]).get("order") or "stop-first")

    def session(self, target: Target) -> str:
        found = target.snapshot.cluster
        mine = {one.id: one for one in found.tasks} if found else {}
        running = [mine[one.id] for one in target.running if one.state == "running" and one.id in mine]
        here = next((one.container for one in running if found and one.node == found.node), None)
        if here:
            return here
        if not running or not found:
            raise NotReadyError(f"{target.label}: no container of it runs.", hint=target.typed.fab("up"))
        node, container = found.node_name(running[0].node), running[0].container
        raise NotReadyError(
            f"{target.label}: it runs on {node}, not here.",
            hint=f"on that node: ssh {node} docker exec -it {container[:12]} COMMAND",
        )


LOOK = (containers, swarm)


def _look(target: Target) -> str:
    """A script that ends with what the cluster runs, and what docker-compose does at home."""
    return script(LOOK, Scope((), target.settings.directory, engine=target.settings.engine))


def _seen(target: Target, result: Result) -> Snapshot:
    """The target's snapshot with what such a script has found; raises `NotReadyError` where the cluster did not say."""
    found = parse(result.stdout, {part.__name__ for part in LOOK}) if result.ok else Snapshot()
    if not found.cluster or not found.cluster.manager:
        raise silent_cluster_error(target, result.output)
    return replace(target.snapshot, containers=found.containers, cluster=found.cluster)


def _node(target: Target) -> str:
    return target.snapshot.cluster.node if target.snapshot.cluster else "unknown"


def changed_error(target: Target, when: str) -> GuardError:
    """The error for a service that is not any more what was checked."""
    return GuardError(
        f"{target.label}: somebody changed the service just when {when}; it may run what nobody checked.",
        hint=f"it checks again: {target.host.typed.again()}",
    )


def unknown_node_error(target: Target, nodes: Iterable[str]) -> NotReadyError:
    """The error for nodes of which nobody knows what they run, as they do not answer or did not until just now."""
    named = ", ".join(nodes)
    return NotReadyError(
        f"{target.label}: {named} does not answer, or not for a minute yet, so that nobody knows whether the service "
        "runs there; nothing is migrated until that is known.",
        hint=f"when it has been back for a minute, or was taken out of the cluster: {target.host.typed.again()}",
    )


def silent_cluster_error(target: Target, evidence: str) -> NotReadyError:
    """The error for a manager that does not tell what the cluster runs, as without a quorum of them."""
    return NotReadyError(
        f"{target.label}: the cluster does not tell what it runs; whether the service does is not known.",
        evidence=evidence,
        hint=f"when most of its managers are up: {target.host.typed.again()}",
    )
