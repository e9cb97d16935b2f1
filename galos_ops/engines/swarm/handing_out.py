"""Handing an image to every node of a cluster: a job that fetches it there and runs nothing of it."""

from __future__ import annotations

import secrets
import shlex

from galos_ops.engines.engine import Target
from galos_ops.engines.images.retention import repository
from galos_ops.engines.release_images import DIGESTS
from galos_ops.engines.swarm import look
from galos_ops.errors import CommandFailed, NotReadyError
from galos_ops.host.shell import ExitCode
from galos_ops.progress import short

SECONDS = 1800
REJECTED = 5  # times that a node may fail to fetch, which Swarm lets it try again at once
LABEL = "galos-ops=image"
NOTHING = "/galos-ops/fetch-only"  # a program that no image has: a container that is made of it never starts


def reference(target: Target, image: str) -> str:
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


def hand_out(target: Target, reference: str) -> None:
    """Have every node that may run the service fetch an image by its digest; raises `CommandFailed`.

    A node tells that it has the image by failing to start a program that is not in it, and a node that could not fetch
    it by rejecting the task. One that does not answer gets it when a container of the service is placed there. Raises
    `NotReadyError` where the cluster does not tell.
    """
    row = target.snapshot.rows()[target.name]
    placement = ((row.get("deploy") or {}).get("placement") or {}).get("constraints") or []
    result = target.unlocked(script(reference, placement), doing="pull", timeout=SECONDS + 60, check=False)
    if result.exited == ExitCode.SILENT:
        raise look.silent_cluster_error(target, result.output)
    if not result.ok:
        raise CommandFailed(
            f"{target.label}: a node could not fetch the image; what ran before is untouched.",
            evidence=result.output,
            hint=target.host.typed.fab("ecr.check"),
        )


def script(reference: str, constraints: list[str]) -> str:
    """Return a script that makes the job, waits until every node has the image or cannot have it, and removes it.

    It ends with `ExitCode.SILENT` where the cluster does not tell.
    """
    name = f"galos-ops-image-{secrets.token_hex(4)}"
    placed = " ".join(f"--constraint {shlex.quote(one)}" for one in constraints)
    create = (
        f"docker service create -d -q --name {name} --label {LABEL} --mode global-job --restart-condition none "
        f"--no-resolve-image --with-registry-auth {placed} --entrypoint {NOTHING} {reference}"
    )
    form = "{{.Node}} {{.CurrentState}} {{.Error}}"
    return f"""trap 'docker service rm {name} >/dev/null 2>&1' EXIT; trap 'exit 1' HUP INT TERM
silent() {{ ! docker node ls >/dev/null || exit 1; exit {ExitCode.SILENT}; }}
{create} >/dev/null || silent
look=0
while :; do
  said=$(docker service ps --no-trunc --format '{form}' {name}) || silent
  nodes=$(docker node ls --format '{{{{.Status}}}} {{{{.Hostname}}}}') || silent
  waits=
  for node in $(printf '%s\\n' "$said" | sed 's/ .*//' | sort -u); do
    its=$(printf '%s\\n' "$said" | grep "^$node ")
    case $its in
      *" Failed "*|*" Complete "*) ;;
      *" Rejected "*) waits=$node
        [ "$(printf '%s\\n' "$its" | grep -c ' Rejected ')" -lt {REJECTED} ] || {{
          printf '%s\\n' "$its" | head -n 1; exit 1; }} ;;
      *) ! printf '%s\\n' "$nodes" | grep -qxF "Ready $node" || waits=$node ;;
    esac
  done
  [ -z "$said" ] || [ "$waits" ] || exit 0
  [ $look -lt {4 * SECONDS} ] || {{ echo "$waits did not fetch it within {SECONDS} s"; exit 1; }}
  look=$((look + 1)); sleep 0.25
done"""
