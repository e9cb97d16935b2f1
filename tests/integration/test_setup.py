"""`setup` and its parts, `ecr.*` and `env.*`: what a host holds afterwards, what it keeps, what nobody may see."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import select
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from sandbox.aws import PULLING, PUSHING, REGISTRY, REGISTRY_USER, TOKEN, policy
from sandbox.host import Host
from sandbox.images import ASKER_PASSWORD
from sandbox.sandbox import Sandbox
from tests.integration.breaking import keys_revoked, stopped
from tests.integration.conftest import HOMES, REFERENCE, Operator, fresh, image_id, wipe
from tests.processes import HANG_SECONDS, TerminalProcess

PACKAGE = "amazon-ecr-credential-helper"
HELPER = "docker-credential-ecr-login"
PRIVATE = (".aws/config", ".aws/credentials", ".docker/config.json", ".env")
SECRET = "hunter2"
LIKE_NUMBERS = ("1234-56-78", "2024-01-01T12:00:00 Z", "=", "<<", "0x_", "0x" + "5e" * 32, "9" * 400, "1_0", "yes", "~")
PASSWORD = "h&nter 2\"$x'"


def operator(sandbox: Sandbox, login: str) -> Operator:
    """An operator at a fresh host, logged in as one of its users."""
    made = Operator(sandbox, fresh(sandbox, login.removesuffix("-user").removesuffix("-ask")), login)
    made.judge.begin()
    return made


@pytest.fixture
def wiped(sandbox: Sandbox) -> Operator:
    return operator(sandbox, "sandbox")


def purge(host: Host) -> None:
    """Make the credential helper really absent."""
    host.shell(f"apt-get purge -qq -y {PACKAGE} && ! command -v {HELPER}")


def put(host: Host, path: str, content: bytes | str, user: str = "root") -> None:
    """A file of the host's own, 0644, in folders that are made for it."""
    raw = content.encode() if isinstance(content, str) else content
    script = 'mkdir -p "$(dirname "$1")" && base64 -d >"$1"'
    host.execute(["bash", "-c", script, "bash", path], user=user, stdin=base64.b64encode(raw).decode())


def content(host: Host, path: str) -> bytes:
    return base64.b64decode(host.shell(f"base64 {path}"))


def inventory(host: Host, home: str) -> str:
    """Every file and folder in a home: kind, mode, owner, time and SHA-256; the helper's cache and our lock aside."""
    find = "find . -mindepth 1 \\( -path ./.ecr -o -path ./.galos-ops \\) -prune -o"
    files = f"{find} -type f -print0 | sort -z | xargs -0 sha256sum"
    return host.shell(f"cd {home}; {find} -printf '%p %y %m %u %T@ %l\\n' | sort; {files}")


def given_key(sandbox: Sandbox) -> tuple[str, str]:
    """The access key that the hosts are given, and its secret."""
    assert sandbox.keys.puller
    return sandbox.keys.puller.id, sandbox.keys.puller.secret


# --- a bare host ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "user"),
    [("sandbox-2", "root"), ("sandbox", "root"), ("sandbox-3", "root"), ("sandbox-user", "galos")],
    ids=["v1", "v2", "v5", "unprivileged"],
)
def test_setup_makes_a_bare_host_ready_and_the_second_run_changes_nothing(
    sandbox: Sandbox, login: str, user: str
) -> None:
    fab, home = operator(sandbox, login), HOMES[user]
    host = fab.host
    purge(host)
    told = fab.done("setup")
    assert f"{PACKAGE} installed with apt-get" in told
    assert "the host is ready" in told

    assert host.shell(f"command -v {HELPER}", user=user)
    modes = host.shell(f"cd {home} && stat -c '%n %a %U' {' '.join(PRIVATE)} docker-compose.yml")
    assert modes.splitlines() == [*(f"{path} 600 {user}" for path in PRIVATE), f"docker-compose.yml 644 {user}"]
    assert host.shell(f"stat -c '%a %U' {home}/.aws {home}/.docker").splitlines() == [f"700 {user}"] * 2
    key, secret = given_key(sandbox)
    keys = f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
    assert content(host, f"{home}/.aws/credentials").decode() == keys
    assert content(host, f"{home}/.aws/config").decode() == "[default]\nregion = eu-central-1\n"
    helpers = json.loads(content(host, f"{home}/.docker/config.json"))
    assert helpers == {"credHelpers": {REGISTRY: "ecr-login", REFERENCE: "ecr-login"}}
    assert content(host, f"{home}/.env") == (sandbox.directory / ".env").read_bytes()
    resolved = host.shell(f"cd {home} && docker-compose config", user=user)
    assert f"DATABASE_URL: {sandbox.database_url()}" in resolved
    assert f"image: {REFERENCE}:latest" in resolved

    before = inventory(host, home)
    assert "nothing to do: the host was ready already" in fab.done("setup")
    assert inventory(host, home) == before


