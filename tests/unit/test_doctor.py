"""The doctor's table: each check finds its own fault in what was seen of a host, and says nothing that is secret."""

from __future__ import annotations

import getpass
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.config.settings import Settings
from galos_ops.diagnostics.condition import Condition, Refusal, Subject, Table, Verdict, summary
from galos_ops.diagnostics.conditions.table import TABLE
from galos_ops.diagnostics.fixes import MENDS
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.snapshot.cluster import Cluster, Node, StackService, Task
from galos_ops.engines.snapshot.probe import DOCTOR, Scope, files, gather
from galos_ops.engines.snapshot.probe_output import parse
from galos_ops.engines.snapshot.snapshot import FREE, Container, FreeSpace, Snapshot
from galos_ops.host import lock
from galos_ops.host.holder import LockState
from galos_ops.migrations.tools import Answer
from galos_ops.provisioning.ecr import CONFIG, CREDENTIALS, DOCKER_CONFIG
from galos_ops.redaction import Secret
from tests.unit.local_host import LocalHost
from tests.unit.test_probe import packed, with_compose, with_docker

SETTINGS = Settings.of({})
REGISTRY = SETTINGS.ecr.registry
IMAGE = f"{REGISTRY}/galos-sync:latest"
SECRET = "hunter2"
ENV, LOG = "~/.env", "~/.galos-ops/releases.jsonl"
URL = f"postgresql://galos:{SECRET}@db/elite_development"
KEYS = f"[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = {SECRET}\n"
CONFIGURED = f"services:\n  galos-sync:\n    image: {IMAGE}\n    environment:\n      DATABASE_URL: {URL}\n"
DEPENDING = f"{CONFIGURED}    depends_on:\n      seed:\n"
RUNNING = Container(
    "c1", "sha256:aa", "running", 0, "root-galos-sync-1", "galos-sync", False, "root", "/root",
    started="2026-08-01T00:00:00+00:00", log_driver="json-file", log_size="10m",
)  # fmt: skip
BACKUP = {"services": {"galos-sync": {"migration": {"backup": "pg_dump"}}}}
NOW = 1785542400 + 3600  # an hour after it was started
SPACE = FreeSpace("/", 100_000_000_000, 90_000_000_000, 1_000_000, 900_000)
RELEASE = json.dumps(
    dict.fromkeys(("service", "tag", "image", "previous", "user", "machine", "run"), "x")
    | {"event": "deploy", "time": "2026-08-01T00:00:00+00:00", "migrations": [], "seconds": 1.0, "downtime": 0.0}
)
TEXTS = {
    path: Secret(text)
    for path, text in {
        CREDENTIALS: KEYS,
        CONFIG: "[default]\nregion = eu-central-1\n",
        DOCKER_CONFIG: json.dumps({"credHelpers": {REGISTRY: "ecr-login", f"{REGISTRY}/galos-sync": "ecr-login"}}),
        ENV: f"DATABASE_URL={URL}\n",
        LOG: RELEASE + "\n",
    }.items()
}
FACTS = Snapshot(
    directories=("/root",),
    engine="26.1.5",
    flavour=DockerCompose("docker-compose", (2, 26, 1)),
    compose_file="docker-compose.yml",
    environment=Secret("A=1\n"),
    config=Secret(CONFIGURED),
    containers=(RUNNING,),
    images={IMAGE: "sha256:aa"},
    time=NOW,
    texts=TEXTS,
    modes={CREDENTIALS: 0o600, ENV: 0o600},
    user="galos",
    groups=("galos", "docker"),
    stores=frozenset({"ecr-login"}),
    exported=frozenset({"PATH", "HOME"}),
    disks=(SPACE,),
)
HEALTHY = Subject(
    SETTINGS,
    "galos-sync",
    snapshot=FACTS,
    answer=Answer("pending", ("1 one",)),
)

LISTED = [row for row in TABLE.values() if row.why]
Change = Callable[[Subject], Subject]


def facts(**changed: Any) -> Change:
    """The host with other facts; the texts of docker-compose are secrets."""
    for name in changed.keys() & {"config", "config_error"}:
        changed[name] = Secret(changed[name])
    return lambda seen: replace(seen, snapshot=replace(seen.snapshot, **changed))


