"""Shell that a manager of a Swarm runs: what of services still runs anywhere, and whether their tasks stay up; pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from galos_ops.engines.snapshot import cluster
from galos_ops.engines.snapshot.cluster import ENDED, SUM
from galos_ops.engines.watching import HEALTH_SECONDS, LOG_LINES, SILENT, UP
from galos_ops.host.shell import ExitCode

UNKNOWN_SECONDS = 10
VERDICTS = {
    "ended": "a container of it did not stay up",
    "rejected": "a node could not start it",
    "paused": "Swarm stopped the update",
    "changed": "somebody changed the service meanwhile",
    "starting": f"not all of its containers ran within {HEALTH_SECONDS} s",
}
OVER = "|".join(state.capitalize() for state in sorted(ENDED))
CAME_BETWEEN = "update out of sequence"
IMAGE = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
TASK = f'{{{{.ID}}}} {{{{.DesiredState}}}} {{{{.Status.State}}}} sum={{{{index .Spec.ContainerSpec.Labels "{SUM}"}}}}'


def listed(name: str) -> str:
    """Return a script that prints the tasks of a service, a line of `TASK` each; nothing where there are none."""
    ids = f"docker service ps -q --no-trunc {name} 2>/dev/null"
    return f"{ids} | xargs -r docker inspect --type task -f '{TASK}' 2>/dev/null"


def until(condition: str, seconds: int) -> str:
    """Return a script that goes on once a condition holds, or after some seconds."""
    again = f"look=$((look + 1)); [ $look -lt {4 * seconds} ] || break; sleep 0.25"
    return f"look=0; until {condition}; do {again}; done"


def insistent(command: str) -> str:
    """Return a script that gives the cluster a command again where a change of its own came between.

    A manager refuses what was made of an older state of a service, and changes nothing (SwarmKit, ErrSequenceConflict).
    """
    return f"""for turn in 1 2 3 4 5; do
said=$({command} 2>&1) && code=0 || code=1
printf '%s\\n' "$said" >&2
case $code$said in 1*'{CAME_BETWEEN}'*) sleep 0.5 ;; *) break ;; esac; done; [ $code = 0 ]"""


def deploy(stack: str, resolve: str) -> str:
    """Return a script that deploys a stack from the next line of its standard input, with that --resolve-image."""
    command = f"docker stack deploy --with-registry-auth --resolve-image {resolve} -c - {stack}"
    given = f"printf '%s\\n' \"$file\" | {command}"
    return f"IFS= read -r file && {{ {insistent(given)}; }} || exit 1"


def rescale(name: str, image: str, replicas: int) -> str:
    """Return a script that scales a service, or ends with `WRONG_IMAGE` where it is not of an image any more."""
    return (
        f"[ \"$(docker service inspect -f '{IMAGE}' {name})\" = {shlex.quote(image)} ] || exit {ExitCode.WRONG_IMAGE}\n"
        f"{insistent(f'docker service scale -d {name}={replicas}')}"
    )


def of_sum(name: str, wanted: str) -> str:
    """Return a condition of shell: a service has tasks of one sum."""
    return f"{listed(name)} | grep -q 'sum={wanted}$'"


def as_many(name: str, replicas: int) -> str:
    """Return a condition of shell: a service has so many tasks that are to run."""
    return f'[ "$(docker service ps -q --filter desired-state=running {name} | wc -l)" -ge {replicas} ]'


def prove_gone(names: Iterable[str]) -> str:
    """Return a script that ends with `STILL_RUNS` where a service, by its name in the cluster, may run anywhere.

    It prints the names of tasks; where a node does not answer nobody knows what it runs, and that is said of it.
    A service that is not there runs nothing.
    """
    unknown, back = f"exit {ExitCode.STILL_RUNS}", cluster.returned(r"\1")
    return f"""known=$(docker service ls --format '{{{{.Name}}}}') || {unknown}