def test_what_env_push_placed_reaches_the_container(sandbox: Sandbox, tmp_path: Path) -> None:
    """Values that compose v1 and v2 could read in different ways arrive as they were written."""
    fresh(sandbox, "sandbox-2")
    for login in ("sandbox-2-user", "sandbox"):
        fab = Operator(sandbox, sandbox.host(login.removesuffix("-user")), login)
        wipe(fab.host)
        fab.judge.begin()
        values = {"DATABASE_URL": sandbox.database_url(), "TOKEN": f'{SECRET} $x #1 "q" ;&|', "EMPTY": ""}
        local = tmp_path / "local.env"
        local.write_text("".join(f"{name}='{value}'\n" for name, value in values.items()))
        fab.environment["FABRIC_GALOS_ENV_FILE"] = str(local)
        fab.done("setup")
        fab.host.shell("cd && docker-compose up --no-start", user="galos" if login.endswith("-user") else "root")
        find = "docker ps -aq --filter label=com.docker.compose.service=galos-sync"
        container = json.loads(fab.host.shell(f"docker inspect $({find})"))[0]["Config"]["Env"]
        assert {f"{name}={value}" for name, value in values.items()} <= set(container)


def test_values_that_yaml_takes_for_dates_and_numbers_are_released_as_they_are(
    any_compose: Operator, tmp_path: Path
) -> None:
    values = {
        "DATABASE_URL": any_compose.sandbox.database_url(),
        **{f"V{number}": value for number, value in enumerate(LIKE_NUMBERS)},
    }
    local = tmp_path / "local.env"
    local.write_text("".join(f"{name}='{value}'\n" for name, value in values.items()))
    any_compose.environment["FABRIC_GALOS_ENV_FILE"] = str(local)
    any_compose.done("setup")
    any_compose.done("deploy")
    [container] = json.loads(any_compose.host.shell("docker inspect $(docker ps -q)"))
    assert {f"{name}={value}" for name, value in values.items()} <= set(container["Config"]["Env"])
    assert "nothing to do" in any_compose.done("deploy")


def test_setup_needs_the_service_s_variables_from_here_or_from_the_host(ready: Operator) -> None:
    host, before = ready.host, content(ready.host, "/root/.env")
    ready.environment["FABRIC_GALOS_ENV_FILE"] = "absent.env"
    told = ready.done("setup")
    assert "no absent.env here; the host keeps its own" in told
    assert "nothing to do" in told
    assert content(host, "/root/.env") == before
    host.shell("rm /root/.env")
    assert "There is no absent.env in this folder." in ready.refused(2, "setup")
    assert host.shell("ls /root/.env", check=False) == ""


def test_setup_makes_the_directory_of_the_service(ready: Operator) -> None:
    ready.environment["FABRIC_GALOS_DIRECTORY"] = "/srv/galos new"
    try:
        assert "the host is ready" in ready.done("setup")
        assert ready.host.shell("ls -A '/srv/galos new'").split() == [".env", ".galos-ops", "docker-compose.yml"]
        assert "nothing to do" in ready.done("setup")
    finally:
        ready.host.shell("rm -rf '/srv/galos new'")


# --- sudo that asks ------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(sandbox: Sandbox) -> Iterator[Operator]:
    """An operator whose sudo asks for a password, at a host without the helper."""
    fab = operator(sandbox, "sandbox-ask")
    try:
        purge(fab.host)
        fab.host.execute(["chpasswd"], stdin=f"asker:{PASSWORD}\n")
        fab.host.shell("rm -rf /run/sudo/ts/asker")
        yield fab
    finally:
        fab.host.execute(["chpasswd"], stdin=f"asker:{ASKER_PASSWORD}\n")


