"""What a test took from a sandbox is given back: the hosts', the database's and the AWS account's, each as a table.

A host is checked and mended by one script in one `docker exec`; what is as it was costs a look.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox import swarm
from sandbox.aws import DATABASE
from sandbox.host import KEEP, Host
from sandbox.host import KEPT as KEPT_IMAGE
from sandbox.machines import SERVICES
from sandbox.sandbox import Sandbox
from tests.judge.observe import sort

FUNCTIONS = Path(__file__).with_name("restore.sh").read_text()
KEPT = "/var/lib/galos-tests"  # where a host keeps what later tests begin from


@dataclass(frozen=True)
class Row:
    """Something that a test can take from a host; `check` is shell that succeeds while it is as it was."""

    name: str
    check: str
    restore: str


def emptied(name: str, listing: str, removal: str) -> Row:
    """A row of what a host has none of; what the check found is removed."""
    return Row(name, f'found=$({listing}) && [ -z "$found" ]', f'echo "$found" | sort -u | xargs -r {removal}')


OTHER_IMAGES = f"""docker images --format '{{{{.Repository}}}} {{{{.ID}}}}' |
    awk '{{ found[$2] }} $1 == "{KEPT_IMAGE}" {{ kept = $2 }} END {{ for (id in found) if (id != kept) print id }}'"""
NETWORKS = emptied("networks", "docker network ls -q --filter type=custom", "docker network rm")
# What a leave left behind, an engine forgets with a restart, if not by itself; no command removes it.
NO_SWARM = f'{swarm.OUTSIDE} && [ -z "$(docker network ls -q --filter scope=swarm)" ]'
LEAVE = f"if {swarm.OUTSIDE}; then service docker restart; else {swarm.LEAVE}; fi"
HELPER = "/var/cache/apt/archives/amazon-ecr-credential-helper_*.deb"

HOST = (
    emptied("mounts", "new_mounts", "-n1 umount -l"),
    emptied("processes", "strangers", "kill -9"),
    Row("link to the swarm", swarm.UNCUT, swarm.MEND),
    Row("engine", "docker ps -q", "service docker start"),
    Row("swarm", NO_SWARM, LEAVE),
    Row("overlay networks", '[ -z "$(overlays)" ]', 'overlays | while read -r one; do forget "$one"; done'),
    emptied("containers", "docker ps -aq", "docker rm -fv"),
    emptied("images", OTHER_IMAGES, "docker rmi -f"),
    Row("shared layer", f"docker image inspect {KEPT_IMAGE}", f"sh {KEEP}"),
    replace(NETWORKS, restore=f"{swarm.BRIDGE} 2>/dev/null; {NETWORKS.restore}"),
    emptied("volumes", "docker volume ls -q", "docker volume rm -f"),
    Row("credential helper", "command -v docker-credential-ecr-login", f"dpkg --install {HELPER}"),
    Row("files", '{ [ -e "$base/files" ] || record; } && ! files_differ', "restore_files"),
    Row("sshd", 'kill -0 "$(cat /run/sshd.pid)"', "/usr/sbin/sshd"),
    emptied("sudo tickets", "find /run -path '/run/sudo/ts/*'", "rm -f"),
)
"""In this order: what holds a thing goes before it."""

# The engine may refuse for a moment to remove what it is about to restart, and a process that was killed is seen until
# its parent has noticed: the check decides, not the removal.
SCRIPT = FUNCTIONS + "".join(
    f"tries=0\n"
    f"until {{ {row.check}; }} >/dev/null 2>&1; do\n"
    f"    if [ $tries -gt 0 ]; then sleep 0.$tries; else echo 'took {row.name}'; fi\n"
    f"    [ $tries -lt 5 ] || {{ echo '{row.name}: not as it was' >&2; exit 1; }}\n"
    f"    {{ {row.restore}; }} >/dev/null\n"
    "    tries=$((tries + 1))\n"
    "done\n"
    for row in HOST
)
SCRIPT += f"ls {KEPT} | sed 's/^/kept /'"

ROLE = "ALTER ROLE galos RESET ALL; ALTER ROLE galos LOGIN CONNECTION LIMIT -1 PASSWORD '{password}';"
DATABASE_ROWS = {
    "settings": "ALTER SYSTEM RESET ALL; SELECT pg_reload_conf() \\g /dev/null",
    "databases": r"""SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
        WHERE datname NOT IN ('postgres', 'template0', 'template1') AND NOT starts_with(datname, 'saved_') \gexec""",
    "tablespaces": r"""SELECT format('DROP TABLESPACE %I', spcname) FROM pg_tablespace
        WHERE NOT starts_with(spcname, 'pg_') \gexec""",
    "roles": r"""SELECT format('DROP ROLE %I', rolname) FROM pg_roles
        WHERE rolname NOT IN ('galos', 'postgres') AND NOT starts_with(rolname, 'pg_') \gexec""",
    "database": f'CREATE DATABASE "{DATABASE}" OWNER galos;',
    "kept": "SELECT datname FROM pg_database WHERE starts_with(datname, 'saved_');",
}
FULL = "find /dev/shm -mindepth 1 -maxdepth 1 ! -name 'PostgreSQL.*'"
MEND_DATABASE = f"""
    {FULL} -type f -delete
    export PGOPTIONS='-c default_transaction_read_only=off'
    psql -XAtq -v ON_ERROR_STOP=1 --dbname postgres && {FULL} -exec rm -r {{}} +
