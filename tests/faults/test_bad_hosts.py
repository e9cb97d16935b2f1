"""States that a host can be in: each ends in a right deploy, or in one clear sentence."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from galos_ops.redaction import LEAST
from tests.faults.conftest import Case
from tests.integration.breaking import engine_stopped, keys_revoked, stopped, undone
from tests.integration.conftest import Operator, container, image_id
from tests.integration.gate import gated
from tests.integration.test_deploy import V1, V2, applied, wait_for

WATCHED = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -q 'filter \"[i]d='"


def test_a_full_disk_leaves_the_file_as_it_was(ready: Operator, tmp_path: Path) -> None:
    local = tmp_path / "local.env"
    local.write_text(f"DATABASE_URL={ready.sandbox.database_url()}\nPADDING={'x' * 60_000}\n")
    ready.environment |= {"FABRIC_GALOS_DIRECTORY": "/srv/full", "FABRIC_GALOS_ENV_FILE": str(local)}
    full = "mkdir -p /srv/full && mount -t tmpfs -o size=16k tmpfs /srv/full && echo OLD=1 >/srv/full/.env"
    with undone(ready.host, full, "! mountpoint -q /srv/full || umount /srv/full; rmdir /srv/full"):
        told = ready.refused(1, "env.push")
        assert "could not write /srv/full/.env; it is as it was" in told
        assert "No space left on device" in told
        assert ready.host.shell("cat /srv/full/.env; ls -A /srv/full") == "OLD=1\n.env\n.galos-ops"
        ready.host.shell("cp ~/docker-compose.yml /srv/full; head -c 100000 /dev/zero >/srv/full/zeros || :")
        told = ready.refused(8, "deploy")
        assert "cannot take the lock" in told
        assert "  | " in told


def test_a_read_only_home_is_named(deployed: Operator) -> None:
    read_only = "mount --bind /root /root && mount -o remount,bind,ro /root"
    with undone(deployed.host, read_only, "! mountpoint -q /root || umount /root"):
        told = deployed.refused(8, "deploy")
        assert "cannot take the lock" in told
        assert "Read-only file system" in told
    deployed.judge.untouched()


def test_a_flock_that_cannot_wait_is_named_and_nobody_is_said_to_hold_the_host(case: Case) -> None:
    told = '[ "$1" != -w ] || { echo "flock: unrecognized option: w" >&2; exit 1; }'
    path = "/usr/local/bin/flock"
    broken = f"printf '%s\n' '#!/bin/sh' {shlex.quote(told)} 'exec /usr/bin/flock \"$@\"' >{path} && chmod 755 {path}"
    with undone(case.operator.host, broken, f"rm -f {path}"):
        said = case.operator.refused(8, "deploy")
    assert "cannot take the lock in the service's directory; nothing was changed" in said
    assert "flock: unrecognized option: w" in said
    case.operator.judge.untouched()


def test_a_host_without_sftp_is_a_host(bare: Operator) -> None:
    sshd = "kill -HUP $(cat /run/sshd.pid)"
    change = f"sed -i 's/^Subsystem/#Subsystem/' /etc/ssh/sshd_config && {sshd}"
    with undone(bare.host, change, f"sed -i 's/^#Subsystem/Subsystem/' /etc/ssh/sshd_config && {sshd}"):
        bare.done("setup")
        bare.done("deploy")
    assert container(bare.host) == f"running {image_id(bare.host)}"


def test_a_user_without_the_docker_group_is_told_so(ready: Operator) -> None:
    user = replace(ready, login="sandbox-user")
    with undone(ready.host, "gpasswd -d galos docker", "usermod -aG docker galos"):
        told = user.refused(8, "deploy")
    assert "the user may not use the Docker engine" in told
    assert "usermod -aG docker" in told


def test_a_compose_file_that_does_not_parse_is_named(deployed: Operator) -> None:
    deployed.host.shell("echo 'services: [' >~/docker-compose.yml")
    told = deployed.refused(8, "deploy")
    assert "docker-compose cannot read its files in ~" in told
    assert "  | " in told
    deployed.judge.untouched()


def test_no_compose_file_at_all(deployed: Operator) -> None:
    deployed.host.shell("rm ~/docker-compose.yml")
    told = deployed.refused(8, "deploy")
    assert "there is no compose file in ~" in told
    assert f"next: {deployed.next('setup')}" in told
    deployed.done("setup")
    deployed.done("deploy")


def test_a_full_disk_under_the_engine_costs_no_downtime(case: Case) -> None:
    """What a pull fetches is written below /var/lib/docker/tmp at first."""
    images = "/var/lib/docker/tmp"
    full = f"mount -t tmpfs -o size=4k tmpfs {images} && head -c 4096 /dev/zero >{images}/zeros"
    with undone(case.operator.host, full, f"! mountpoint -q {images} || umount {images}"):
        told = case.operator.refused(1, "deploy")
    assert "could not pull" in told
    assert "what ran before is untouched" in told
    assert "no space left on device" in told
    assert "next: look at the host's disk" in told
    case.operator.judge.untouched()
    case.converges()


def test_a_migration_that_cannot_be_logged_starts_what_ran_before(case: Case) -> None:
    log, away = "~/.galos-ops/releases.jsonl", "~/.galos-ops/away"
    running = case.deploy(after="backup")
    running.reached()
    with undone(case.operator.host, f"mv {log} {away} && mkdir {log}", f"rmdir {log} && mv {away} {log}"):
        running.go_on()
        assert running.end() == 1, running.told
    assert "could not log the migration" in running.told
    assert "the previous image" in running.told
    assert "runs again" in running.told
    assert applied(case.operator) != V2
    case.converges()


def test_two_containers_of_the_service_are_one_after_a_deploy(case: Case) -> None:
    with case.operator.judge.by_hand("a person scales the service"):
        case.operator.host.shell("cd && docker-compose up -d --scale galos-sync=2")
    case.converges()
    assert case.operator.host.shell("docker ps -q").count("\n") == 0


def test_images_pruned_away_are_pulled_again(deployed: Operator) -> None:
    deployed.done("down")
    deployed.host.shell("docker image prune -af")
    deployed.done("up")
    assert container(deployed.host) == f"running {image_id(deployed.host)}"


def test_a_leftover_of_a_migration_that_never_started_is_no_obstacle(case: Case) -> None:
    create = "docker create --name galos-sync-migration --label com.docker.compose.oneoff=True"
    label = "--label com.docker.compose.service=galos-sync"
    case.operator.host.shell(f"{create} {label} $(docker images -q | head -1) true")
    case.converges()


def test_the_engine_restarts_while_the_new_container_is_watched(case: Case) -> None:
    """Who does not answer has not said that the container is gone, which would start the image before."""
    case.operator.environment["FABRIC_GALOS_VERIFY_SECONDS"] = "3"
    running = case.deploy(after="up")
    running.reached()
    with engine_stopped(case.operator.host):
        running.go_on()
        wait_for(case.operator, WATCHED)
    assert running.end() == 0, running.told
    case.judge()
    case.converges()


@pytest.mark.parametrize("step", ["down", "backup", "migrate"])
def test_an_engine_that_restarts_after_a_step_revives_nothing_that_was_stopped(case: Case, step: str) -> None:
    """`restart: always` starts what was stopped, too, when the engine comes back."""
    case.operator.host.shell("sed -i 's/restart: unless-stopped/restart: always/' ~/docker-compose.yml")
    case.operator.done("up")
    running = case.deploy(after=step)
    running.reached()
    with engine_stopped(case.operator.host):
        pass
    running.go_on()
    assert running.end() == 0, running.told
    case.judge()
    case.converges()


def test_the_engine_restarts_during_the_migration(case: Case) -> None:
    with gated(case.operator.sandbox) as gate:
        running = case.deploy()
        gate.reached()
        with engine_stopped(case.operator.host):
            pass
        assert container(case.operator.host) == ""
        assert running.end() in (1, 6), running.told
        assert "Traceback" not in running.told, running.told
        assert "next: " in running.told
    case.judge()
    case.operator("deploy", "--wait", "100")
    case.operator.done("deploy", "--wait", "100")
    assert container(case.operator.host) == f"running {image_id(case.operator.host)}"
    assert applied(case.operator)[:4] == V2


def test_revoked_keys_cost_no_downtime(case: Case) -> None:
    with keys_revoked(case.operator.sandbox):
        case.operator.host.shell("rm -rf ~/.ecr")
        told = case.operator.refused(1, "deploy")
    assert "could not pull" in told
    assert f"next: {case.operator.next('ecr.check')}" in told
    case.operator.judge.no_downtime()
    assert applied(case.operator) == V1
    case.operator.done("ecr.credentials")
    case.converges()


def test_an_ecr_api_that_is_away_costs_no_downtime(case: Case) -> None:
    """The token that the helper kept has expired, and there is nobody to ask for another one."""
    with stopped(case.operator.sandbox, "aws"):
        case.operator.host.shell("rm -rf ~/.ecr")
        told = case.operator.refused(1, "deploy")
    assert "could not pull" in told
    assert f"next: {case.operator.next('ecr.check')}" in told
    case.operator.judge.untouched()
    case.converges()


def test_values_of_every_kind_reach_a_migration_on_the_host_as_they_are(deployed: Operator) -> None:
    values = ["it's", 'a "b"', "p;rm -rf /", "$(id)", "`id`", "ü ♥", "a\\b", "a #x"]
    lines = "".join(f"ODD_{number}={quoted(value)}\n" for number, value in enumerate(values))
    deployed.host.execute(["sh", "-c", "cat >>~/.env"], stdin=lines)
    names = " ".join(f'"$ODD_{number}"' for number in range(len(values)))
    check = f"printf '%s\\n' {names} >/tmp/told; printf '%s\\n' {names}; exit 1"
    keys = {"tool": "command", "where": "host", "run": "true", "check": check}
    told = deployed.refused(5, "-f", deployed.configured({"services": {"galos-sync": {"migration": keys}}}), "pending")
    assert deployed.host.shell("cat /tmp/told && rm /tmp/told").splitlines() == values
    shown = [line.removeprefix("  | ") for line in told.splitlines() if line.startswith("  | ")]
    assert len(shown) == len(values)
    assert "***" in shown
    assert not [value for value in values if len(value) >= LEAST and value in shown]


def quoted(value: str) -> str:
    """A value as python-dotenv reads it back, in single quotes."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