def typed(fab: Operator, answer: str, *words: str) -> tuple[int, str]:
    """Run `fab` at a terminal and type the answer to the first question for a password; exit code and output."""
    process = TerminalProcess(fab.command(*words), fab.variables())
    output, answered, deadline = b"", False, time.monotonic() + HANG_SECONDS
    while select.select([process.master], [], [], max(0.0, deadline - time.monotonic()))[0]:
        try:
            more = os.read(process.master, 65536)
        except OSError:  # what Linux says when the other side is closed
            break
        output += more
        if not answered and b"sudo.password" in output and output.endswith(b": "):
            os.write(process.master, f"{answer}\n".encode())
            answered = True
    else:
        raise AssertionError(f"nothing more came:\n{output.decode()}")
    os.close(process.master)
    return process.wait(), output.decode().replace("\r\n", "\n")


@contextlib.contextmanager
def watched(host: Host, program: str) -> Iterator[Callable[[], str]]:
    """Note the command lines of all processes of the host each time that it runs a program; yields what was noted."""
    real = host.shell(f"command -v {program}")
    note = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' >>/tmp/noted"
    try:
        put(host, f"/usr/local/bin/{program}", f'#!/bin/sh\n{note}\nexec {real} "$@"\n')
        host.shell(f"chmod 755 /usr/local/bin/{program}; : >/tmp/noted; chmod 666 /tmp/noted")
        yield lambda: host.shell("cat /tmp/noted")
    finally:
        host.shell(f"rm -f /usr/local/bin/{program} /tmp/noted")


def test_a_sudo_that_asks_is_told_and_nothing_is_changed(asked: Operator) -> None:
    before = inventory(asked.host, HOMES["asker"]), asked.host.shell("dpkg -l")
    told = asked.refused(8, "ecr.helper")
    assert "sudo asks for a password" in told
    assert "--prompt-for-sudo-password -H sandbox-ask" in told
    assert (inventory(asked.host, HOMES["asker"]), asked.host.shell("dpkg -l")) == before


def test_the_password_typed_for_sudo_installs_and_is_nowhere_to_be_seen(asked: Operator) -> None:
    with watched(asked.host, "apt-get") as noted:
        code, output = typed(asked, PASSWORD, "--prompt-for-sudo-password", "-e", "ecr.helper")
        assert (code, "installed with apt-get" in output) == (0, True), output
        assert "apt-get install" in noted()
        assert PASSWORD not in noted() + output
    assert asked.host.shell(f"command -v {HELPER}", user="asker")


def test_a_wrong_password_for_sudo_fails_in_a_sentence(asked: Operator) -> None:
    code, output = typed(asked, f"{PASSWORD}x", "--prompt-for-sudo-password", "ecr.helper")
    assert code == 1
    assert f"sandbox-ask: could not install {PACKAGE} (exit 1)." in output
    assert "incorrect password" in output
    assert "Traceback" not in output
    assert PASSWORD not in output
    assert asked.host.execute(["sh", "-c", f"command -v {HELPER}"], check=False).returncode != 0


def test_the_password_for_sudo_is_not_in_the_debug_log(asked: Operator) -> None:
    code, output = typed(asked, PASSWORD, "-d", "--prompt-for-sudo-password", "ecr.helper")
    assert code == 0, output
    assert PASSWORD not in output
    assert repr(PASSWORD) not in output


# --- what a host holds already -------------------------------------------------------------------------------------

THEIR_DOCKER = """\
{
	"auths": {
		"ghcr.io": {
			"auth": "Z2l0OmtleQ=="
		}
	},
	"HttpHeaders": {
		"X-Why": "because"
	},
	"credsStore": "pass",
	"credHelpers": {
		"quay.io": "secretservice"%s
	},
	"fancy": [1, 2.50, null]
}
"""
THEIR_KEYS = """\
# kept by hand since 2019
[backup]
aws_access_key_id = AKIABACKUP
aws_secret_access_key = theirs

[default]
; the old ones
aws_access_key_id=%s
  # indented
aws_secret_access_key=%s

[other]
credential_process = /opt/keys --json
"""
THEIR_REGION = "[profile other]\nregion = us-east-1\n\n[default]\noutput = json\nregion = %s ; Frankfurt\n# end\n"
THEIR_ENV = "# ours\nTHEIRS='a b' # kept\n\nDATABASE_URL=%s # the database\nexport OTHER=1\n"
THEIR_COMPOSE = f"services:\n  galos-sync:\n    image: {REFERENCE}\n    env_file: .env\n    labels: {{kept: by-hand}}\n"