def seen(**changed: Any) -> Change:
    return lambda before: replace(before, **changed)


def text(path: str, content: str | None) -> Change:
    """The host with another text in a file, None for no such file."""

    def change(before: Subject) -> Subject:
        others = {name: kept for name, kept in before.snapshot.texts.items() if name != path}
        return facts(texts=others if content is None else {**others, path: Secret(content)})(before)

    return change


def docker(tree: object) -> Change:
    return text(DOCKER_CONFIG, json.dumps(tree))


def env(*lines: str) -> Change:
    return text(ENV, "".join(f"{line}\n" for line in lines))


def galos(tree: dict[str, Any]) -> Change:
    return seen(settings=Settings.of(tree))


def also(*more: Container) -> Change:
    return facts(containers=(RUNNING, *more))


def ran(**changed: Any) -> Change:
    return facts(containers=(replace(RUNNING, **changed),))


def answer(evidence: str) -> Change:
    return seen(answer=Answer("unknown", evidence=evidence))


def refused(evidence: str) -> Change:
    return seen(refusal=Refusal("the registry does not let this host in", evidence))


LOGGED = 'time="..." level=error msg="Error retrieving credentials" error="ecr: {}: {}."'
INVALID = LOGGED.format("UnrecognizedClientException", "The security token included in the request is invalid")
EXPIRED = LOGGED.format("InvalidSignatureException", "Signature expired: 20260801T is now earlier than 20260802T")
DOWN = LOGGED.format("RequestError", "dial tcp: no such host")
HELPERS = {"credHelpers": {REGISTRY: "ecr-login"}}
OTHER = replace(RUNNING, id="c2")
INSTANCE = {"ecr": {"credentials": "instance"}}

SERVICE = StackService(
    "s1", "root_galos-sync", "root", 1, f"{IMAGE}@sha256:1", "sum", "completed", "2026-08-01T00:00:00Z"
)
REJECTED = Task("t1", "s1", 1, "n2", "shutdown", "rejected", "", "No such image: x", "", IMAGE, "sum")
ONE, TWO = Node("n1", "one", "ready", "active"), Node("n2", "two", "down", "active")
CLUSTER = Cluster("n1", manager=True, tells=True, nodes=(ONE,), services=(SERVICE,))


def in_cluster(config: str = CONFIGURED, **changed: Any) -> Change:
    return facts(cluster=replace(CLUSTER, **changed), config=config)


