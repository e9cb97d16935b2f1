"""The sandbox is real: hosts, a registry that asks for ECR's token, a database; and nothing is left behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import botocore.exceptions
import pytest
from pytest_mock import MockerFixture

from galos_ops.errors import NotReadyError, UsageError
from sandbox import aws, releases
from sandbox.host import KEEP, KEPT, Host
from sandbox.registry import Link
from sandbox.sandbox import Sandbox
from tests.integration.breaking import engine_stopped, keys_revoked, stopped
from tests.judge import Judge
from tests.processes import HANG_SECONDS

COMPOSE_FILE = f"""\
services:
  galos-sync:
    image: {aws.REGISTRY}/galos-sync
    env_file: .env
"""
INSTALL_HELPER = """
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq amazon-ecr-credential-helper
"""
MIGRATE = "docker-compose run --rm -T galos-sync sqlx migrate run --source galos_db/migrations"


@pytest.fixture(scope="session")
def sandbox(sandbox_of_one_host: Sandbox) -> Sandbox:
    return sandbox_of_one_host


@pytest.fixture
def latest_is_v1(sandbox: Sandbox) -> Iterator[None]:
    sandbox.publish("v1")
    yield
    sandbox.publish("v1")


def place(host: Host, path: str, text: str) -> None:
    host.execute(["bash", "-c", f'umask 077; mkdir -p "$(dirname {path})"; cat >{path}'], stdin=text)


def prepare(sandbox: Sandbox, host: Host, database: str) -> None:
    """Do the runbook on a host, by hand."""
    host.shell(INSTALL_HELPER)
    place(host, "/root/.aws/credentials", (sandbox.state / "aws" / "credentials").read_text())
    place(host, "/root/.docker/config.json", json.dumps({"credHelpers": {aws.REGISTRY: "ecr-login"}}))
    place(host, "/root/docker-compose.yml", COMPOSE_FILE)
    place(host, "/root/.env", f"DATABASE_URL={sandbox.database(database)}\n")


def on(host: Host, command: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    return host.execute(["bash", "-c", f"cd /root && {command} 2>&1"], check=check)


def ssh(sandbox: Sandbox, alias: str, command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ssh", "-F", str(sandbox.ssh_config), alias, command],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def prepared(sandbox: Sandbox) -> Iterator[Host]:
    host = sandbox.add_host("prepared")
    prepare(sandbox, host, "prepared")
    yield host
    sandbox.remove_host("prepared")


def test_up_again_changes_nothing(sandbox: Sandbox) -> None:
    before = {path: path.stat().st_mtime_ns for path in sandbox.directory.rglob("*")}
    assert sandbox.up() is False
    assert {path: path.stat().st_mtime_ns for path in sandbox.directory.rglob("*")} == before


@pytest.mark.parametrize(
    ("alias", "user", "sudo"), [("sandbox", "root", 0), ("sandbox-user", "galos", 0), ("sandbox-ask", "asker", 1)]
)
def test_plain_ssh_gets_in(sandbox: Sandbox, alias: str, user: str, sudo: int) -> None:
    assert ssh(sandbox, alias, "whoami; docker ps --quiet").stdout.split() == [user]
    assert ssh(sandbox, alias, "sudo -n true").returncode == sudo


def test_sudo_takes_the_password_of_the_one_it_asks(sandbox: Sandbox) -> None:
    assert ssh(sandbox, "sandbox-ask", "sudo -S whoami", stdin="asker\n").stdout.strip() == "root"


def test_ssh_refuses_a_host_with_another_key(sandbox: Sandbox, tmp_path: Path) -> None:
    other = sandbox.add_host("other")
    try:
        with socket.create_connection(("127.0.0.1", other.port), timeout=10):
            pass
        swapped = sandbox.ssh_config.read_text().replace(f"Port {sandbox.host().port}\n", f"Port {other.port}\n")
        lines = (sandbox.directory / "known_hosts").read_text()
        kept = [line for line in lines.splitlines() if f"]:{other.port} " not in line]
        forged = [line.replace(f":{sandbox.host().port} ", f":{other.port} ") for line in kept]
        (tmp_path / "known_hosts").write_text("\n".join(forged) + "\n")
        config = tmp_path / "ssh_config"
        config.write_text(swapped.replace(str(sandbox.directory / "known_hosts"), str(tmp_path / "known_hosts")))
        refused = subprocess.run(
            ["ssh", "-F", str(config), "sandbox", "true"], capture_output=True, text=True, check=False
        )
        assert refused.returncode == 255
        assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in refused.stderr
    finally:
        sandbox.remove_host("other")


def test_nothing_of_the_runbook_is_done(sandbox: Sandbox) -> None:
    script = """
        command -v docker-credential-ecr-login
        for home in /root /home/*; do ls -d $home/.aws $home/.docker $home/.env $home/docker-compose.yml; done
        docker ps --all --quiet; docker images --format '{{.Repository}}' | grep -v galos-sandbox/shared
        ls /etc/docker/daemon.json
    """
    assert sandbox.host().shell(script, check=False) == ""


def test_secrets_are_for_their_owner_only(sandbox: Sandbox) -> None:
    secret = [
        sandbox.directory / ".env",
        sandbox.keys_file,
        *(sandbox.state / n for n in ("ssh_key", "aws/credentials")),
    ]
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}


@pytest.mark.unjudged("everything is done by hand, on a host that is gone when the test ends")
@pytest.mark.parametrize(("compose", "version"), [("v1", "1.29.2"), ("v2", "2.26.1"), ("v5", "5.6.1")])
def test_the_runbook_works_by_hand_with_every_compose(sandbox: Sandbox, compose: str, version: str) -> None:
    host = sandbox.add_host(f"by-hand-{compose}", compose)
    try:
        prepare(sandbox, host, f"by_hand_{compose}")
        assert version in on(host, "docker-compose version").stdout
        on(host, "docker-compose pull")
        judge = Judge(sandbox, host)
        judge.begin()
        assert "Applied 20260801120000" in on(host, MIGRATE).stdout
        on(host, "docker-compose up -d")
        logs = host.shell("cd /root; until docker-compose logs | grep watching; do sleep 0.2; done")
        assert "galos-sync v1: watching 3 systems, 1 stars, 2 bodies" in logs
        assert len(judge.actions("start")) == 2
        assert sandbox.query("SELECT count(*) FROM systems", database=f"by_hand_{compose}") == "3"
        on(host, "docker-compose down")
    finally:
        sandbox.remove_host(host.name)


def test_the_registry_refuses_who_has_no_token(sandbox: Sandbox) -> None:
    refused = on(sandbox.host(), f"docker pull {aws.REGISTRY}/galos-sync", check=False)
    assert refused.returncode != 0
    assert "no basic auth credentials" in refused.stdout


def test_wrong_keys_get_no_token(prepared: Host) -> None:
    right = prepared.shell("cat /root/.aws/credentials; rm -rf /root/.ecr")
    on(prepared, "docker-compose pull")
    place(prepared, "/root/.aws/credentials", right.replace("AKIA", "AKIB") + "\n")
    prepared.shell("rm -rf /root/.ecr")
    assert on(prepared, "docker-compose pull", check=False).returncode != 0
    assert "UnrecognizedClientException" in prepared.shell("cat /root/.ecr/log/ecr-login.log")
    place(prepared, "/root/.aws/credentials", right + "\n")
    prepared.shell("rm -rf /root/.ecr")
    on(prepared, "docker-compose pull")


def test_revoked_keys_get_no_token_and_renewed_ones_do(sandbox: Sandbox, prepared: Host) -> None:
    with keys_revoked(sandbox):
        prepared.shell("rm -rf /root/.ecr")
        assert on(prepared, "docker-compose pull", check=False).returncode != 0
        sandbox.stop("aws")
        sandbox.start("aws")
        assert on(prepared, "docker-compose pull", check=False).returncode != 0
    place(prepared, "/root/.aws/credentials", (sandbox.state / "aws" / "credentials").read_text())
    on(prepared, "docker-compose pull")
    sandbox.stop("aws")
    sandbox.start("aws")
    prepared.shell("rm -rf /root/.ecr")
    on(prepared, "docker-compose pull")


def developer(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """A session of a developer who sourced `env`."""
    monkeypatch.setattr(os, "environ", sandbox.shell)
    return boto3.Session()


@pytest.mark.usefixtures("latest_is_v1")
def test_publish_moves_latest(sandbox: Sandbox, prepared: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    ecr = developer(sandbox, monkeypatch).client("ecr")

    def images() -> dict[str, str]:
        details = ecr.describe_images(repositoryName="galos-sync")["imageDetails"]
        assert all(detail["imageSizeInBytes"] > 1_000_000 for detail in details)
        return {tag: detail["imageDigest"] for detail in details for tag in detail["imageTags"]}

    assert images()["latest"] == images()["v1"]
    sandbox.publish("v2")
    assert images()["latest"] == images()["v2"] != images()["v1"]
    on(prepared, "docker-compose pull")
    digests = prepared.shell(f"docker inspect --format '{{{{.RepoDigests}}}}' {aws.REGISTRY}/galos-sync")
    assert images()["latest"] in digests


def test_the_profile_may_pull_and_nothing_else(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    session = developer(sandbox, monkeypatch)
    assert session.client("sts").get_caller_identity()["Account"] == aws.ACCOUNT
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDeniedException"):
        session.client("ecr").create_repository(repositoryName="another")
    key = sandbox.keys.puller.id if sandbox.keys.puller else ""
    forger = session.client("ecr", aws_access_key_id=key, aws_secret_access_key="0" * 40)
    with pytest.raises(botocore.exceptions.ClientError, match="InvalidSignatureException"):
        forger.get_authorization_token()


@pytest.mark.usefixtures("latest_is_v1")
def test_releases_do_what_they_are_for(sandbox: Sandbox, prepared: Host) -> None:
    sandbox.database("prepared")

    def deployed(version: str, migrate: bool = True) -> subprocess.CompletedProcess[str]:
        sandbox.publish(version)
        on(prepared, "docker-compose down; docker-compose pull")
        done = on(prepared, MIGRATE if migrate else "true", check=False)
        on(prepared, "docker-compose up -d")
        return done

    def waited(condition: str) -> str:
        return prepared.shell(
            f"cd /root; timeout {HANG_SECONDS} bash -c 'until {condition}; do sleep 0.2; done' && echo yes"
        )

    deployed("v2", migrate=False)
    assert waited("docker-compose logs | grep -q does.not.exist")
    assert "Applied 20260806150000/migrate rename surface columns" in deployed("v2").stdout
    assert waited("docker-compose logs | grep -q watching")
    deployed("v1", migrate=False)
    assert waited("docker-compose logs | grep -q surface_temp.*does.not.exist")
    assert "Applied" not in deployed("v3").stdout
    broken = deployed("broken-migration")
    assert broken.returncode == 1
    assert 'column "axial_tilt" of relation "bodies" does not exist' in broken.stdout
    sandbox.migration_seconds(0)
    assert "Applied 20260812100000" in deployed("slow-migration").stdout
    sandbox.database("prepared")
    deployed("crashing")
    assert waited("docker-compose logs | grep -q panicked")
    deployed("unhealthy")
    assert waited('docker inspect --format "{{.State.Health.Status}}" $(docker-compose ps -q) | grep -q unhealthy')
    on(prepared, "docker-compose down")


def test_a_release_is_the_same_image_wherever_it_is_made(sandbox: Sandbox) -> None:
    first = releases.image(sandbox.docker, "v2", sandbox.steps)
    for made in (releases.shared_layer, releases.image):
        made.cache_clear()
    again = releases.image(sandbox.docker, "v2", sandbox.steps)
    assert again is not first
    assert again.manifest == first.manifest


@pytest.mark.usefixtures("latest_is_v1")
def test_a_release_is_pushed_once_and_published_by_its_manifest(sandbox: Sandbox, mocker: MockerFixture) -> None:
    sandbox.publish("v2")
    asked = mocker.spy(Link, "ask")
    for version in ("v1", "v2"):
        sandbox.publish(version)
    path = "/v2/galos-sync/manifests"
    assert [call.args[1:3] for call in asked.call_args_list] == [
        ("PUT", f"{path}/{tag}") for tag in ("v1", "latest", "v2", "latest")
    ]
    v2, latest = sandbox.registry.images("galos-sync", ["v2", "latest"])
    assert v2["imageDigest"] == latest["imageDigest"]


def test_a_pull_brings_only_what_is_new_and_the_shared_layer_can_be_had_again(sandbox: Sandbox, prepared: Host) -> None:
    on(prepared, "docker-compose down; docker-compose pull")
    kept = prepared.shell(f"docker images -q {KEPT}")
    prepared.shell(f"docker images -q | grep -vxF {kept} | sort -u | xargs docker rmi -f")
    pulled = on(prepared, f"docker pull {aws.REGISTRY}/galos-sync:v1").stdout
    assert pulled.count("Already exists") == pulled.count("Pull complete") == 1
    assert sandbox.registry.images("galos-sync", ["v1"])[0]["imageDigest"] in pulled
    prepared.shell("docker image prune -af")
    assert prepared.shell("docker images -q") == ""
    prepared.shell(f"sh {KEEP}")
    assert prepared.shell(f"docker images -q {KEPT}") == prepared.shell("docker images -q") == kept


@pytest.mark.parametrize("service", ["registry", "aws", "db"])
def test_a_service_that_was_stopped_comes_back_as_it_was(sandbox: Sandbox, prepared: Host, service: str) -> None:
    check = {
        "registry": "docker-compose pull",
        "aws": "rm -rf /root/.ecr && docker-compose pull",
        "db": "docker-compose run --rm -T galos-sync sqlx migrate info --source galos_db/migrations",
    }[service]
    on(prepared, check)
    with stopped(sandbox, service):
        assert on(prepared, check, check=False).returncode != 0
    on(prepared, check)


def test_the_engine_of_a_host_stops_and_starts(prepared: Host) -> None:
    with engine_stopped(prepared):
        assert prepared.execute(["docker", "ps"], check=False).returncode != 0
    assert prepared.execute(["docker", "ps"]).returncode == 0


@pytest.mark.usefixtures("prepared")
def test_up_brings_back_what_a_reboot_stopped(sandbox: Sandbox) -> None:
    sandbox.docker.run("stop", "--time", "5", *(each.container.name for each in sandbox.found().values()))
    assert sandbox.up() is True
    assert ssh(sandbox, "prepared", "docker-compose pull").returncode == 0
    assert sandbox.up() is False


def test_unknown_names_are_refused_in_a_sentence(sandbox: Sandbox) -> None:
    with pytest.raises(UsageError, match="no release v9"):
        sandbox.publish("v9")
    with pytest.raises(UsageError, match="no docker-compose v3"):
        sandbox.add_host("new", "v3")
    with pytest.raises(UsageError, match="has a sandbox already"):
        sandbox.add_host("sandbox")
    with pytest.raises(NotReadyError, match="no sandbox-9"):
        sandbox.host("sandbox-9")


def test_down_leaves_nothing_and_other_sandboxes_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    second = Sandbox("self", tmp_path / "with a space", temporary=True)
    second.up(hosts=2, compose=["v2", "v5"])
    docker = second.docker
    assert [second.host(name).compose for name in ("sandbox", "sandbox-2")] == ["v2", "v5"]
    assert ssh(second, "sandbox-2-user", "whoami").stdout.strip() == "galos"
    names = [each.container.name for each in second.found().values()]
    mounts = docker.run("inspect", "--format", "{{range .Mounts}}{{.Name}} {{end}}", *names).split()
    assert mounts
    assert second.down() is True
    mine = ("--quiet", "--filter", f"label=galos-sandbox={second.id}")
    assert docker.run("ps", "--all", *mine) == docker.run("network", "ls", *mine) == ""
    assert not set(mounts) & set(docker.run("volume", "ls", "--quiet").split())
    assert list(second.directory.iterdir()) == []
    assert second.down() is False
    assert sandbox.up() is False