def test_setup_keeps_what_the_host_holds_already(sandbox: Sandbox) -> None:
    fab = operator(sandbox, "sandbox-user")
    host, home = fab.host, HOMES["galos"]
    old = {
        ".docker/config.json": THEIR_DOCKER % "",
        ".aws/credentials": THEIR_KEYS % ("AKIAOLD", SECRET),
        ".aws/config": THEIR_REGION % "eu-west-1",
        "docker-compose.yml": THEIR_COMPOSE,
        "shared/galos.env": THEIR_ENV % "postgresql://old:old@db/old",
    }
    for path, text in old.items():
        put(host, f"{home}/{path}", text, user="galos")
    host.shell(f"ln -s shared/galos.env {home}/.env", user="galos")
    fab.done("setup")
    helpers = "".join(f',\n\t\t"{name}": "ecr-login"' for name in (REGISTRY, REFERENCE))
    new = {
        ".docker/config.json": THEIR_DOCKER % helpers,
        ".aws/credentials": THEIR_KEYS % given_key(sandbox),
        ".aws/config": THEIR_REGION % "eu-central-1",
        "docker-compose.yml": THEIR_COMPOSE,
        "shared/galos.env": THEIR_ENV % sandbox.database_url(),
    }
    for path, text in new.items():
        found = content(host, f"{home}/{path}").decode()
        if path.endswith(".json"):
            found = found.replace("[\n\t\t1,\n\t\t2.5,\n\t\tnull\n\t]", "[1, 2.50, null]")
        assert found == text
    assert host.shell(f"readlink {home}/.env") == "shared/galos.env"
    written = [path for path in new if path != "docker-compose.yml"]
    assert set(host.shell(f"cd {home} && stat -c '%a %U' {' '.join(written)}").splitlines()) == {"600 galos"}


def test_a_file_of_secrets_that_others_may_read_is_made_private(ready: Operator) -> None:
    host, files = ready.host, "/root/.aws/credentials /root/.env"
    host.shell(f"chmod 664 {files}")
    before = host.shell(f"sha256sum {files}; stat -c %Y {files}")
    assert "~/.aws/credentials made private (0600), its text unchanged" in ready.done("ecr.credentials")
    assert "~/.env made private (0600), its text unchanged" in ready.done("env.push")
    assert host.shell(f"stat -c %a {files}").split() == ["600", "600"]
    assert host.shell(f"sha256sum {files}; stat -c %Y {files}") == before


MALFORMED = {
    "ecr.docker-config": (".docker/config.json", f'{{"auths": {{"ghcr.io": {{"auth": "{SECRET}"}}}}'),
    "ecr.credentials": (".aws/credentials", f"[default]\naws_secret_access_key = {SECRET}\n{SECRET}\n"),
    "ecr.region": (".aws/config", f"[default\nregion = x\n{SECRET}\n"),
    "env.push": (".env", f"A=1\n{SECRET} and more\n"),
}


def left_alone(fab: Operator, task: str, path: str) -> None:
    """A task must end with 8, name the file, tell nothing that it holds and change nothing at all in the home."""
    home = HOMES["root" if fab.login == fab.host.name else "galos"]
    before = inventory(fab.host, home)
    result = fab(task)
    output = result.stdout + result.stderr
    assert (result.returncode, "Traceback" in output, SECRET in output) == (8, False, False), output
    assert re.search(rf"{fab.login}: (cannot read )?~/{path}\b.*; it was left as it is\.", result.stderr)
    assert inventory(fab.host, home) == before


@pytest.mark.parametrize("task", MALFORMED)
def test_a_file_that_does_not_parse_is_left_byte_for_byte_and_named(wiped: Operator, task: str) -> None:
    path, malformed = MALFORMED[task]
    place = f"/root/{path}"
    put(wiped.host, place, b"A=\xff\xfe" + SECRET.encode())
    left_alone(wiped, task, path)
    put(wiped.host, place, malformed)
    left_alone(wiped, task, path)