"""


_used: dict[str, set[str]] = {}
"""The hosts of a sandbox that were handed out, by its ID: what they may still run meets the database of all."""

saved: dict[str, list[str]] = {}
"""The databases of a sandbox, by its ID, that were saved for later tests."""

kept: dict[str, list[str]] = {}
"""The files of KEPT on a host, by its container, when it was last made what it was."""


def host(machine: Host) -> list[str]:
    """Make a host what it was before anybody set it up, the credential helper there; tells which rows that took."""
    _used.setdefault(machine.container.sandbox, set()).add(machine.name)
    done = machine.execute(["bash", "-c", SCRIPT], check=False)
    assert done.returncode == 0, f"{machine.name} does not become what it was:\n{done.stderr}"
    told = sort(done.stdout.splitlines())
    kept[machine.container.name] = told.get("kept", [])
    return told.get("took", [])


def database(sandbox: Sandbox) -> list[str]:
    """Make the role and the databases what they were, the service's empty; tells which saved ones there are."""
    db = sandbox.find("db").container
    statements = "\n".join([ROLE.format(password=sandbox.keys.password), *DATABASE_ROWS.values()])
    told = db.docker.run("exec", "--interactive", db.name, "sh", "-c", MEND_DATABASE, stdin=statements.encode())
    return told.split()


def everything(sandbox: Sandbox, name: str, known: Collection[str]) -> None:
    """Give a host that is about to be used, and what all hosts share, back what tests took.

    `known` are the hosts that the sandbox has.
    """
    found = sandbox.found()
    for role in found.keys() - {*known, *SERVICES}:
        sandbox.remove_host(role)
    if sandbox.skewed.exists():  # ahead of the rest: AWS takes no call of ours with a wrong clock
        sandbox.skew_aws(0)
    stopped = [role for role in (*SERVICES, *known) if not found[role].running]
    for role in stopped:  # in the order of SERVICES: when the API starts it is told what the registry has
        sandbox.start(role)
    if sandbox.keys.puller is None:
        sandbox.renew_keys()
    dirty = _used.get(sandbox.id, set(known)) | {name}
    with ThreadPoolExecutor() as pool:
        hosts = [pool.submit(host, sandbox.host(each)) for each in sorted(dirty)]
        databases = pool.submit(database, sandbox)
    for each in hosts:
        each.result()
    saved[sandbox.id] = databases.result()
    _used[sandbox.id] = {name}
