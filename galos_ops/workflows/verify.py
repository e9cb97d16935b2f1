"""Whether a started container stays up: watched on the host, in one round trip."""

from __future__ import annotations

from galos_ops.engines.snapshot import Container
from galos_ops.engines.target import Target
from galos_ops.errors import VerifyError
from galos_ops.progress import Report, short

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


def script(container: str, seconds: int, restarts: int) -> str:
    """Look twice a second until the verdict is certain and print it; after a bad one, the container's last log lines.

    With no seconds it is one look, which a health check that is still starting passes.
    """
    return f"""
bad() {{ echo "$1"; docker logs --tail {LOG_LINES} {container} 2>&1; exit; }}
look=0
while :; do
  set -- $(docker inspect -f '{LOOK}' {container} 2>/dev/null || echo gone 0 none)
  case $1 in running) ;; gone | restarting) bad "$1" ;; *) bad exited ;; esac
  [ "$2" -le {restarts} ] || bad restarting
  [ "$3" != unhealthy ] || bad unhealthy
  if [ $look -ge {2 * seconds} ]; then
    [ "$3" = starting ] && [ {seconds} -gt 0 ] || {{ echo up; exit; }}
    [ $look -lt {2 * HEALTH_SECONDS} ] || bad starting
  fi
  look=$((look + 1)); sleep 0.5
done"""


def verify(target: Target, report: Report, container: Container, *, settled: bool) -> None:
    """Raise `VerifyError` unless the container stays up; a settled one, which ran before, gets one look."""
    seconds = 0 if settled else target.settings.verify.seconds
    restarts = container.restarts if settled else 0
    with report.step("verify", f"running for {seconds} s" if seconds else "running"):
        timeout = seconds + HEALTH_SECONDS + 60
        result = target.run(script(container.id, seconds, restarts), doing="verify", timeout=timeout)
        verdict, _, log = result.stdout.partition("\n")
        if verdict != "up":
            raise VerifyError(
                f"{target.label}: {short(container.image)}: {VERDICTS[verdict]}.",
                evidence=log,
                hint=target.host.typed.fab("logs"),
            )
