"""Whether containers stay up: the script that watches them on the host, and its verdicts; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from galos_ops.engines.snapshot.snapshot import Container

HEALTH_SECONDS = 600
SETTLED_SECONDS = 60  # the interval and the timeout of one health check, as Docker has them by itself
SILENT_SECONDS = 60
LOG_LINES = 20
UP, SILENT = "up", "silent"
VERDICTS = {
    "gone": "its container is gone",
    "exited": "its container did not stay up",
    "restarting": "its container restarts again and again",
    "unhealthy": "its health check says unhealthy",
    "starting": f"its health check did not pass within {HEALTH_SECONDS} s",
}

LOOK = "{{.State.Status}} {{.RestartCount}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}"


def well(found: Iterable[Container], restarts: Mapping[str, int]) -> bool:
    """Whether containers that ran before are up, as one look at them shows; where they are not, `script` tells."""
    return all(
        one.state == "running" and one.restarts <= restarts[one.id] and one.health != "unhealthy" for one in found
    )


def script(restarts: Mapping[str, int], seconds: int | None) -> str:
    """Look twice a second until the verdict is certain and print it; after a bad one, a container's last log lines.

    `restarts` is how often each container may have been restarted. With no seconds it is one look, which a health check
    that is still starting passes; None is for containers that ran before, whose health check may fail for
    `SETTLED_SECONDS`. An engine that does not answer is no verdict about a container: it is `SILENT`, and what the
    client says of it, when it does not come back within `SILENT_SECONDS`.
    """
    patience = 2 * SETTLED_SECONDS if seconds is None else 0
    return f"""
bad() {{ echo "$1"; docker logs --tail {LOG_LINES} "$2" 2>&1; exit 0; }}
look=0 missed=0
while :; do
  waits= silent=
  for each in {" ".join(f"{container}:{count}" for container, count in restarts.items())}; do
    id=${{each%:*}}
    if state=$(docker inspect -f '{LOOK}' "$id" 2>/dev/null); then set -- $state
    # what is not found may be gone, or nobody was there to say so
    elif said=$(docker ps -aq --no-trunc --filter "id=$id" 2>&1) && [ -z "$said" ]; then bad gone "$id"
    else silent=yes; break; fi
    case $1 in running) ;; restarting) bad restarting "$id" ;; *) bad exited "$id" ;; esac
    [ "$2" -le "${{each#*:}}" ] || bad restarting "$id"
    case $3 in
      unhealthy) [ $look -lt {patience} ] || bad unhealthy "$id"; waits=$id ;;
      starting) [ {seconds or 0} = 0 ] || waits=$id ;;
    esac
  done
  if [ "$silent" ]; then
    [ $missed -lt {2 * SILENT_SECONDS} ] || {{ echo {SILENT}; echo "$said"; exit; }}
    missed=$((missed + 1)); sleep 0.5; continue
  fi
  if [ $look -ge {2 * (seconds or 0)} ]; then
    [ "$waits" ] || {{ echo {UP}; exit; }}
    [ $look -lt {2 * HEALTH_SECONDS} ] || bad starting "$waits"
  fi
  look=$((look + 1)); sleep 0.5
done"""