@pytest.mark.parametrize("task", MALFORMED)
def test_setup_stops_at_a_file_that_does_not_parse(wiped: Operator, task: str) -> None:
    path, malformed = MALFORMED[task]
    put(wiped.host, f"/root/{path}", malformed)
    told = wiped.refused(8, "setup")
    assert f"sandbox: ~/{path} cannot be read as it should; it was left as it is." in told
    assert SECRET not in told
    assert content(wiped.host, f"/root/{path}").decode() == malformed


@pytest.mark.parametrize("task", MALFORMED)
def test_what_cannot_be_opened_as_a_file_is_left_and_named(sandbox: Sandbox, task: str) -> None:
    fab, path = operator(sandbox, "sandbox-user"), MALFORMED[task][0]
    place = f"{HOMES['galos']}/{path}"
    put(fab.host, place, "", user="galos")
    for make in ("echo {} >'{place}'; chmod 600 '{place}'", "mkdir '{place}'", "ln -s nowhere '{place}'"):
        fab.host.shell(f"rm -rf {place}; {make.replace('{place}', place)}")
        left_alone(fab, task, path)


def test_a_file_keeps_its_owner_when_root_writes_it(wiped: Operator) -> None:
    host = wiped.host
    put(host, f"{HOMES['galos']}/.env", "A=1\n", user="galos")
    wiped.environment["FABRIC_GALOS_DIRECTORY"] = HOMES["galos"]
    wiped.done("env.push")
    assert host.shell(f"stat -c '%a %U %G' {HOMES['galos']}/.env") == "600 galos galos"


# --- keys ----------------------------------------------------------------------------------------------------------


def local_keys(fab: Operator, path: Path, key: str = "", secret: str = "", more: str = "") -> None:
    """Another ~/.aws/credentials for the operator's own machine."""
    path.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n{more}" if key else "")
    fab.environment |= {"AWS_SHARED_CREDENTIALS_FILE": str(path), "AWS_EC2_METADATA_DISABLED": "true"}


def test_keys_that_aws_refuses_never_reach_the_host(wiped: Operator, tmp_path: Path) -> None:
    key, secret = given_key(wiped.sandbox)
    theirs = "[default]\naws_access_key_id = AKIATHEIRS\n"
    for wrong in ((key, "0" * 40), ("AKIA" + "A" * 16, secret)):
        local_keys(wiped, tmp_path / "credentials", *wrong)
        wiped.host.shell("rm -rf /root/.aws")
        for task in ("setup", "ecr.credentials"):
            told = wiped.refused(8, task)
            assert "AWS refused the keys of the default AWS profile" in told
            assert "next: " in told
            assert wrong[1] not in told
        assert wiped.host.shell("ls -A /root/.aws", check=False) == ""
        put(wiped.host, "/root/.aws/credentials", theirs)
        wiped.refused(8, "ecr.credentials")
        assert content(wiped.host, "/root/.aws/credentials").decode() == theirs


def test_keys_that_may_do_more_than_pull_are_placed_only_when_asked_to(wiped: Operator, tmp_path: Path) -> None:
    wiped.host.shell("rm -rf /root/.aws")
    admin = wiped.sandbox.keys.admin
    local_keys(wiped, tmp_path / "credentials", admin.id, admin.secret)
    for words in (["setup"], ["ecr.credentials", "--dry-run"], ["ecr.credentials"]):
        told = wiped.refused(2, *words)
        assert "user/admin in 261923651564's, which may do more than pull (ecr:DescribeRegistry); not placed" in told
        assert told.splitlines()[-1].endswith("ecr.credentials --any")
        assert wiped.host.shell("ls -A /root/.aws", check=False) == ""
    before, _, done = wiped.done("ecr.credentials", "--any").partition("\n")
    assert before.endswith("about to place keys of user/admin in 261923651564, which may do more than pull")
    assert "written: keys of user/admin in 261923651564 " in done
    local_keys(wiped, tmp_path / "credentials", *given_key(wiped.sandbox))
    told = wiped.done("ecr.credentials")
    assert "about to place keys of user/galos-host in 261923651564, not known to do more than pull\n" in told