# id, how the host is changed, what is found: None when the check must stay silent
CASES: tuple[tuple[str, Change, str | None], ...] = (
    ("docker-missing", facts(engine="", engine_error="sh: 1: docker: not found"), "docker is not installed"),
    ("docker-missing", facts(engine="", engine_error="Cannot connect"), None),
    (
        "user-not-in-docker-group",
        facts(engine="", engine_error="permission denied", groups=("galos",)),
        "galos is not in the group docker",
    ),
    ("user-not-in-docker-group", facts(engine="", engine_error="permission denied"), "refuses all the same"),
    ("daemon-down", facts(engine="", engine_error="Cannot connect"), "the Docker engine does not answer"),
    ("daemon-old", facts(engine="19.03.15"), "the engine is 19.03.15"),
    ("daemon-old", facts(engine="20.10.24+dfsg1"), None),
    ("compose-missing", facts(flavour=None), "docker-compose is not installed"),
    ("compose-old", facts(flavour=DockerCompose("docker-compose", (1, 29, 2))), "it is docker-compose 1.29.2"),
    ("compose-old", facts(flavour=DockerCompose("docker compose", (2, 5, 1))), "it is docker compose 2.5.1"),
    ("compose-old", facts(flavour=DockerCompose("docker compose", (2, 6))), None),
    ("shell-overrides", facts(exported=frozenset({"AWS_PROFILE", "HOME", "DOCKER_HOST"})), "AWS_PROFILE, DOCKER_HOST"),
    ("shell-overrides", facts(exported=frozenset({"DOCKER_BUILDKIT", "MY_AWS_X"})), None),
    ("clock-off", facts(clock_difference=-312), "the host is 312 s behind this machine"),
    ("clock-off", facts(clock_difference=61), "the host is 61 s ahead of this machine"),
    ("clock-off", facts(clock_difference=59), None),
    (
        "disk-low",
        facts(disks=(replace(SPACE, path="/var", free_bytes=312_000_000, free_inodes=5_000),)),
        "/var has 312 MB left",
    ),
    (
        "inodes-low",
        facts(disks=(replace(SPACE, free_inodes=12), replace(SPACE, inodes=None, free_inodes=None))),
        "/ has 12 inodes left",
    ),
    ("helper-missing", facts(stores=frozenset({"pass"})), "docker-credential-ecr-login is not on the PATH"),
    ("docker-config-malformed", text(DOCKER_CONFIG, f'{{"auths": {SECRET}}}'), "line 1, column"),
    ("docker-config-malformed", docker([1]), "it is not a JSON object"),
    ("docker-config-malformed", docker({"credHelpers": ["x"]}), "credHelpers is not an object"),
    ("docker-config-malformed", facts(unreadable={DOCKER_CONFIG: "Permission denied"}), "Permission denied"),
    ("docker-config-malformed", text(DOCKER_CONFIG, ""), None),
    ("cred-helper-missing", text(DOCKER_CONFIG, None), "no helper is named for the registry"),
    ("cred-helper-missing", docker({"credHelpers": {REGISTRY: "pass"}}), "the registry's helper is pass"),
    ("cred-helper-missing", docker({"credHelpers": {f"{REGISTRY}/galos-sync": "ecr-login"}}), None),
    ("cred-helper-repository-only", docker({"credHelpers": {f"{REGISTRY}/galos-sync": "ecr-login"}}), "/galos-sync"),
    ("cred-helper-repository-only", docker({"credHelpers": {"other/galos-sync": "ecr-login"}}), None),
    ("creds-store", docker({**HELPERS, "credsStore": "ecr-login"}), "credsStore is ecr-login for every registry"),
    ("creds-store", docker({**HELPERS, "credsStore": "desktop"}), "credsStore is desktop, whose helper is not on"),
    ("stale-auth", docker({**HELPERS, "auths": {REGISTRY: {"auth": SECRET}}}), "a token for the registry"),
    ("stale-auth", docker({**HELPERS, "auths": {f"https://{REGISTRY}/v2/": {"auth": SECRET}}}), "a token for"),
    ("stale-auth", docker({**HELPERS, "auths": {REGISTRY: {}, "ghcr.io": {"auth": SECRET}}}), None),
    ("stale-auth", docker({**HELPERS, "auths": None}), None),
    ("aws-file-malformed", text(CREDENTIALS, f"aws_secret_access_key = {SECRET}\n"), "~/.aws/credentials: "),
    ("aws-file-malformed", text(CONFIG, "[default\n"), "~/.aws/config: "),
    ("keys-missing", text(CREDENTIALS, None), "[default] has no aws_access_key_id, no aws_secret_access_key"),
    ("keys-missing", text(CREDENTIALS, KEYS.replace("default", "other")), "[default] has no aws_access_key_id"),
    ("keys-missing", lambda one: galos(INSTANCE)(text(CREDENTIALS, None)(one)), None),
    ("keys-over-role", galos(INSTANCE), "~/.aws/credentials has keys"),
    ("session-token", text(CREDENTIALS, f"{KEYS}AWS_SESSION_TOKEN = {SECRET}\n"), "[default] has aws_session_token"),
    ("keys-readable", facts(modes={CREDENTIALS: 0o640}), "~/.aws/credentials is 0640"),
    ("keys-revoked", refused(INVALID), "AWS refuses the host's keys: UnrecognizedClientException"),
    ("keys-revoked", refused(LOGGED.format("InvalidSignatureException", "does not match")), "InvalidSignature"),
    ("region-missing", text(CONFIG, None), "~/.aws/config has no region"),
    ("region-missing", text(CONFIG, "[profile default]\nregion = eu-central-1\n"), None),
    ("region-differs", text(CONFIG, "[default]\nregion = us-east-1\n"), "another region than eu-central-1"),
    ("registry-region", galos({"ecr": {"region": "us-east-1"}}), "the registry is in eu-central-1"),
    ("registry-refuses", refused(DOWN), "the registry does not let this host in"),
    ("env-missing", text(ENV, None), "there is no ~/.env"),
    ("env-unreadable", facts(unreadable={ENV: "it is not UTF-8 text"}), "~/.env: it is not UTF-8 text"),
    ("env-readable", facts(modes={ENV: 0o644}), "~/.env is 0644"),
    ("env-malformed", env(f"DATABASE_URL={URL}", f"{SECRET} alone"), "line 2: cannot be read as NAME=value"),
    ("env-malformed", env(f"DATABASE_URL={URL}", *"abcde"), "line 4: has no =; 2 more"),
    ("env-placeholders", env("DATABASE_URL=postgresql://<<hostname>>/elite_development"), "line 1: DATABASE_URL holds"),
    ("env-duplicate-keys", env(f"DATABASE_URL={URL}", "A=1", "A=2"), "line 3: A is set in line 2 already"),
    ("env-dollar", env(f"DATABASE_URL={URL}", f"A=pa${SECRET}"), "line 2: A holds a $"),
    ("env-dollar", env(f"DATABASE_URL={URL}", f"A='pa${SECRET}'"), None),
    ("env-unportable", env(f"DATABASE_URL={URL}", "export A=1"), "line 2: starts with export"),
    ("env-unportable", env(f"DATABASE_URL={URL}", "A=${HOME}/x"), "line 2: A holds a ${...}"),
    (
        "env-unexportable",
        lambda one: galos(BACKUP)(env(f"DATABASE_URL={URL}", "A.B=1", "UID=2")(one)),
        "line 2: A.B is a name that no shell can export",
    ),
    ("env-unexportable", env(f"DATABASE_URL={URL}", "A.B=1"), None),
    (
        "env-shadowed",
        lambda one: env("DATABASE_URL=postgresql://db/other")(facts(exported=frozenset({"DATABASE_URL"}))(one)),
        "the login shell sets DATABASE_URL too",
    ),
    ("env-shadowed", facts(exported=frozenset({"DATABASE_URL"})), None),
    ("database-url-missing", env("A=1"), "DATABASE_URL is not set"),
    ("database-url-unparsable", env(f"DATABASE_URL=galos:{SECRET}@db"), "line 1: DATABASE_URL does not start with"),
    ("compose-file-without-env", facts(config=f"services: {{galos-sync: {{image: '{IMAGE}'}}}}"), "does not reach"),
    (
        "compose-file-without-env",
        facts(config=f"services: {{galos-sync: {{image: '{IMAGE}', environment: ['DATABASE_URL=x']}}}}"),
        None,
    ),
    ("directory-missing", facts(directories=()), "the directory ~ is not there"),
    ("directory-read-only", facts(writable=False), "~ cannot be written to"),
    ("compose-file-missing", facts(compose_file="", config=""), "there is no compose file in ~"),
    (
        "compose-file-malformed",
        facts(config="", config_error=f'invalid interpolation format for A: "{SECRET}\\"$"\nmore'),
        "docker-compose says: invalid interpolation format for A: ...",
    ),
    ("service-missing", facts(config="services: {other: {image: x}}"), "docker-compose.yml has no service galos-sync"),
    (
        "service-missing",
        galos({"services": {"galos-sync": {"migration": {"service": "migrator"}}}}),
        "docker-compose.yml has no service migrator",
    ),
    ("image-not-configured", facts(config="services: {galos-sync: {image: other}}"), "it starts other:latest, not "),
    (
        "dependency-runs-once",
        facts(config=f"{DEPENDING}        condition: service_completed_successfully\n  seed: {{image: x}}\n"),
        "it depends on seed, which would run to its end unchecked each time it starts",
    ),
    (
        "dependency-runs-once",
        facts(config=f"{DEPENDING}        condition: service_healthy\n  seed: {{image: x}}\n"),
        None,
    ),
    (
        "lifecycle-hook",
        facts(config=f"{DEPENDING}        required: true\n  seed: {{image: x, post_start: [{{command: x}}]}}\n"),
        "the lifecycle hook post_start of seed would be run by docker-compose, outside of the guard",
    ),
    ("lifecycle-hook", facts(config=f"{CONFIGURED}    post_start: []\n"), None),
    (
        "architecture-differs",
        facts(architecture="arm64", built={IMAGE: "amd64"}),
        "the image is for amd64, the host is arm64",
    ),
    ("image-not-configured", facts(config="services: {galos-sync: {build: .}}"), "it starts no image, not "),
    ("database-unreachable", answer("x\nerror: Connection refused (os error 111)"), "error: Connection refused"),
    ("database-unreachable", answer('password authentication failed for user "galos"'), "password authentication"),
    ("database-unreachable", answer("galos: could not ask the database: not done after 40 s, stopped."), None),
    ("check-broken", answer('exec: "sqlx": executable file not found in $PATH'), "executable file not found"),
    ("check-broken", answer("galos: could not ask the database: not done after 40 s, stopped."), "not done after 40 s"),
    ("check-broken", answer("Connection refused"), None),
    ("check-broken", answer(""), "the check said nothing"),
    ("releases-log-malformed", text(LOG, f'{RELEASE}\n{{"event": \n[]\n{RELEASE}\n'), "2 lines cannot be read"),
    ("releases-log-malformed", text(LOG, RELEASE.replace("[]", "null")), "1 line cannot be read"),
    ("releases-log-malformed", text(LOG, None), None),
    ("container-down", facts(containers=()), "it has no container"),
    ("container-down", ran(state="exited"), "its container is exited"),
    ("container-down", also(replace(OTHER, state="exited")), None),
    ("restart-loop", ran(state="restarting", restarts=1), "restarted once"),
    ("restart-loop", ran(restarts=7, started="2026-08-01T00:50:01+00:00"), "restarted 7 times"),
    ("restart-loop", ran(restarts=1, started="2026-08-01T00:59:30+00:00"), "restarted once"),
    ("restart-loop", ran(restarts=2, started="2026-08-01T00:50:01+00:00"), None),
    ("restart-loop", ran(restarts=7), None),
    ("container-down", ran(state="paused"), "its container is paused"),
    ("container-unhealthy", ran(health="unhealthy"), "its health check says unhealthy"),
    ("container-unhealthy", ran(health="starting"), None),
    ("container-not-of-tag", facts(images={IMAGE: "sha256:bb"}), "sha256:aa runs, the tag means sha256:bb"),
    ("container-not-of-tag", facts(images={}), "no image on the host"),
    ("foreign-container", also(replace(OTHER, name="other-1", directory="/srv")), "another project runs other-1"),
    ("foreign-container", also(replace(OTHER, name="other-1", directory="/srv", state="exited")), None),
    ("orphan-containers", also(replace(OTHER, name="root-old-1", service="old")), "does not have root-old-1"),
    ("orphan-containers", also(replace(OTHER, name="x", service="old", oneoff=True)), None),
    (
        "check-left",
        also(replace(OTHER, name="galos-sync-check", state="exited", oneoff=True, role="check")),
        "galos-sync-check is",
    ),
    (
        "check-left",
        also(replace(OTHER, name="galos-sync-check-0a1b", state="created", oneoff=True, role="check")),
        "check-0a1b",
    ),
    ("check-left", also(replace(OTHER, name="galos-sync-check", oneoff=True, role="check")), None),
    ("check-left", also(replace(OTHER, name="galos-sync-check", state="exited", oneoff=True)), None),
    (
        "migration-left",
        also(replace(OTHER, name="galos-sync-migration", state="dead", oneoff=True, role="migration")),
        "is dead",
    ),
    ("logs-unrotated", ran(log_size=""), "json-file without max-size"),
    ("logs-unrotated", ran(log_driver="local", log_size=""), None),
    ("swarm-not-manager", in_cluster(manager=False), "it is no manager of a Swarm"),
    ("swarm-not-manager", in_cluster(), None),
    ("swarm-silent", in_cluster(tells=False), "the cluster does not tell what it runs"),
    ("swarm-silent", in_cluster(), None),
    (
        "swarm-home-elsewhere",
        in_cluster(notes={"galos-ops-home-root": "n2"}, nodes=(ONE, TWO)),
        "at home on two, which",
    ),
    ("swarm-home-elsewhere", in_cluster(notes={"galos-ops-home-root": "n1"}), None),
    ("swarm-home-elsewhere", in_cluster(notes={"galos-ops-home-other": "n2"}), None),
    ("node-silent", in_cluster(nodes=(ONE, TWO)), "two does not answer"),
    (
        "stack-unsupported",
        in_cluster(f"{CONFIGURED}    privileged: true\n"),
        "a stack cannot have galos-sync: privileged",
    ),
    ("stack-unsupported", facts(config=f"{CONFIGURED}    privileged: true\n"), None),
    ("image-by-tag", in_cluster(services=(replace(SERVICE, image=IMAGE),)), f"it runs {IMAGE}"),
    (
        "update-rolls-back",
        in_cluster(f"{CONFIGURED}    deploy:\n      update_config:\n        failure_action: rollback\n"),
        "deploy.update_config.failure_action is rollback",
    ),
    ("token-old", in_cluster(services=(replace(SERVICE, updated="2026-07-31T12:00:00Z"),)), "older than 12 hours"),
    ("token-old", in_cluster(), None),
    ("image-missing-on-node", in_cluster(tasks=(REJECTED,), nodes=(ONE, TWO)), "two has not got the image"),
    ("image-missing-on-node", in_cluster(tasks=(replace(REJECTED, error="no space left"),)), None),
)


