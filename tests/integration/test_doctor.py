"""`doctor`: each misconfiguration is found by its id, nothing else is, and `--fix` mends what is safe to mend."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from galos_ops.diagnostics.conditions.table import TABLE
from sandbox.sandbox import Sandbox
from tests.described import violations
from tests.integration.breaking import engine_stopped, keys_revoked, undone
from tests.integration.conftest import FLAVOURS, REFERENCE, Operator, container, fresh, wipe
from tests.processes import HANG_SECONDS

LABELS = "--label com.docker.compose.oneoff=True --label com.docker.compose.service=galos-sync"
UNTIL = (
    f"timeout {HANG_SECONDS} "
    "sh -c 'until docker inspect -f \"{}\" root-galos-sync-1 | grep -q {}; do sleep 0.2; done'"
)
UNHEALTHY = UNTIL.format("{{.State.Health.Status}}", "unhealthy")
LOOPING = UNTIL.format("{{.RestartCount}}", "[3-9]")
SECRET = "hunter2"


@pytest.fixture(scope="module")
def patient(sandbox: Sandbox) -> Operator:
    """An operator at a host where v1 runs; what a test breaks there it mends again."""
    operator = Operator(sandbox, fresh(sandbox, "sandbox"), "sandbox")
    operator.done("setup")
    operator.done("deploy")
    return operator


@dataclass
class Told:
    """What a run of `doctor --json` said."""

    code: int
    checks: dict[str, dict[str, Any]]
    stderr: str

    def of(self, state: str) -> set[str]:
        return {name for name, row in self.checks.items() if row["state"] == state}

    @property
    def bad(self) -> dict[str, str]:
        return {name: row["state"] for name, row in self.checks.items() if row["state"] in ("fault", "warning")}

    @property
    def fixed(self) -> set[str]:
        return {name for name, row in self.checks.items() if row["fixed"]}


def doctor(operator: Operator, *options: str) -> Told:
    """Run it; its exit code must be 8 with a fault, else 0, and it must show no secret."""
    result = operator("doctor", "--json", *options)
    document = json.loads(result.stdout)
    assert violations(document, "doctor") == []
    assert document["schema"] == 2
    told = Told(result.returncode, {row["id"]: row for row in document["hosts"][0]["checks"]}, result.stderr)
    assert told.code == (8 if told.of("fault") else 0), result.stderr
    assert "Traceback" not in result.stderr
    assert SECRET not in result.stdout + result.stderr
    assert all(row["finding"] for name, row in told.checks.items() if name in told.bad)
    return told


@contextmanager
def broken(operator: Operator, script: str) -> Iterator[None]:
    """Break the host with a script; its home and its container are as before afterwards."""
    save = "tar -C /root -cf /var/tmp/patient.tar --exclude .cache ."
    operator.host.shell(save)
    try:
        with operator.judge.by_hand("the host is broken"):
            operator.host.shell(f"cd /root; {script}")
        yield
    finally:
        with operator.judge.by_hand("the host is mended"):
            operator.host.shell(
                "find /root -mindepth 1 -maxdepth 1 -exec rm -rf {} +; tar -C /root -xf /var/tmp/patient.tar\n"
                "docker ps -a --format '{{.Names}}' | grep -v '^root-galos-sync-1$' | xargs -r docker rm -f\n"
                f"rm -rf /usr/local/bin/date /srv/other; docker tag {REFERENCE}:v1 {REFERENCE}:latest\n"
                "cd /root && docker-compose up -d"
            )


def faults(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "fault")


def warnings(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "warning")


@dataclass(frozen=True)
class Group:
    """Breakages that do not meet each other: what does it, what is found, what `--fix` mends, what is found then."""

    script: str
    found: dict[str, str]
    fixed: frozenset[str] = frozenset()
    new: tuple[str, ...] = ()


def written(path: str, *lines: str) -> str:
    """A script that writes a file."""
    return f"cat >{path} <<'END'\n" + "\n".join(lines) + "\nEND\n"


SERVICE = ("services:", "  galos-sync:", f"    image: {REFERENCE}:latest", "    init: true")

GROUPS = {
    "access": Group(
        "chmod 644 .aws/credentials .env; rm .aws/config; docker stop root-galos-sync-1\n"
        "apt-get purge -qq -y amazon-ecr-credential-helper\n"
        + written(
            ".docker/config.json",
            '{"credsStore": "nowhere", "credHelpers": {"' + REFERENCE + '": "ecr-login"},',
            '"auths": {"https://' + REFERENCE.partition("/")[0] + '": {"auth": "' + SECRET + '"}}}',
        ),
        faults(
            "keys-readable", "env-readable", "helper-missing", "cred-helper-repository-only",
            "registry-refuses", "container-down",
        )
        | warnings("region-missing", "creds-store", "stale-auth"),
        frozenset(
            (
                "keys-readable", "env-readable", "helper-missing", "cred-helper-repository-only",
                "registry-refuses", "region-missing",
            )
        ),
    ),
    "values": Group(
        written(
            ".env",
            f"DATABASE_URL=postgresql://galos:{SECRET}@db/elite_development",
            "HOST=<<hostname>>", "TWICE=1", "TWICE=2", f"DOLLAR=pa${SECRET}", "export PLAIN=1",
        )
        + written("docker-compose.yml", *SERVICE, "    environment: [DATABASE_URL]")
        + "sed -i '1i export COMPOSE_HTTP_TIMEOUT=60 DATABASE_URL=postgresql://galos@db/other' .bashrc\n"
        "sed -i 's/region.*/region = us-east-1/' .aws/config\n"
        "echo '{\"event\": ' >>.galos-ops/releases.jsonl",
        faults(
            "env-placeholders", "env-duplicate-keys", "env-dollar", "env-shadowed", "database-unreachable",
        )
        | warnings("env-unportable", "shell-overrides", "region-differs", "releases-log-malformed"),
        frozenset(("region-differs",)),
    ),
    "unreadable": Group(
        f"printf 'A=1\\n{SECRET} alone\\n' >.env; chmod 600 .env; echo '{{' >.docker/config.json\n"
        "echo '[default]' >.aws/credentials; rm -rf .ecr\n"
        + written("/usr/local/bin/date", "#!/bin/sh", 'exec /bin/date -d "-10 min" "$@"')
        + "chmod 755 /usr/local/bin/date",
        faults(
            "env-malformed", "database-url-missing", "compose-file-malformed", "docker-config-malformed",
            "keys-missing", "registry-refuses",
        )
        | warnings("clock-off"),
        frozenset(("keys-missing",)),
    ),
    "gone": Group(
        "rm .env docker-compose.yml; cp .aws/credentials .aws/config",
        faults("env-missing", "compose-file-missing") | warnings("region-missing"),
        frozenset(("compose-file-missing", "region-missing")),
        ("compose-file-malformed",),
    ),
    "containers": Group(
        written(
            "docker-compose.yml", *SERVICE, "    entrypoint: [sh, -c, exit 1]", "    env_file: .env",
            "    restart: always", "  other:", f"    image: {REFERENCE}:latest", "    entrypoint: [sleep, infinity]",
            "    init: true",
        )
        + f"docker-compose up -d; {LOOPING}; sed -i '/^  other/,$d' docker-compose.yml\n"
        f"docker create --name galos-sync-check --label galos-ops=check {LABELS} {REFERENCE}:latest\n"
        f"docker create --name galos-sync-migration {LABELS} {REFERENCE}:latest\n"
        f"docker rmi {REFERENCE}:latest; docker commit root-other-1 {REFERENCE}:latest",
        faults("restart-loop")
        | warnings("container-not-of-tag", "orphan-containers", "check-left", "migration-left", "logs-unrotated"),
        frozenset(("check-left",)),
    ),
    "other project": Group(
        written(
            "docker-compose.yml", *SERVICE, "    env_file: .env", "    logging: {options: {max-size: 1m}}",
            "    healthcheck: {test: [CMD, 'false'], interval: 1s, retries: 1}",
        )
        + "mkdir -p /srv/other; cp .env docker-compose.yml /srv/other; docker-compose up -d\n"
        f"(cd /srv/other && docker-compose up -d); {UNHEALTHY}\n"
        + written("docker-compose.yml", *SERVICE[:2], "    image: sleepy:v9"),
        faults("foreign-container", "container-unhealthy", "image-not-configured", "compose-file-without-env"),
    ),
}  # fmt: skip


def test_a_host_in_order_has_no_finding_and_is_left_alone(patient: Operator) -> None:
    assert patient.done("doctor").rstrip().endswith(" checks: nothing found")
    assert doctor(patient, "--fix").of("fine") == {check.id for check in TABLE.values() if check.why}
    patient.judge.no_downtime()
    assert patient.host.shell("docker ps -aq").count("\n") == 0


@pytest.mark.parametrize(("flavour", "found"), [("v1", warnings("compose-old")), ("v5", {})])
def test_every_docker_compose_is_understood(patient: Operator, flavour: str, found: dict[str, str]) -> None:
    other = Operator(patient.sandbox, patient.sandbox.host(FLAVOURS[flavour]), FLAVOURS[flavour])
    wipe(other.host)
    other.done("setup")
    other.host.shell("cd && docker-compose pull -q && docker-compose up -d")
    other.judge.begin()
    told = doctor(other)
    assert (told.bad, told.of("unknown")) == (found, set())


LOOP = {"running", "restarting"}  # what a container that restarts again and again is seen in, now and then


@pytest.mark.parametrize("name", GROUPS)
def test_each_breakage_is_found_and_what_is_safe_is_mended(patient: Operator, name: str) -> None:
    group = GROUPS[name]
    with broken(patient, group.script):
        if not group.fixed:
            told = doctor(patient)
            assert told.bad == group.found
            assert "docker-compose.yml starts sleepy:v9, not " in told.checks["database-unreachable"]["finding"]
            return
        state = container(patient.host).partition(" ")[0]
        told = doctor(patient, "--fix")
        left = {name: state for name, state in group.found.items() if name not in group.fixed}
        assert told.bad == left | faults(*group.new)
        assert told.fixed == group.fixed
        assert container(patient.host).partition(" ")[0] in (LOOP if state in LOOP else {state})


def test_without_fix_nothing_is_changed_and_the_second_fix_finds_nothing_to_do(patient: Operator) -> None:
    find = "find . -path ./.ecr -prune -o"
    look = f"cd /root; {find} -type f -exec sha256sum {{}} +; {find} -printf '%p %m %T@\\n'"
    with broken(patient, "chmod 644 .env; docker stop root-galos-sync-1"):
        before = patient.host.shell(look)
        told = patient.refused(8, "doctor")
        assert patient.host.shell(look) == before
        assert "sandbox: 2 faults found: env-readable, container-down." in told
        assert told.splitlines()[-1] == f"next: {patient.next('doctor', '--fix')}"
        shown = patient("doctor", "--fix")
        lines = [line.partition("Z ")[2] for line in shown.stdout.splitlines()]
        fix = f"{patient.next('logs')}, then: {patient.next('deploy')}"
        assert "  ✓ private .env" in "\n".join(lines)
        assert "  ✗ container-down: its container is exited" in lines
        assert f"    fix: {fix}" in lines
        assert lines[-1].endswith(" checks: 1 fault, 3 not examined")
        assert shown.stderr.splitlines()[-1] == f"next: {fix}"
        before = patient.host.shell(look)
        assert "nothing to fix by itself" in patient("doctor", "--fix").stdout
        assert patient.host.shell(look) == before


def test_keys_that_were_revoked_are_replaced_once_there_are_new_ones(patient: Operator) -> None:
    sandbox = patient.sandbox
    try:
        with keys_revoked(sandbox), broken(patient, "rm -rf .ecr"):
            told = doctor(patient, "--fix")
            assert told.bad == faults("keys-revoked", "registry-refuses")
            assert told.fixed == set()
            assert "This machine has no AWS keys" in told.stderr
            sandbox.renew_keys()
            told = doctor(patient, "--fix")
            assert told.bad == {}
            assert told.fixed == {"keys-revoked", "registry-refuses"}
    finally:
        patient.done("ecr.credentials")


def test_beside_a_deploy_nothing_is_asked_in_a_container_and_nothing_is_fixed(patient: Operator) -> None:
    hold = "cd ~/.galos-ops; echo '{}' >holder; setsid flock lock sleep 300 >/dev/null 2>&1 & echo $! >/var/tmp/holder"
    with broken(patient, "chmod 644 .env"):
        mark = patient.judge.mark()
        with undone(patient.host, hold, "kill -- -$(cat /var/tmp/holder)"):
            result = patient("doctor", "--fix", "--json")
        document = json.loads(result.stdout)
        assert (result.returncode, document["error"]["exit"]) == (4, 4)
        states = {row["id"]: (row["state"], row["finding"]) for row in document["hosts"][0]["checks"]}
        assert states["env-readable"] == ("fault", "~/.env is 0644")
        assert states["container-down"] == states["database-unreachable"] == ("unknown", "another task holds the host")
        patient.judge.untouched(mark)


def test_an_engine_that_is_down_hides_nothing_else(patient: Operator) -> None:
    with broken(patient, "chmod 644 .env"):
        with engine_stopped(patient.host):
            told = doctor(patient)
        assert told.bad == faults("daemon-down", "env-readable")
        assert told.checks["container-down"]["finding"] == "the Docker engine does not answer"
        assert {"registry-refuses", "keys-revoked", "database-unreachable", "foreign-container"} <= told.of("unknown")
        assert {"helper-missing", "compose-missing", "compose-file-malformed", "disk-low"} <= told.of("fine")


def test_a_user_without_the_docker_group_is_told_so_and_all_the_rest(patient: Operator) -> None:
    user = replace(patient, login="sandbox-user")
    with undone(patient.host, "gpasswd -d galos docker", "usermod -aG docker galos"):
        told = doctor(user)
    assert told.bad == faults(
        "user-not-in-docker-group", "cred-helper-missing", "keys-missing", "env-missing", "compose-file-missing"
    ) | warnings("region-missing")
    assert told.checks["user-not-in-docker-group"]["finding"] == "galos is not in the group docker"
    assert told.checks["daemon-down"]["state"] == "unknown"


def test_a_full_read_only_directory(patient: Operator) -> None:
    elsewhere = replace(patient, environment={"FABRIC_GALOS_DIRECTORY": "/srv/full"})
    full = (
        "mkdir /srv/full; mount -t tmpfs -o size=16k,nr_inodes=20 tmpfs /srv/full\n"
        "cp -p /root/.env /root/*.yml /srv/full; mount -o remount,ro /srv/full"
    )
    with undone(patient.host, full, "umount /srv/full; rmdir /srv/full"):
        told = doctor(elsewhere)
    assert told.bad == faults("directory-read-only", "disk-low", "inodes-low", "foreign-container", "container-down")
    told = doctor(elsewhere)
    assert told.bad == faults("directory-missing")
