"""Handing an image to every node of a cluster: a job that fetches it there and runs nothing of it."""

from __future__ import annotations

import secrets
import shlex

from galos_ops.engines.engine import Target
from galos_ops.errors import CommandFailed

SECONDS = 1800
REJECTED = 5  # times that a node may fail to fetch, which Swarm lets it try again at once
LABEL = "galos-ops=image"
NOTHING = "/galos-ops/fetch-only"  # a program that no image has: a container that is made of it never starts


def hand_out(target: Target, reference: str) -> None:
    """Have every node that may run the service fetch an image by its digest; raises `CommandFailed`.

    A node tells that it has the image by failing to start a program that is not in it, and a node that could not fetch
    it by rejecting the task. One that does not answer gets it when a container of the service is placed there.
    """
    row = target.snapshot.rows()[target.name]
    placement = ((row.get("deploy") or {}).get("placement") or {}).get("constraints") or []
    result = target.unlocked(script(reference, placement), doing="pull", timeout=SECONDS + 60, check=False)
    if not result.ok:
        raise CommandFailed(
            f"{target.label}: a node could not fetch the image; what ran before is untouched.",
            evidence=result.output,
            hint=target.host.typed.fab("ecr.check"),
        )


def script(reference: str, constraints: list[str]) -> str:
    """Return a script that makes the job, waits until every node has the image or cannot have it, and removes it."""
    name = f"galos-ops-image-{secrets.token_hex(4)}"
    placed = " ".join(f"--constraint {shlex.quote(one)}" for one in constraints)
    create = (
        f"docker service create -d -q --name {name} --label {LABEL} --mode global-job --restart-condition none "
        f"--no-resolve-image --with-registry-auth {placed} --entrypoint {NOTHING} {reference}"
    )
    form = "{{.Node}} {{.CurrentState}} {{.Error}}"
    return f"""trap 'docker service rm {name} >/dev/null 2>&1' EXIT; trap 'exit 1' HUP INT TERM
{create} >/dev/null || exit 1
look=0
while :; do
  said=$(docker service ps --no-trunc --format '{form}' {name}) || exit 1
  nodes=$(docker node ls --format '{{{{.Status}}}} {{{{.Hostname}}}}') || exit 1
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