def verdicts(one: Subject) -> dict[str, Verdict]:
    return {
        row.id: TABLE.judge(row, {name: replace(one, service=name) for name in one.settings.services}) for row in LISTED
    }


def test_a_host_in_order_is_fine_in_every_check() -> None:
    assert {verdict.state for verdict in verdicts(HEALTHY).values()} == {"fine"}


@pytest.mark.parametrize(
    ("name", "change", "finding"), CASES, ids=[f"{index} {case[0]}" for index, case in enumerate(CASES)]
)
def test_each_check_finds_its_own_fault_and_shows_no_secret(name: str, change: Change, finding: str | None) -> None:
    told = verdicts(change(HEALTHY))
    if finding is None:
        assert not told[name].bad
    else:
        assert told[name].state == told[name].condition.severity
        assert finding in told[name].finding
    assert [one.finding for one in told.values() if SECRET in one.finding or "AKIA" in one.finding] == []


def test_the_table_is_whole() -> None:
    ids = [check.id for check in LISTED]
    assert len(set(ids)) == len(ids) >= 30
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in ids)
    assert set(ids) == {name for name, _, finding in CASES if finding}
    assert {name for row in TABLE.values() for name in row.after} <= set(TABLE)
    assert {row.repair for row in TABLE.values() if row.repair} == set(MENDS)
    for check in LISTED:
        assert filled(check)
        assert check.why.endswith(".")


