"""The credential helper and the registry, asked by real shells with stubs for Docker and the package managers."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.config.settings import Service, Settings
from galos_ops.errors import NotReadyError
from galos_ops.provisioning import ecr
from tests.unit.local_host import LocalHost, Reply

REGISTRY = Settings().ecr.registry
IMAGE = f"{REGISTRY}/galos-sync:latest"
NOTHING = "sha256:" + "0" * 64

# --- the helper ----------------------------------------------------------------------------------------------------

APT, DNF, APK = (
    "install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 amazon-ecr-credential-helper",
    "install -q -y amazon-ecr-credential-helper",
    "add --no-cache docker-credential-ecr-login",
)


def brings_the_helper(host: LocalHost) -> Reply:
    path = host.stubs.bin / ecr.HELPER
    return Reply(effect=f"echo '#!/bin/sh' >{path}; chmod 755 {path}")


def as_root(host: LocalHost) -> None:
    host.stubs.add("id", {"-u": "0\n"}, asked=False)


@pytest.mark.parametrize(
    ("manager", "command", "detail"),
    [
        ("apt-get", APT, "amazon-ecr-credential-helper installed with apt-get"),
        ("dnf", DNF, "amazon-ecr-credential-helper installed with dnf"),
        ("apk", APK, "docker-credential-ecr-login installed with apk"),
    ],
)
def test_the_helper_is_installed_once_with_what_the_host_has(
    host: LocalHost, manager: str, command: str, detail: str
) -> None:
    as_root(host)
    host.stubs.add(manager, {command: brings_the_helper(host)})
    if manager == "apt-get":
        host.stubs.add(manager, {"update -q": ""})
    done = ecr.helper(host)
    assert (done.changed, done.detail) == (True, detail)
    calls = host.stubs.calls
    again = ecr.helper(host)
    assert (again.changed, again.detail) == (False, f"{ecr.HELPER} is installed")
    assert host.stubs.calls == calls


def test_apt_asks_no_questions_and_has_its_lists_first(host: LocalHost) -> None:
    as_root(host)
    quiet = '[ "$DEBIAN_FRONTEND" = noninteractive ] && ! read -r word || exit 9; '
    host.stubs.add("apt-get", {"update -q": Reply(effect=quiet)})
    host.stubs.add("apt-get", {APT: replace(brings_the_helper(host), effect=quiet + brings_the_helper(host).effect)})
    ecr.helper(host)
    assert [call for call in host.stubs.calls if call.startswith("apt-get")] == ["apt-get update -q", f"apt-get {APT}"]


def test_a_list_that_cannot_be_had_does_not_keep_the_package_from_being_tried(host: LocalHost) -> None:
    as_root(host)
    host.stubs.add("apt-get", {"update -q": Reply(exited=100), APT: brings_the_helper(host)})
    assert ecr.helper(host).changed


def test_a_host_without_a_known_package_manager_gets_the_address(host: LocalHost) -> None:
    with pytest.raises(NotReadyError, match="none of apt-get, dnf, apk") as caught:
        ecr.helper(host)
    assert ecr.HELPER_RELEASES in caught.value.hint


def test_a_package_that_brings_no_helper_is_not_ready(host: LocalHost) -> None:
    as_root(host)
    host.stubs.add("dnf", {DNF: ""})
    with pytest.raises(NotReadyError, match="not on the PATH"):
        ecr.helper(host)


# --- the check: what real engines and helpers said -----------------------------------------------------------------

LET_IN = {
    "20.10, 26.1": f"Error response from daemon: manifest for {REGISTRY}/galos-sync@{NOTHING} not found: "
    "manifest unknown: manifest unknown\n",
    "26.1 with the containerd store": "Error response from daemon: failed to resolve reference "
    f'"{REGISTRY}/galos-sync@{NOTHING}": {REGISTRY}/galos-sync@{NOTHING}: not found\n',
}
NO_AUTH = f'Error response from daemon: Get "https://{REGISTRY}/v2/galos-sync/manifests/x": no basic auth credentials\n'
NO_KEYS_LOG = (
    'time="2026-11-23T17:12:53Z" level=error msg="Error retrieving credentials" error="ecr: Failed to get '
    "authorization token: operation error ECR: GetAuthorizationToken, get identity: get credentials: failed to "
    'refresh cached credentials, no EC2 IMDS role found, operation error ec2imds: GetMetadata"\n'
)
OLD_TOKEN_LOG = (
    'time="2026-11-23T17:32:38Z" level=info msg="Got error fetching authorization token. Falling back to cached '
    'token." error="ecr: Failed to get authorization token: operation error ECR: GetAuthorizationToken, https"\n'
)
CLOCK_LOG = (  # AWS's words for a clock that is behind, and for one that is ahead
    'time="2026-11-23T20:32:38Z" level=error msg="Error retrieving credentials" error="ecr: Failed to get '
    "authorization token: operation error ECR: GetAuthorizationToken, https response error StatusCode: 400, "
    "RequestID: 1, api error InvalidSignatureException: Signature {}: 20261123T203238Z is {} 20261124T202738Z "
    '(20261124T203238Z - 5 min.)"\n'
)


@dataclass(frozen=True)
class Refusal:
    """What `docker pull` said, what the helper wrote into its log meanwhile, and what the next command must have."""

    hint: str
    docker: str | None
    log: str = ""
    exited: int = 1
    helper: bool = True


REFUSED = (
    Refusal("set the clock of box", NO_AUTH, CLOCK_LOG.format("expired", "now earlier than")),
    Refusal("set the clock of box", NO_AUTH, CLOCK_LOG.format("not yet current", "still later than")),
    Refusal("fab -H box ecr.credentials", NO_AUTH, NO_KEYS_LOG),
    Refusal("fab -H box ecr.credentials", "Error response from daemon: unauthorized: authentication required\n"),
    Refusal(
        "fab -H box ecr.credentials",
        f"failed to resolve reference: unexpected status from HEAD request to https://x/{NOTHING}: 401 Unauthorized\n",
    ),
    Refusal("fab -H box ecr.helper", NO_AUTH, helper=False),
    Refusal(
        "systemctl start docker", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n"
    ),
    Refusal(
        "usermod",
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock\n",
    ),
    Refusal("the network", f'Get "https://{REGISTRY}/v2/": dial tcp: lookup {REGISTRY}: no such host\n'),
    Refusal("the network", "", exited=124),
    Refusal("install Docker on box", None),
    Refusal(
        "IAM policy", NO_AUTH, "level=error msg=x error=api error AccessDeniedException: User: x is not authorized\n"
    ),
    Refusal("repository", "name unknown: The repository with name 'x' does not exist in the registry\n"),
    Refusal("fab -H box setup", "something new\n"),
    Refusal("fab -H box setup", ""),
)
EARLIER = NO_KEYS_LOG.replace("17:12:53", "09:00:00")
CONFIGURED = json.dumps({"credHelpers": {REGISTRY: "ecr-login"}})


def asked(host: LocalHost, said: str, log: str = "", *, exited: int = 1, repository: str = "galos-sync") -> None:
    """Have `docker pull` say something, while the helper writes into its log, which is not empty."""
    host.put("~/.ecr/log/ecr-login.log", EARLIER)
    host.put("~/more", log)
    effect = 'cat "$HOME/more" >>"$HOME/.ecr/log/ecr-login.log"'
    reply = Reply(stderr=said, exited=exited, effect=effect)
    host.stubs.add("docker", {f"pull -q {REGISTRY}/{repository}@{NOTHING}": reply})


@pytest.mark.parametrize("output", LET_IN.values(), ids=LET_IN.keys())
@pytest.mark.parametrize(("pushed", "words"), [(True, "latest is there"), (False, "latest is not pushed yet")])
def test_a_registry_that_looked_for_the_image_lets_us_in(
    host: LocalHost, output: str, pushed: bool, words: str
) -> None:
    asked(host, output)
    host.stubs.program(ecr.HELPER, "exit 1")
    host.stubs.add("docker", {f"manifest inspect {IMAGE}": Reply("{}", 0 if pushed else 1)})
    done = ecr.check(host, Settings(), Settings().services)
    assert not done.changed
    assert done.detail == f"the registry lets box in, {IMAGE.removesuffix('latest')}{words}"


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.hint)
def test_a_refusal_shows_the_words_and_the_next_command(host: LocalHost, case: Refusal) -> None:
    host.put(ecr.DOCKER_CONFIG, CONFIGURED)
    if case.docker is not None:
        asked(host, case.docker, case.log, exited=case.exited)
    if case.helper:
        host.stubs.program(ecr.HELPER, "exit 1")
    with pytest.raises(NotReadyError, match="does not let this host in") as caught:
        ecr.check(host, Settings(), Settings().services)
    assert (case.docker or "") in caught.value.evidence
    assert case.log in caught.value.evidence
    assert "09:00:00" not in caught.value.evidence
    assert case.hint in caught.value.hint
    assert "{" not in caught.value.hint
    assert host.files()[ecr.DOCKER_CONFIG] == CONFIGURED


@pytest.mark.parametrize(
    "output",
    [
        "sh: 1: docker: not found\n",
        "bash: line 1: docker: command not found\n",
        "timeout: failed to run command ‘docker’: No such file or directory\n",
        "timeout: can't execute 'docker': No such file or directory\n",
    ],
)
def test_a_host_without_docker_is_told_to_install_it_in_whatever_words_it_says_so(output: str) -> None:
    assert ecr.refusal_hint(output, CommandLine("box")) == "install Docker on box"


@pytest.mark.parametrize(
    "words",
    [
        "net/http: TLS handshake timeout",
        "read tcp 10.0.0.2:4711->10.0.0.1:443: read: connection reset by peer",
        "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
        "context deadline exceeded",
        "EOF",
    ],
)
def test_a_registry_that_is_away_is_not_set_up_again(words: str) -> None:
    said = f'Error response from daemon: Get "https://{REGISTRY}/v2/": {words}\n'
    assert ecr.refusal_hint(said, CommandLine("box")) == "check the network and the CAs of box"


@pytest.mark.parametrize("config", [None, '{"credHelpers": {"other": "ecr-login"}}'])
def test_a_config_without_the_registry_is_the_cause(box: LocalHost, config: str | None) -> None:
    if config:
        box.put(ecr.DOCKER_CONFIG, config)
    asked(box, NO_AUTH)
    box.stubs.program(ecr.HELPER, "exit 1")
    with pytest.raises(NotReadyError) as caught:
        ecr.check(box, Settings(), Settings().services)
    assert caught.value.hint == "fab -H box ecr.docker-config"
    assert f"does not name the helper for {REGISTRY}" in caught.value.evidence


def test_a_host_with_an_instance_role_is_not_told_to_place_keys() -> None:
    hint = ecr.refusal_hint(NO_AUTH + NO_KEYS_LOG, CommandLine("box"), instance=True)
    assert "role" in hint
    assert "ecr.credentials" not in hint


def test_an_old_token_is_not_ready_although_it_still_works(host: LocalHost) -> None:
    host.put(ecr.DOCKER_CONFIG, CONFIGURED)
    host.stubs.program(ecr.HELPER, "exit 1")
    asked(host, LET_IN["20.10, 26.1"], OLD_TOKEN_LOG)
    with pytest.raises(NotReadyError, match="an old token") as caught:
        ecr.check(host, Settings(), Settings().services)
    assert caught.value.hint == "fab -H box ecr.credentials"
    assert "Falling back" in caught.value.evidence


def test_every_service_is_asked_for(box: LocalHost) -> None:
    services = {name: replace(Service(), repository=name) for name in ("one", "two")}
    box.stubs.program(ecr.HELPER, "exit 1")
    for name in services:
        asked(box, LET_IN["20.10, 26.1"].replace("galos-sync", name), repository=name)
        box.stubs.add("docker", {f"manifest inspect {REGISTRY}/{name}:latest": "{}"})
    detail = ecr.check(box, Settings(services=services), services).detail
    assert f"{REGISTRY}/one:latest is there" in detail
    assert f"{REGISTRY}/two:latest is there" in detail