@pytest.fixture
def pusher(sandbox: Sandbox) -> Iterator[tuple[str, str]]:
    """The access key, and its secret, of a user who may push and pull, and nothing else."""
    user, name = {"UserName": "pusher"}, {"PolicyName": "push"}
    sandbox.call_aws("iam", "create_user", **user)
    sandbox.call_aws("iam", "put_user_policy", **user, **name, PolicyDocument=json.dumps(policy(*PULLING, *PUSHING)))
    key = sandbox.call_aws("iam", "create_access_key", **user)["AccessKey"]
    yield key["AccessKeyId"], key["SecretAccessKey"]
    sandbox.call_aws("iam", "delete_access_key", **user, AccessKeyId=key["AccessKeyId"])
    sandbox.call_aws("iam", "delete_user_policy", **user, **name)
    sandbox.call_aws("iam", "delete_user", **user)


def test_keys_that_may_push_are_placed_only_when_asked_to(
    wiped: Operator, pusher: tuple[str, str], tmp_path: Path
) -> None:
    local_keys(wiped, tmp_path / "credentials", *pusher)
    told = wiped.refused(2, "setup")
    assert "user/pusher in 261923651564's, which may do more than pull (ecr:CompleteLayerUpload); not placed" in told
    assert wiped.host.shell("ls -A /root/.aws", check=False) == ""
    assert "user/pusher in 261923651564, which may do more than pull" in wiped.done("ecr.credentials", "--any")
    absent = wiped.configured({"services": {"galos-sync": {"repository": "absent"}}})
    wiped.host.shell("rm -r /root/.aws")
    assert "user/pusher in 261923651564, not known to do more" in wiped.done("-f", absent, "ecr.credentials")