nodes=$(docker node ls --format '{{{{.Status}}}} {{{{.Hostname}}}} {{{{.ID}}}}') && [ "$nodes" ] || {unknown}
back=$({back}) || {unknown}
away() {{ sed "s/^[^ ]* \\([^ ]*\\) .*/$1: \\1/" | grep . >&2; }}
printf '%s\\n' "$nodes" | grep -v '^Ready ' | away away && {unknown}
[ -z "$back" ] || ! printf '%s\\n' "$nodes" | grep -F "$back" | away 'just back' || {unknown}
left=
for one in {" ".join(names)}; do
  printf '%s\\n' "$known" | grep -qxF "$one" || continue
  tasks=$(docker service ps --no-trunc --format '{{{{.CurrentState}}}} {{{{.Name}}}}' "$one") || {unknown}
  left="$left$(printf '%s\\n' "$tasks" | grep -Ev '^({OVER})|^$' | sed 's/.* / /')"
done
[ -z "$left" ] || {{ echo $left; {unknown}; }}"""


def scale(names: Iterable[str]) -> str:
    """Return a script that scales services to nothing, those that are there, and goes on."""
    listed = "docker service ls --format '{{.Name}}'"
    known = f'for one in {" ".join(names)}; do {listed} | grep -qxF "$one" || continue'
    nothing = 'docker service scale -d "$one=0"'
    return f"{known}\n{{ {insistent(nothing)}; }} || exit 1; done"


def await_gone(names: Iterable[str], seconds: int) -> str:
    """Return a script that looks twice a second until services run nowhere, and fails as `prove_gone` then.

    It does so earlier where it cannot be known for `UNKNOWN_SECONDS`: a node that is lost does not come back so soon.
    """
    return f"""look=0 unknown=0
until said=$( {prove_gone(names)} ); do
  if [ "$said" ]; then unknown=0; else unknown=$((unknown + 1)); fi
  look=$((look + 1))
  [ $look -lt {2 * seconds} ] && [ $unknown -lt {2 * UNKNOWN_SECONDS} ] || {{ echo $said; exit {ExitCode.STILL_RUNS}; }}
  sleep 0.5
done"""


def watch(name: str, found: str, image: str, replicas: int, seconds: int, before: Iterable[str]) -> str:
    """Return a script that looks twice a second at a service until the verdict is certain, and prints it.

    All its tasks that are to run must be of one sum, `found`, and `replicas` of them run for some seconds; `before` are
    the IDs of tasks that do not count, as they are older. One that is to end may do so later, as on a node that is
    lost. After a bad verdict come the reason and the last log lines.
    """
    spec = f"docker service inspect -f '{IMAGE} {{{{with .UpdateStatus}}}}{{{{.State}}}}{{{{end}}}}' {name}"
    return f"""before=' {" ".join(before)} '
bad() {{ echo "$1"; [ -z "$2" ] || docker inspect --type task -f '{{{{.Status.Err}}}}' "$2"
docker service logs --raw --tail {LOG_LINES} "${{2:-{name}}}" 2>&1; exit 0; }}
look=0 well=0 missed=0
while :; do
  if ! spec=$({spec} 2>&1); then
    [ $missed -lt {2 * HEALTH_SECONDS} ] || {{ echo {SILENT}; echo "$spec"; exit; }}
    missed=$((missed + 1)); sleep 0.5; continue
  fi
  case $spec in "{image} paused"|"{image} rollback"*) paused=yes ;; "{image} "*) paused= ;; *) bad changed ;; esac
  running=0 others=0
  while read -r id desired state sum; do
    case $sum in
      "sum={found}") case $state in
        running) [ "$desired" != running ] || running=$((running + 1)) ;;
        failed|complete) case $before in *" $id "*) ;; *) bad ended "$id" ;; esac ;;
        rejected) case $before in *" $id "*) ;; *) bad rejected "$id" ;; esac ;;
      esac ;;
      sum*) case $desired in shutdown|remove) ;; *) others=$((others + 1)) ;; esac ;;
    esac
  done <<EOF
$({listed(name)})
EOF
  [ -z "$paused" ] || bad paused
  if [ $running = {replicas} ] && [ $others = 0 ]; then well=$((well + 1)); else well=0; fi
  [ $well -le {2 * seconds} ] || {{ echo {UP}; exit; }}
  [ $look -lt {2 * HEALTH_SECONDS} ] || bad starting
  look=$((look + 1)); sleep 0.5
done"""
