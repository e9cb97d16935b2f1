"""Whether containers stay up: the script that watches them on the host, and its verdicts; pure."""

from __future__ import annotations

from collections.abc import Mapping

HEALTH_SECONDS = 600
LOG_LINES = 20
VERDICTS = {
    "gone": "its container is gone",
    "exited": "its container did not stay up",
    "restarting": "its container restarts again and again",
    "unhealthy": "its health check says unhealthy",
    "starting": f"its health check did not pass within {HEALTH_SECONDS} s",
}

LOOK = "{{.State.Status}} {{.RestartCount}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}"


def script(restarts: Mapping[str, int], seconds: int) -> str:
    """Look twice a second until the verdict is certain and print it; after a bad one, a container's last log lines.

    `restarts` is how often each container may have been restarted. With no seconds it is one look, which a health check
    that is still starting passes.
    """
    return f"""
bad() {{ echo "$1"; docker logs --tail {LOG_LINES} "$2" 2>&1; exit 0; }}
look=0
while :; do
  starting=
  for each in {" ".join(f"{container}:{count}" for container, count in restarts.items())}; do
    id=${{each%:*}}
    set -- $(docker inspect -f '{LOOK}' "$id" 2>/dev/null || echo gone 0 none)
    case $1 in running) ;; gone | restarting) bad "$1" "$id" ;; *) bad exited "$id" ;; esac
    [ "$2" -le "${{each#*:}}" ] || bad restarting "$id"
    [ "$3" != unhealthy ] || bad unhealthy "$id"
    [ "$3" != starting ] || starting=$id
  done
  if [ $look -ge {2 * seconds} ]; then
    [ "$starting" ] && [ {seconds} -gt 0 ] || {{ echo up; exit; }}
    [ $look -lt {2 * HEALTH_SECONDS} ] || bad starting "$starting"
  fi
  look=$((look + 1)); sleep 0.5
done"""