def test_keys_that_cannot_be_used_are_a_matter_of_usage(wiped: Operator, tmp_path: Path) -> None:
    key, secret = given_key(wiped.sandbox)

    def refused(*words: str) -> None:
        told = wiped.refused(2, "ecr.credentials")
        assert all(word in told for word in words), told
        assert secret not in told
        assert SECRET not in told

    local_keys(wiped, tmp_path / "credentials", key, secret, f"aws_session_token = {SECRET}\n")
    refused("are a session's: they expire", "galos.ecr.profile")
    local_keys(wiped, tmp_path / "credentials")
    refused("This machine has no AWS keys", "next: set the keys with: aws configure")
    wiped.environment |= {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": SECRET}
    refused("are a session's: they expire")
    wiped.environment = {"FABRIC_GALOS_ECR_PROFILE": "nobody"}
    refused("This machine does not have the AWS profile 'nobody'", "galos.ecr.profile")
    assert wiped.host.shell("ls -A /root/.aws", check=False) == ""


def test_an_aws_that_does_not_answer_is_a_lost_connection(wiped: Operator) -> None:
    with stopped(wiped.sandbox, "aws"):
        told = wiped.refused(3, "setup")
        assert "Cannot reach AWS from this machine" in wiped.refused(3, "ecr.images")
    assert "Cannot reach AWS from this machine" in told
    assert "next: check the network" in told
    assert wiped.host.shell("ls -A /root/.aws", check=False) == ""


def spied(fab: Operator, *words: str) -> tuple[str, str]:
    """Run a command that must succeed; what it printed, and the command lines of this machine meanwhile."""
    running = fab.start(*words)
    assert running.stdout
    output, seen = "", set()
    while True:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                seen.add(path.read_bytes())
        if select.select([running.stdout], [], [], 0.02)[0]:
            more = os.read(running.stdout.fileno(), 65536)
            if not more:
                break
            output += more.decode(errors="replace")
    assert running.wait() == 0, output
    return output, b"\n".join(seen).replace(b"\0", b" ").decode(errors="replace")


def test_no_secret_is_seen_in_any_output_or_on_any_command_line(wiped: Operator) -> None:
    sandbox = wiped.sandbox
    token = f"{REGISTRY_USER}:{TOKEN}"
    plain = {given_key(sandbox)[1], sandbox.keys.password, token, (sandbox.directory / ".env").read_text()}
    secrets = plain | {base64.b64encode(text.encode()).decode() for text in plain}
    with watched(wiped.host, "sync") as noted:
        for words in (["setup"], ["-e", "setup"], ["-d", "setup"], ["-d", "-e", "ecr.credentials"], ["-d", "env.diff"]):
            wiped.host.shell("rm -rf /root/.aws /root/.env")
            output, here = spied(wiped, *words)
            assert words[-1] in here
            assert [secret for secret in secrets if secret in output + here] == []
        there = noted()
    assert "mktemp" in there
    assert [secret for secret in secrets if secret in there] == []


def test_a_host_with_an_instance_role_is_given_no_keys(wiped: Operator, tmp_path: Path) -> None:
    local_keys(wiped, tmp_path / "credentials")
    wiped.environment["FABRIC_GALOS_ECR_CREDENTIALS"] = "instance"
    assert "no keys placed: the host uses its instance role" in wiped.done("ecr.credentials")
    told = wiped.refused(8, "setup")
    assert "sandbox: the registry does not let this host in." in told
    assert "next: give the EC2 instance a role that may pull" in told
    assert wiped.host.shell("ls -A /root/.aws") == "config"


# --- the registry --------------------------------------------------------------------------------------------------


def test_keys_that_were_revoked_are_told_with_the_helper_s_own_words(ready: Operator) -> None:
    old = content(ready.host, "/root/.aws/credentials")
    assert f"the registry lets sandbox in, {REFERENCE}:latest is there" in ready.done("ecr.check")
    with keys_revoked(ready.sandbox):
        told = ready.refused(8, "ecr.check")
        assert "sandbox: the registry lets this host in by an old token, for hours at most." in told
        assert "Falling back to cached token" in told
        ready.host.shell("rm -r /root/.ecr")
        told = ready.refused(8, "ecr.check")
        assert "sandbox: the registry does not let this host in." in told
        assert "no basic auth credentials" in told
        [line] = [line for line in told.splitlines() if "level=error" in line]
        assert "The security token included in the request is invalid." in line
        assert told.splitlines()[-1] == f"next: {ready.next('ecr.credentials')}"
        assert "has no AWS keys" in ready.refused(2, "setup")
    ready.done("ecr.credentials")
    ready.done("ecr.check")
    assert content(ready.host, "/root/.aws/credentials") != old


def test_what_is_missing_on_the_host_is_named_with_the_task_that_mends_it(ready: Operator) -> None:
    purge(ready.host)
    told = ready.refused(8, "ecr.check")
    assert f"{HELPER} is not on the PATH" in told
    assert told.splitlines()[-1] == f"next: {ready.next('ecr.helper')}"
    ready.done("ecr.helper")
    ready.host.shell("rm /root/.docker/config.json")
    told = ready.refused(8, "ecr.check")
    assert f"~/.docker/config.json does not name the helper for {REGISTRY}" in told
    assert told.splitlines()[-1] == f"next: {ready.next('ecr.docker-config')}"
    ready.done("ecr.docker-config")
    ready.done("ecr.check")


def test_a_registry_that_does_not_answer_is_a_matter_of_the_network(ready: Operator) -> None:
    with stopped(ready.sandbox, "registry"):
        told = ready.refused(8, "ecr.check")
    assert told.splitlines()[-1] == "next: check the network and the CAs of sandbox"
    ready.done("ecr.check")


def test_an_image_that_is_not_pushed_yet_is_no_reason_to_keep_the_host_out(ready: Operator) -> None:
    file = ready.configured({"services": {"galos-sync": {"tag": "not-yet"}}})
    assert f"the registry lets sandbox in, {REFERENCE}:not-yet is not pushed yet" in ready.done("-f", file, "ecr.check")


@pytest.fixture
def behind(deployed: Operator) -> Operator:
    """An operator at a host where v1 runs while v2 is the newest image."""
    deployed.sandbox.publish("v2")
    return deployed


def digest_that_runs(host: Host) -> str:
    return host.shell(f"docker image inspect -f '{{{{index .RepoDigests 0}}}}' {image_id(host)}").partition("@")[2]


def test_images_are_listed_newest_first_and_the_one_that_runs_is_marked(behind: Operator) -> None:
    running = digest_that_runs(behind.host)
    rows = [line.partition("Z ")[2] for line in behind.done("ecr.images").splitlines()]
    title, header, *images = rows
    assert title.split() == ["sandbox", "galos-sync"]
    assert header.split() == ["DIGEST", "PUSHED,", "UTC", "SIZE", "TAGS"]
    [row] = json.loads(behind.done("ecr.images", "--json"))["hosts"]
    listed = row["services"][0]["images"]
    newest_first = sorted(listed, key=lambda image: datetime.fromisoformat(image["pushed_at"]), reverse=True)
    assert [line[2:].split()[0] for line in images] == [image["digest"][:15] for image in newest_first]
    [latest] = [row for row in images if row.endswith("latest, v2")]
    assert latest.startswith("   sha256:")
    [mine] = [row for row in images if row.startswith("* ")]
    assert mine.split()[1] == running[:15]
    assert mine.endswith("  v1")
    assert f"{datetime.now(timezone.utc):%Y-%m-%d}" in mine
    assert " MB " in mine
    assert len(behind.done("ecr.images", "--limit", "1").splitlines()) == 3


def test_images_as_json(behind: Operator) -> None:
    document = json.loads(behind.done("ecr.images", "--json"))
    [row] = document["hosts"]
    assert row["host"] == "sandbox"
    [service] = row["services"]
    assert service["service"] == "galos-sync"
    images = service["images"]
    pushed = [image["pushed_at"] for image in images]
    assert pushed == sorted(pushed, reverse=True)
    assert [image["runs"] for image in images if "latest" in image["tags"]] == [False]
    [mine] = [image for image in images if image["runs"]]
    assert mine["digest"] == digest_that_runs(behind.host)
    assert mine["tags"] == ["v1"]
    assert mine["size_bytes"] > 1_000_000
    age = datetime.now(timezone.utc) - datetime.fromisoformat(mine["pushed_at"])
    assert 0 <= age.total_seconds() < 24 * 3600


# --- .env ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def local(wiped: Operator, tmp_path: Path) -> Path:
    """The .env of the operator's machine, read in place of the sandbox's."""
    path = tmp_path / "local.env"
    wiped.environment["FABRIC_GALOS_ENV_FILE"] = str(path)
    return path


def test_env_is_compared_and_pushed_by_name_alone(wiped: Operator, local: Path) -> None:
    url = wiped.sandbox.database_url()
    local.write_text(f"DATABASE_URL={url}\nTOKEN='{SECRET}'\nSAME=s4me\n")
    put(wiped.host, "/root/.env", "SAME=s4me\nTOKEN=0ld\nTHEIRS=th3irs\n")
    values = (url, wiped.sandbox.keys.password, SECRET, "s4me", "0ld", "th3irs")
    before = inventory(wiped.host, "/root")
    told = wiped.done("env.diff")
    names = ["added: DATABASE_URL", "changed: TOKEN", "same: SAME", "only on the host: THEIRS"]
    assert [line.partition("Z ")[2] or line for line in told.splitlines()] == names
    assert inventory(wiped.host, "/root") == before
    told += wiped.done("env.push")
    assert "~/.env updated: added DATABASE_URL; changed TOKEN" in told
    merged = f"SAME=s4me\nTOKEN='{SECRET}'\nTHEIRS=th3irs\nDATABASE_URL={url}\n"
    assert content(wiped.host, "/root/.env").decode() == merged
    told += wiped.done("env.push") + wiped.done("env.diff")
    assert "~/.env unchanged" in told
    assert [value for value in values if value in told] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("DATABASE_URL=postgresql://galos:<<password>>@db/d\n", "line 1: DATABASE_URL holds a placeholder <<...>>"),
        (f"TOKEN={SECRET}\n", "DATABASE_URL is not set"),
        (f"DATABASE_URL=postgresql://h/d\nA={SECRET}\nA=2\n", "line 3: A is set in line 2 already"),
        (f"DATABASE_URL=postgresql://u:pa${SECRET}@h/d\n", "write it as %24"),
        (f"DATABASE_URL=postgresql://h/d\n{SECRET} alone\n", "line 2: cannot be read as NAME=value"),
        (None, "There is no"),
    ],
    ids=["placeholder", "no URL", "twice", "dollar", "malformed", "no file"],
)
def test_a_local_env_with_errors_is_refused_before_anything_is_sent(
    wiped: Operator, local: Path, text: str | None, words: str
) -> None:
    if text:
        local.write_text(text)
    put(wiped.host, "/root/.env", "A=1\n")
    before = inventory(wiped.host, "/root")
    for task in ("env.push", "env.diff"):
        result = wiped(task)
        output = result.stdout + result.stderr
        assert (result.returncode, "Traceback" in output, SECRET in output) == (2, False, False), output
        assert words in result.stderr
        assert str(local) in result.stderr
        assert "next: " in result.stderr
    assert inventory(wiped.host, "/root") == before