@pytest.mark.parametrize(
    ("change", "reason", "names"),
    [
        (
            facts(engine="", engine_error="Cannot connect"),
            "the Docker engine does not answer",
            {"container-down", "daemon-old"},
        ),
        (facts(engine="", engine_error="permission denied"), "the user may not use the Docker engine", {"daemon-down"}),
        (facts(engine="", engine_error="docker: not found"), "docker is not installed", {"keys-revoked", "check-left"}),
        (facts(directories=()), "the directory ~ is not there", {"env-missing", "container-down", "check-broken"}),
        (
            facts(compose_file="", config=""),
            "there is no compose file in ~",
            {"service-missing", "compose-file-malformed"},
        ),
        (
            facts(config=""),
            "docker-compose cannot read its files in ~",
            {"orphan-containers", "compose-file-without-env"},
        ),
        (text(ENV, None), "there is no ~/.env", {"env-dollar", "database-url-missing", "env-shadowed"}),
        (facts(unreadable={ENV: "?"}), "~/.env cannot be read", {"env-missing", "env-placeholders"}),
        (text(DOCKER_CONFIG, "{"), f"{DOCKER_CONFIG} cannot be read", {"stale-auth", "cred-helper-missing"}),
        (text(CREDENTIALS, "x"), f"{CREDENTIALS} cannot be read", {"keys-missing", "session-token"}),
        (refused(DOWN), "the registry refused before the keys were tried", {"keys-revoked"}),
        (refused(EXPIRED), "the registry refused before the keys were tried", {"keys-revoked"}),
        (ran(state="exited"), "its container does not run", {"restart-loop", "container-unhealthy"}),
        (facts(containers=()), "it has no container", {"logs-unrotated"}),
        (
            also(replace(OTHER, name="galos-sync-migration", oneoff=True, role="migration")),
            "a migration runs now",
            {"container-down", "database-unreachable"},
        ),
        (
            facts(lock=LockState(True)),
            "another task holds the host",
            {"container-down", "database-unreachable", "check-broken"},
        ),
        (
            seen(answer=None, not_asked="the image is not on the host"),
            "the image is not on the host",
            {"database-unreachable", "check-broken"},
        ),
        (facts(disks=()), "the host tells nothing of its file systems", {"disk-low", "inodes-low"}),
    ],
)
def test_what_cannot_be_known_is_never_fine(change: Change, reason: str, names: set[str]) -> None:
    told = verdicts(change(HEALTHY))
    assert {told[name].state for name in names} == {"unknown"}
    assert {told[name].finding for name in names} == {reason}


