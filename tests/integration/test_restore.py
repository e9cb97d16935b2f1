"""Whatever a test takes, the next one has it again."""

from __future__ import annotations

import pytest

from sandbox import swarm
from sandbox.aws import DATABASE
from sandbox.host import KEPT
from sandbox.sandbox import Sandbox
from tests.integration import restore
from tests.integration.conftest import FLAVOURS, Operator, fresh

TAKE = {
    "images": "tar -C / -c etc/hostname | docker import - galos-test",
    "shared layer": f"docker rmi {KEPT}",
    "networks": "docker network create left",
    "volumes": "docker volume create left",
    "containers": "docker create --name left --network left -v left:/left -v /anonymous galos-test sleep 600",
    "swarm": f"""
        {swarm.INIT}
        docker network create --driver overlay cluster
        echo x | docker config create left - && echo x | docker secret create left -
        docker service create --detach --init --network cluster --secret left --config left galos-test sleep 600
    """,
    "overlay networks": """
        : >/run/docker/netns/1-left; unshare --net=/run/docker/netns/1-left true
        ip link add left type vxlan id 999 dstport 4789
    """,
    "link to the swarm": swarm.CUT,
    "credential helper": "apt-get purge -qq -y amazon-ecr-credential-helper",
    "files": """
        gpasswd -d galos docker
        sed -i 's/^Subsystem/#Subsystem/' /etc/ssh/sshd_config
        echo x >>/root/.bashrc; rm /home/galos/.profile; chmod 777 /home/asker
        mkdir -p '/srv/a b/c' /root/.aws; ln -s nowhere /tmp/link; rm -r /var/tmp; : >/var/tmp
        printf '#!/bin/sh\nexit 1\n' >/usr/local/bin/docker-compose; chmod 755 /usr/local/bin/docker-compose
    """,
    "sudo tickets": "mkdir -p /run/sudo/ts; : >/run/sudo/ts/asker",
    "processes": "setsid flock /run/somebody sleep 600 >/dev/null 2>&1 & sleep 600 >/dev/null 2>&1 &",
    "mounts": """
        mkdir /srv/full; mount -t tmpfs tmpfs /srv/full
        mount --bind /root /root; mount -o remount,bind,ro /root
    """,
    "sshd": 'kill "$(cat /run/sshd.pid)"; while [ -e /run/sshd.pid ]; do sleep 0.1; done',
    "engine": "service docker stop",
}
"""A script that takes it from a host, for each row, in an order in which each still can."""


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_host_gets_back_whatever_was_taken(sandbox: Sandbox, flavour: str) -> None:
    host = fresh(sandbox, FLAVOURS[flavour])
    look = "id -nG galos; stat -c %a /home/asker; ls -A /root /srv /tmp; cat /etc/ssh/sshd_config /root/.bashrc"
    before = host.shell(look)
    assert restore.host(host) == [], "a host that is as it was is left alone"
    for script in TAKE.values():
        host.shell(f"set -e; {script}")
    assert restore.host(host) == [row.name for row in restore.HOST]
    assert set(TAKE) == {row.name for row in restore.HOST}
    assert restore.host(host) == []
    host.shell("set -e; command -v docker-credential-ecr-login; docker-compose version; test -d /var/tmp")
    host.shell("pgrep -x recorder && ! pgrep -x flock")
    assert host.shell(look) == before


def test_the_next_test_has_the_whole_sandbox_again(sandbox: Sandbox) -> None:
    """Services that are stopped, a wrong clock, no keys, a database that was tampered with, another latest, a host."""
    fresh(sandbox, "sandbox")
    before = sandbox.query(LOOK, database="postgres")
    sandbox.add_host("guest")
    sandbox.publish("v2")
    sandbox.skew_aws(86400)
    sandbox.revoke_keys()
    for service in ("db", "aws", "registry", "sandbox"):
        sandbox.stop(service)
    fresh(sandbox, "sandbox")
    db = sandbox.find("db").container
    db.docker.run("exec", db.name, "sh", "-c", "mkdir /dev/shm/small; head -c 1000000 /dev/zero >/dev/shm/zeros")
    for statement in TAMPER:
        sandbox.query(statement, database="postgres")

    operator = Operator(sandbox, fresh(sandbox, "sandbox"), "sandbox")
    operator.judge.begin()
    assert sandbox.query(LOOK, database="postgres") == before
    assert sandbox.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"
    assert sorted(sandbox.found()) == sorted([*FLAVOURS.values(), "db", "aws", "registry"])
    assert db.docker.run("exec", db.name, "sh", "-c", "ls /dev/shm | grep -v PostgreSQL || :") == ""
    operator.done("setup")
    assert "deployed sha256:" in operator.done("deploy")
    images = operator.done("ecr.images")
    assert [row for row in images.splitlines() if row.endswith("latest, v1")], images


TAMPER = (
    "ALTER ROLE galos SET default_transaction_read_only = on",
    "ALTER ROLE galos NOLOGIN CONNECTION LIMIT 0 PASSWORD 'another'",
    f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = on",
    "CREATE DATABASE map OWNER galos",
    "CREATE TABLESPACE small LOCATION '/dev/shm/small'",
    f"ALTER DATABASE {DATABASE} SET default_tablespace = small",
    "CREATE ROLE somebody",
    "ALTER SYSTEM SET default_transaction_read_only = on",
    "SELECT pg_reload_conf()",
)
LOOK = """
    SELECT rolname, rolcanlogin, rolconnlimit, rolconfig FROM pg_roles ORDER BY 1;
    SELECT datname, datdba::regrole, dattablespace FROM pg_database WHERE NOT starts_with(datname, 'saved_') ORDER BY 1;
    SELECT setrole, setconfig FROM pg_db_role_setting;
    SELECT spcname FROM pg_tablespace ORDER BY 1;
    SELECT name, setting FROM pg_settings WHERE name = 'default_transaction_read_only';
"""
