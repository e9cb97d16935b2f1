"""Reading what a host's engine and the database recorded: one command each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.host import Host
from sandbox.sandbox import Sandbox
from tests.judge.record import Container
from tests.judge.rules import State

# A volume made and removed leaves two events: once they are in the record, so is all that happened before.
# What the engine still keeps from before them must be in the record.
HOST = r"""
set -euo pipefail
sentinel=$1 patience=$2 offset=${3:-} since=${4:-} record=/var/log/docker-events.jsonl
size=$(stat -c %s "$record") until=$(date +%s.%N)
docker volume create "$sentinel" >/dev/null && docker volume rm "$sentinel" >/dev/null
new() { tail -c "+$((size + 1))" "$record"; }
until new | grep -q "\"destroy\".*$sentinel.*}$"; do
    [ "$SECONDS" -le "$patience" ] || { echo absent; exit; }
    sleep 0.02
done
[ -n "$offset" ] || exit 0
[ "$offset" != 0 ] || offset=$((size + $(new | grep -bm1 "$sentinel" | cut -d: -f1)))
echo "offset $offset"
echo "time $until"
form='container {"id":{{json .Id}},"name":{{json .Name}},"labels":{{json .Config.Labels}}'
form+=',"running":{{json .State.Running}},"started":{{json .State.StartedAt}}}'
docker ps -aq | xargs -r docker inspect -f "$form" || [ $? = 123 ]  # one that was removed in between
docker images --no-trunc --format 'tag {{.Repository}}:{{.Tag}} {{.ID}}'
find /root /home /srv -xdev \( -name '.galos-ops.*' -o -path '*/.galos-ops/*.new' \) -printf 'file %p\n' \
    -o -path '*/.galos-ops/*.passed' -printf 'remembered %f\n'
[ -z "$since" ] || docker events --since "$since" --until "$until" --format '{{json .}}' |
    { grep -vxFf <(tail -c "+$((offset + 1))" "$record") || [ $? = 1 ]; } | sed 's/^/missing /'
tail -c "+$((offset + 1))" "$record" | sed 's/^/record /'
"""

# The session that asks is itself a line of the log: once that is there, so is all that happened before.
DATABASE = r"""
set -euo pipefail
sentinel=$1 since=$2 log=/var/lib/postgresql/log/server.json
shift 2
for database; do
    known="SELECT count(*) FROM pg_database WHERE datname = '$database'"
    [ "$(PGAPPNAME=$sentinel psql -XAtqc "$known")" = 1 ] || continue
    psql -XAtq -v ON_ERROR_STOP=1 -d "$database" <<'SQL' | sed "s/^/applied $database /"
SELECT to_regclass('_sqlx_migrations') IS NOT NULL AS known \gset
\if :known
SELECT version, begun, begun + greatest(execution_time, 0)
FROM (SELECT *, (extract(epoch FROM installed_on) * 1000000000)::bigint AS begun FROM _sqlx_migrations) AS migrations
WHERE success;
\endif
SQL
done
until tail -n 100 "$log" | grep -q "authorized.*$sentinel"; do
    [ "$SECONDS" -lt 20 ] || { echo absent; exit; }
    sleep 0.02
done
# from its end, and as far as lines are certain to be older: those of a moment come in any order
{ tac "$log" || [ $? = 141 ]; } | awk -F'"' -v since="$since" -v older="$(date -u -d "$since 1 minute ago" '+%F %T')" '
    $4 < older {exit}
    $4 >= since && /connection|PostgreSQL|FATAL|PANIC/ {print "log " $0}' | tac
"""


class GapError(AssertionError):
    """The record lacks events, so it proves nothing."""


@dataclass(frozen=True)
class Observation:
    """What a host told: the lines of the record from `offset` on, and the events that they lack."""

    offset: int
    time: str
    state: State
    lines: tuple[str, ...]
    missing: tuple[str, ...]


def barrier(host: Host, sentinel: str, patience: int) -> None:
    """Have the engine do something by this name, and wait until it is in the record; raises GapError.

    `patience` is how many seconds an event may take from the engine to the record.
    """
    _ask(host, sentinel, str(patience))


def observe(host: Host, sentinel: str, patience: int, offset: int = 0, since: str = "") -> Observation:
    """Read the record, and what the host holds, after a barrier; raises GapError.

    `offset` is where in the record to begin, 0 for the sentinel; `since` is the time at that offset.
    """
    rows = _ask(host, sentinel, str(patience), str(offset), since)
    lines, missing = (tuple(rows.get(kind, ())) for kind in ("record", "missing"))
    return Observation(int(rows["offset"][0]), rows["time"][0], state(rows), lines, missing)


def _ask(host: Host, *arguments: str) -> dict[str, list[str]]:
    rows = sort(host.execute(["bash", "-s", *arguments], stdin=HOST).stdout.splitlines())
    if "absent" in rows:
        raise GapError("the recorder is not attached to the engine: an event did not come to the record")
    return rows


def sort(lines: Iterable[str]) -> dict[str, list[str]]:
    """Rows by the word that they begin with."""
    rows: dict[str, list[str]] = {}
    for line in lines:
        kind, _, value = line.partition(" ")
        rows.setdefault(kind, []).append(value)
    return rows


def state(rows: dict[str, list[str]]) -> State:
    """What a host holds."""
    containers = []
    for text in rows.get("container", ()):
        row = json.loads(text)
        name, labels = row["name"].lstrip("/"), row["labels"] or {}
        containers.append(Container.of(row["id"], name, labels, running=row["running"], started=row["started"]))
    tags = dict(tag.rsplit(" ", 1) for tag in rows.get("tag", ()))
    remembered = frozenset(name.removesuffix(".passed") for name in rows.get("remembered", ()))
    return State(tuple(containers), tags, frozenset(rows.get("file", ())), remembered)


def ask_database(
    sandbox: Sandbox, sentinel: str, since: str, databases: Iterable[str]
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]], list[str]]:
    """When each applied migration of each database began, and was applied; the lines of the log since a UTC timestamp.

    A migration begins with its transaction.
    """
    command = ("exec", "--interactive", sandbox.find("db").container.name, "bash", "-s", sentinel, since, *databases)
    rows = sort(sandbox.docker.run(*command, stdin=DATABASE.encode()).splitlines())
    if "absent" in rows:
        raise GapError("the database does not write its log: a session did not come to it")
    begun: dict[str, dict[str, int]] = {}
    applied: dict[str, dict[str, int]] = {}
    for row in rows.get("applied", ()):
        database, _, value = row.partition(" ")
        version, began, done = value.split("|")
        begun.setdefault(database, {})[version] = int(began)
        applied.setdefault(database, {})[version] = int(done)
    return begun, applied, rows.get("log", [])