def test_the_worst_answer_of_several_services_counts_and_names_them() -> None:
    both = galos({"services": {"galos-sync": {}, "galos-web": {}}})(HEALTHY)
    told = verdicts(both)
    assert told["service-missing"].finding == "galos-web: docker-compose.yml has no service galos-web"
    assert told["container-down"].finding == "galos-web: it has no container"
    assert (told["restart-loop"].state, told["restart-loop"].finding) == ("unknown", "galos-web: it has no container")
    assert TABLE.judge(TABLE["container-down"], {"galos-sync": both}).state == "fine"


def test_a_finding_has_no_url_s_password_and_no_end() -> None:
    check = Condition("x", "x.", "x", lambda _: f"postgres://u:{SECRET}@db/{'y' * 500}")
    finding = Table(check).one(check, HEALTHY).finding
    assert finding.startswith("postgres://u:***@db/")
    assert len(finding) == 200


def test_the_summary_counts() -> None:
    fine, unknown = Verdict(TABLE["docker-missing"], "fine"), Verdict(TABLE["docker-missing"], "unknown")
    fault, warning = Verdict(TABLE["docker-missing"], "fault"), Verdict(TABLE["docker-missing"], "warning")
    assert summary([fine, fine]) == "2 checks: nothing found"
    assert summary([fine, fault, fault, warning, unknown]) == "5 checks: 2 faults, 1 warning, 1 not examined"


