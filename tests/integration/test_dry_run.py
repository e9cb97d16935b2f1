"""--dry-run: the host afterwards is the host before, no secret is told, and the real run does what the plan said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.aws import REGISTRY, TOKEN
from sandbox.host import Host
from sandbox.sandbox import Sandbox
from tests.described import violations
from tests.integration.conftest import FLAVOURS, REFERENCE, Operator, container, fresh, image_id
from tests.integration.test_setup import operator as wiped
from tests.integration.test_setup import purge, put

FOREIGN_SECRETS = ("Zm9yZWlnbjpzZWNyZXQ=", "FOREIGNKEY/secret+1", "hunter2hunter2")
STEP = re.compile(r"^\S+ +(?:ok|✓|!|=|~|x|✗) (\S+(?: file)?)", re.MULTILINE)


def everything(host: Host) -> str:
    """All files of the homes and /etc with mode, owner, time and SHA-256; all packages, and all that Docker has.

    The credential helper keeps a cache and a log of its own in ~/.ecr, which any look at the registry renews.
    """
    find = "find /root /home /etc -name .ecr -prune -o"
    return host.shell(
        f"{find} -printf '%p %y %m %u %T@ %l\\n' | sort; {find} -type f -print0 | sort -z | xargs -0 sha256sum;"
        "docker images -a --no-trunc --digests --format '{{.ID}} {{.Repository}} {{.Tag}} {{.Digest}}' | sort;"
        "docker ps -aq --no-trunc | sort | xargs -r docker inspect -f '{{.Id}} {{.Image}} {{.State}}';"
        "docker network ls -q --no-trunc | sort; docker volume ls -q | sort; dpkg-query -W"
    )


@contextmanager
def untouched(operator: Operator) -> Iterator[None]:
    before = everything(operator.host)
    yield
    assert everything(operator.host) == before


def dry(operator: Operator, *words: str, code: int = 0) -> str:
    """The output of a dry run that left the host as it was and told no secret."""
    with untouched(operator):
        result = operator(*words, "--dry-run")
    told = result.stdout + result.stderr
    assert result.returncode == code, told
    assert "Traceback" not in told
    keys = operator.sandbox.keys
    assert keys.puller
    for secret in (keys.password, keys.puller.id, keys.puller.secret, TOKEN, *FOREIGN_SECRETS):
        assert secret not in told
    if not code:
        assert f"dry run: nothing was changed on {operator.login}" in told
    return told


def steps(told: str) -> list[str]:
    return STEP.findall(told)


def test_setup_on_a_bare_host_shows_what_it_would_write(sandbox: Sandbox) -> None:
    bare = wiped(sandbox, "sandbox")
    host = bare.host
    purge(host)
    bare.environment["FABRIC_GALOS_DIRECTORY"] = "~/a b/service"
    told = dry(bare, "setup")
    assert "~ directory" in told
    assert "~/a b/service would be made" in told
    assert "amazon-ecr-credential-helper would be installed with apt-get" in told
    for line in (
        "+aws_secret_access_key = ***",
        "+region = eu-central-1",
        "+DATABASE_URL=***",
        "+++ ~/a b/service/.env",
    ):
        assert line in told
    assert f'+		"{REGISTRY}": "ecr-login"' in told
    assert f"+    image: {REFERENCE}:latest" in told
    assert "the registry would be asked from the host" in told
    real = bare.done("setup")
    assert steps(real) == steps(told)
    assert steps(dry(bare, "setup")) == steps(real)[1:]
    assert "nothing to do: the host was ready already" in dry(bare, "setup")


def test_what_a_host_has_already_is_never_shown(sandbox: Sandbox) -> None:
    bare = wiped(sandbox, "sandbox")
    auth, key, password = FOREIGN_SECRETS
    put(bare.host, "/root/.docker/config.json", json.dumps({"auths": {"other:5000": {"auth": auth}}}, indent=2))
    put(bare.host, "/root/.aws/credentials", f"[other]\naws_secret_access_key = {key}\n# old: {key}\n")
    put(bare.host, "/root/.env", f"PASSWORD={password} # {password}\n#OLD={password}\nDATABASE_URL={password}\n")
    told = dry(bare, "setup")
    assert '     "other:5000": {' in told
    assert '       "auth": "***"' in told
    assert "-DATABASE_URL=***" in told
    assert "+DATABASE_URL=***" in told
    assert " PASSWORD=***" in told


def test_each_part_of_setup_only_looks(ready: Operator) -> None:
    parts = ("ecr.credentials", "ecr.region", "ecr.helper", "ecr.docker-config", "env.push", "ecr.check")
    told = dry(ready, *(word for part in parts for word in (part, "--dry-run")), "ecr.images")
    assert told.count(" = ") == len(parts)
    ready.host.shell("cd && chmod 644 .env && rm -r .aws .docker")
    told = dry(ready, *(word for part in parts[:-1] for word in (part, "--dry-run")), "ecr.images")
    assert told.count(" ~ ") == 4
    assert "~/.env would be made private (0600)" in told


def test_compose_v1_too_tells_whether_its_container_is_as_configured(sandbox: Sandbox) -> None:
    host = fresh(sandbox, FLAVOURS["v1"])
    fab = Operator(sandbox, host, FLAVOURS["v1"])
    fab.judge.begin()
    fab.done("setup", "deploy")
    assert f"nothing to do: {image_id(host)[:15]} already runs" in dry(fab, "deploy")
    host.shell("cd && echo NEW=1 >>.env")
    assert "its container created again: .env or the compose file changed" in dry(fab, "up")


def test_a_deploy_is_told_step_by_step(bare: Operator) -> None:
    fab, host = bare, bare.host
    fab.done("setup")
    told = dry(fab, "deploy")
    assert "to be fetched" in told
    assert "if a migration is pending" in told
    assert steps(fab.done("deploy")) == steps(told)
    first = image_id(host)

    told = dry(fab, "deploy")
    assert f"nothing to do: {first[:15]} already runs" in told
    assert steps(fab.done("deploy")) == steps(told)

    fab.sandbox.publish("v2")
    with fab.judge.by_hand("a person pulls another tag"):
        host.shell(f"docker pull -q {REFERENCE}:v2")
    second = image_id(host, "v2")
    told = dry(fab, "deploy")
    assert f"{first[:15]} → {second[:15]}, already here" in told
    assert "2: 20260806140000 allow stars without orbits" in told
    assert f"start {second[:15]}, in place of {first[:15]}\n" in told
    assert told.count("v1 → v2") == 1
    assert container(host) == f"running {first}"
    assert steps(fab.done("deploy")) == steps(told)

    host.shell("cd && echo NEW=1 >>.env")
    told = dry(fab, "up")
    assert "its container created again: .env or the compose file changed" in told
    assert steps(fab.done("up")) == steps(told)


def test_a_refusal_is_the_refusal_of_the_real_run(deployed: Operator) -> None:
    host, sandbox = deployed.host, deployed.sandbox
    sandbox.publish("v2")
    assert "to be fetched" in dry(deployed, "pull")
    deployed.done("pull")
    assert "2 migrations of this image pending" in dry(deployed, "up", code=5)
    assert "the service runs" in dry(deployed, "migrate", code=5)
    deployed.done("deploy")
    assert "a migration ran since" in dry(deployed, "rollback", code=5)
    assert "no such" in dry(deployed, "deploy", "--tag", "absent", code=1)
    right = host.shell("cat ~/.env")
    host.shell("cd && sed -i s/elite_development/absent/ .env")
    assert "cannot tell whether migrations are pending" in dry(deployed, "deploy", code=5)
    put(host, "/root/.env", right)
    with held(host):
        assert "somebody on laptop has held the host for deploy" in dry(deployed, "deploy", code=4)
    with untouched(deployed):
        document = json.loads(deployed.done("deploy", "--dry-run", "--json"))
    [plan] = document["hosts"][0]["services"]
    assert violations(document, "deploy --dry-run") == []
    assert [row["step"] for row in plan["plan"]] == ["pull", "pending", "up", "verify"]


def test_a_migration_that_somebody_s_death_left_is_told(deployed: Operator) -> None:
    host, name = deployed.host, "galos-sync-migration"
    labels = "--label com.docker.compose.service=galos-sync --label com.docker.compose.oneoff=True"
    with deployed.judge.by_hand("a migration, as somebody's death left it"):
        host.shell(f"docker run -d --name {name} {labels} --entrypoint sleep {REFERENCE}:latest 600")
    told = dry(deployed, "deploy")
    assert "adopt" in steps(told)
    assert "asked when that migration is over" in told
    assert "still running on the host" in dry(deployed, "rollback", code=5)
    host.shell(f"docker kill {name}")
    assert "the migration failed (exit 137" in dry(deployed, "deploy", code=6)
    host.shell(f"docker rm {name}")


@contextmanager
def held(host: Host) -> Iterator[None]:
    """Somebody else's deploy, as far as the lock can tell."""
    since = "2026-11-23T17:24:34+00:00"
    who = json.dumps({"user": "somebody", "machine": "laptop", "task": "deploy", "since": since, "run": None})
    put(host, "/root/.galos-ops/holder", who)
    pid = host.shell("cd ~/.galos-ops; exec 9>>lock; flock 9; setsid sleep 600 </dev/null >/dev/null 2>&1 & echo $!")
    host.shell(f"until [ -e /proc/{pid}/fd/9 ]; do :; done")
    yield
    host.shell(f"kill {pid}; : >~/.galos-ops/holder")


def test_a_rollback_asks_the_image_that_it_would_start(deployed: Operator) -> None:
    host = deployed.host
    deployed.sandbox.publish("v2")
    deployed.done("deploy")
    second = image_id(host)
    deployed.sandbox.publish("v3")
    deployed.done("pull")
    third = image_id(host)
    assert f"start {third[:15]}, in place of {second[:15]}, v2 → v3" in dry(deployed, "up")
    deployed.done("deploy")
    told = dry(deployed, "rollback")
    assert f"start {second[:15]}, in place of {third[:15]}, v3 → v2" in told
    assert "= pending   none" in told
    assert steps(deployed.done("rollback")) == steps(told)
    assert steps(dry(deployed, "stop")) == ["stop"]
    deployed.done("stop")
    told = dry(deployed, "start")
    assert steps(deployed.done("start")) == steps(told)
    assert steps(dry(deployed, "down")) == ["down"]