# --- looking ---------------------------------------------------------------------------------------------------------

PRINTED = "\n".join(
    (
        "time\t1000",
        "engine\t26.1.5",
        "directory\t/root",
        f"config\t{packed(CONFIGURED)}",
        "user\tgalos",
        "groups\tgalos docker",
        "exported\tPATH HOME ",
        f"mode\t{packed(ENV)} 644",
        f"file\t{packed(ENV)} {packed('A=1')}",
        f"file\t{packed(CREDENTIALS)} /w==",
        f"unreadable\t{packed(LOG)} {packed('sh: 1: cannot open x: Permission denied')}",
        "read_only\tyes",
        "store\tecr-login",
    )
)


def test_what_the_host_prints_is_understood() -> None:
    one = parse(PRINTED, began=1000.2, ended=1001.1)
    assert one.engine == "26.1.5"
    assert (one.user, one.groups) == ("galos", ("galos", "docker"))
    assert (sorted(one.exported), sorted(one.stores)) == (["HOME", "PATH"], ["ecr-login"])
    assert (one.modes, one.writable, one.lock, one.clock_difference) == ({ENV: 0o644}, False, FREE, 0)
    assert one.texts == {ENV: Secret("A=1")}
    assert one.unreadable == {CREDENTIALS: "it is not UTF-8 text", LOG: "Permission denied"}


def looked(host: LocalHost, settings: Settings = SETTINGS) -> Snapshot:
    """What the doctor's script finds on a host."""
    return gather(
        host,
        DOCTOR,
        Scope((IMAGE,), settings.directory, dict.fromkeys((CREDENTIALS, CONFIG, DOCKER_CONFIG, ENV, LOG), "cat")),
    )


def with_engine(host: LocalHost) -> None:
    with_docker(host, containers=f"c1 sha256:aa running 0 /x galos-sync False root {host.home}", images={IMAGE: ""})
    with_compose(host)
    machine = {
        "version --format {{.Server.Arch}}": "arm64\n",
        f"image inspect -f {{{{.Architecture}}}} {IMAGE}": "amd64\n",
    }
    host.stubs.add("docker", {"info -f {{.DockerRootDir}}": "/\n", **machine})


def test_the_script_finds_what_a_host_has(host: LocalHost) -> None:
    with_engine(host)
    host.put("~/.aws/credentials", KEYS, mode=0o644)
    host.put("~/real", "A=1\n", mode=0o640)
    (host.home / ".env").symlink_to("real")
    host.stubs.program("docker-credential-ecr-login", "exit 1")
    host.put("~/bin/docker-credential-not-executable", "")
    host.variables |= {"PATH": f"{host.variables['PATH']}:{host.home}/bin:/no such folder", "DATABASE_URL": "a\nB=c"}
    one = looked(host)
    assert len(host.scripts) == 1
    assert one.engine == "26.1.5"
    assert (one.architecture, one.built) == ("arm64", {IMAGE: "amd64"})
    assert one.modes == {CREDENTIALS: 0o644, ENV: 0o640}
    assert one.texts == {CREDENTIALS: Secret(KEYS), ENV: Secret("A=1\n")}
    assert one.user == getpass.getuser()
    assert {"HOME", "PATH", "DATABASE_URL"} <= one.exported
    assert one.stores == {"ecr-login"}
    assert (one.writable, one.lock, one.clock_difference) == (True, FREE, 0)
    assert one.disks
    assert [(each.id, each.log_driver, each.log_size) for each in one.containers] == [("c1", "json-file", "10m")]


def test_the_script_tells_of_a_host_with_nothing_at_all(host: LocalHost) -> None:
    one = looked(host, Settings.of({"directory": "~/nowhere, it's"}))
    assert (one.directories, one.engine, one.modes, one.stores) == ((), "", {}, frozenset())
    assert (one.containers, one.texts, one.unreadable) == ((), {}, {})


def test_the_script_tells_that_somebody_holds_the_host(host: LocalHost) -> None:
    holding = host.started(f"exec sh -c {shlex.quote(lock.script('~', 0, 't0ken', '{}'))}")
    assert holding.stdout
    assert holding.stdout.readline() == b"held\n"
    assert looked(host).lock.held
    holding.communicate()
    assert not looked(host).lock.held


@pytest.mark.parametrize("unreadable", ["folder", "bytes"])
def test_a_file_that_cannot_be_read_hides_no_other(host: LocalHost, unreadable: str) -> None:
    host.put(CONFIG, "x")
    path = host.path(ENV)
    if unreadable == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"\xff")
    reason = {"folder": "Is a directory", "bytes": "it is not UTF-8 text"}[unreadable]
    found = gather(host, (files,), Scope((), "~", dict.fromkeys((CONFIG, ENV, LOG), "cat")))
    assert (found.texts, found.unreadable) == ({CONFIG: Secret("x")}, {ENV: reason})


# --- the page --------------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()


def filled(check: Condition) -> str:
    """What to type, for the host HOST."""
    assert isinstance(check.fix, str)
    return CommandLine().fill(check.fix, env='"$HOME"/.env', registry="REGISTRY")


def section(check: Condition) -> str:
    """A pattern of a check as the page has it, which says first what it looks for."""
    fixed = " `--fix` does it." if check.repair else ""
    words = re.sub("([*<])", r"\\\1", f"{check.why}\n\nFix: {filled(check)}.")
    return rf"### {check.id}\n\n{check.severity.capitalize()}: [^\n]+\.\n\n{re.escape(words + fixed)}\n"


def test_the_page_has_every_check_as_the_table_has_it() -> None:
    assert [check.id for check in LISTED if not re.search(section(check), PAGE)] == []
    assert re.findall(r"^### (.+)$", PAGE, re.MULTILINE) == [check.id for check in LISTED]
