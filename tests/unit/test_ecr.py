import base64
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galos_ops import ecr, ini
from galos_ops.docker_config import with_helpers
from galos_ops.errors import ConnectError, NotReadyError, OpsError, UsageError, render
from galos_ops.settings import Ecr, Service, Settings
from tests.unit.fake_host import FakeHost, said

hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

ID, KEY = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REGISTRY = Settings().ecr.registry
CREDENTIALS = f"[default]\naws_access_key_id = {ID}\naws_secret_access_key = {KEY}\n"
KEYS = {"aws_access_key_id": ID, "aws_secret_access_key": KEY}
SECRET = "hunter2"
NOTHING = "sha256:" + "0" * 64

# --- the INI files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        (None, "[default]\nregion = r\n"),
        ("", "[default]\nregion = r\n"),
        ("[default]\nregion=old\n", "[default]\nregion=r\n"),
        ("[default]\nregion = r\n", "[default]\nregion = r\n"),
        ("[default]\nregion:  r", "[default]\nregion:  r"),
        ("[default]\nREGION = old\n", "[default]\nREGION = r\n"),
        ("[default]\nregion =\n", "[default]\nregion =r\n"),
        ("[default]\nregion = old # why\n", "[default]\nregion = r # why\n"),
        ("[default]\nregion = r ; why\n", "[default]\nregion = r ; why\n"),
        ("[default]\n  region = old\n  output = json\n", "[default]\n  region = r\n  output = json\n"),
        ("[default]\nregion = old\n    more\noutput = x\n", "[default]\nregion = r\noutput = x\n"),
        ("[default]\nregion = old\n    more\n# note\n\n[b]\n", "[default]\nregion = r\n# note\n\n[b]\n"),
        ("[default]\n  a=a\n\n  # in", "[default]\n  a=a\n  region = r\n\n  # in"),
        ("[default]", "[default]\nregion = r"),
        ("[default]\noutput = json", "[default]\noutput = json\nregion = r"),
        ("[default]\noutput = json\n\n[a]\nx=1\n", "[default]\noutput = json\nregion = r\n\n[a]\nx=1\n"),
        ("[default]\r\nregion = old\r\n", "[default]\r\nregion = r\r\n"),
        ("[default]\r\n[b]\r\n", "[default]\r\nregion = r\r\n[b]\r\n"),
        ("[b]\nregion = b\n", "[b]\nregion = b\n\n[default]\nregion = r\n"),
        ("[DEFAULT]\nregion = b\n", "[DEFAULT]\nregion = b\n\n[default]\nregion = r\n"),
        ("# top\n\n; more\n", "# top\n\n; more\n\n[default]\nregion = r\n"),
        (
            "[default]\ns3 =\n  max_concurrent_requests = 20\n  region = nested\n",
            "[default]\ns3 =\n  max_concurrent_requests = 20\n  region = nested\nregion = r\n",
        ),
        ("[profile default]\nregion = old\n", "[profile default]\nregion = r\n"),
        ('[profile  "default"]\nregion = old\n', '[profile  "default"]\nregion = r\n'),
        ("[default]\n[profile default]\nregion=o\n", "[default]\nregion = r\n[profile default]\nregion=r\n"),
        ("[profile defaults]\n", "[profile defaults]\n\n[default]\nregion = r\n"),
    ],
)
def test_ini_merge(text: str | None, merged: str) -> None:
    sections = ("default", "profile default")
    assert ini.merged(text, {"region": "r"}, name="x", sections=sections) == merged
    assert ini.merged(merged, {"region": "r"}, name="x", sections=sections) == merged


@pytest.mark.parametrize(
    "text",
    [
        f"aws_secret_access_key = {SECRET}\n",
        f"[default]\n{SECRET}\n",
        f"[default]\na = {SECRET}\na = 2\n",
        "[default]\n[default]\n",
        f"\ufeff[default]\na = {SECRET}\n",
        f"[default\na = {SECRET}\n",
    ],
)
def test_an_ini_file_that_does_not_parse_is_left_alone(text: str) -> None:
    host = FakeHost({ecr.CONFIG: text})
    with pytest.raises(NotReadyError, match=r"box: ~/\.aws/config cannot be read") as caught:
        ecr.region(host, Settings())
    assert re.search(r"line \d", caught.value.evidence)
    assert SECRET not in shown(caught.value)
    assert host.files == {ecr.CONFIG: text}


words = st.from_regex(r"[a-z][a-z_]{0,5}", fullmatch=True)


@st.composite
def ini_files(draw: st.DrawFn) -> str:
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines: list[str] = draw(st.lists(st.sampled_from(["# top", "", "; c"]), max_size=2))
    for section in draw(st.lists(st.sampled_from(["default", "a", "profile b", "DEFAULT"]), unique=True)):
        lines.append(f"[{section}]")
        indent = draw(st.sampled_from(["", "  "]))
        options = draw(st.lists(st.one_of(words, st.sampled_from(["region", "output"])), unique=True, max_size=4))
        for key in options:
            lines.append(f"{indent}{key}{draw(st.sampled_from(['=', ' = ']))}{draw(words)}")
            lines += draw(st.sampled_from([[], [f"{indent}    nested = 1"], ["# note"], [""], ["", f"{indent}# in"]]))
    text = "".join(line + end for line in lines)
    return text if draw(st.booleans()) else text.removesuffix(end)


@given(ini_files())
def test_ini_merge_sets_ours_and_keeps_every_other_line(text: str) -> None:
    merged = ini.merged(text, {"region": "r"}, name="x")
    assert ini.merged(merged, {"region": "r"}, name="x") == merged
    before, after = tree(text), tree(merged)
    assert after.pop("default") == {**before.pop("default", {}), "region": "r"}
    assert after == before
    remaining = iter(merged.splitlines())
    kept = [line for line in text.splitlines() if "region" not in line and "nested" not in line]
    assert all(line in remaining for line in kept)


def tree(text: str) -> dict[str, dict[str, str]]:
    """The file as botocore reads it."""
    from configparser import RawConfigParser

    parser = RawConfigParser(default_section="no such section")
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


# --- Docker's config.json ------------------------------------------------------------------------------------------

HELPERS = {REGISTRY: "ecr-login"}


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        (None, '{\n\t"credHelpers": {\n\t\t"r": "ecr-login"\n\t}\n}\n'),
        ("", '{\n\t"credHelpers": {\n\t\t"r": "ecr-login"\n\t}\n}\n'),
        ("{}", '{"credHelpers": {"r": "ecr-login"}}'),
        ('{"a":1}\n', '{"a":1,"credHelpers":{"r":"ecr-login"}}\n'),
        ('{"b": 1, "a": [1, 2]}', '{"b": 1, "a": [1, 2], "credHelpers": {"r": "ecr-login"}}'),
        ('{\n  "a": 1\n}\n', '{\n  "a": 1,\n  "credHelpers": {\n    "r": "ecr-login"\n  }\n}\n'),
        ('{\r\n\t"a": "é"\r\n}', '{\r\n\t"a": "é",\r\n\t"credHelpers": {\r\n\t\t"r": "ecr-login"\r\n\t}\r\n}'),
        ('{"credHelpers": null}', '{"credHelpers": {"r": "ecr-login"}}'),
        ('{"credHelpers": {"r": "desktop", "q": "x"}}', '{"credHelpers": {"r": "ecr-login", "q": "x"}}'),
        ('{ "credHelpers" : {"r":"ecr-login" } }', '{ "credHelpers" : {"r":"ecr-login" } }'),
        (
            '{"credsStore": "pass", "auths": {"q": {"auth": "eA=="}}}',
            '{"credsStore": "pass", "auths": {"q": {"auth": "eA=="}}, "credHelpers": {"r": "ecr-login"}}',
        ),
    ],
)
def test_docker_config_merge(text: str | None, merged: str) -> None:
    assert with_helpers(text, {"r": "ecr-login"}, name="x") == merged
    assert with_helpers(merged, {"r": "ecr-login"}, name="x") == merged


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "line 1"),
        ("[]", "not a JSON object"),
        ('"x"', "not a JSON object"),
        ('{"a": 1,}', "line 1"),
        ("{1: 2}", "line 1"),
        ('{"credHelpers": []}', "credHelpers is not an object"),
        ('{"credHelpers": {"a": "x", "a": "y"}}', "'a' is set twice"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('\ufeff{"a": 1}', "BOM"),
        ("[" * 100_000, ""),
    ],
)
def test_a_docker_config_that_cannot_be_merged_is_left_alone(text: str, why: str) -> None:
    host = FakeHost({ecr.DOCKER_CONFIG: text})
    with pytest.raises(NotReadyError, match=r"box: ~/\.docker/config\.json cannot be read") as caught:
        ecr.docker_config(host, Settings())
    assert why in caught.value.evidence
    assert host.files == {ecr.DOCKER_CONFIG: text}


leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.text())
trees = st.dictionaries(
    st.text(), st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
)


@given(trees, st.dictionaries(st.text(), st.text()), st.sampled_from([None, "\t", 2, 4]), st.booleans())
def test_docker_config_merge_keeps_everything_else(
    others: dict[str, Any], helpers: dict[str, str], indent: str | int | None, ascii_only: bool
) -> None:
    before = {**others, "credHelpers": helpers}
    text = json.dumps(before, indent=indent, ensure_ascii=ascii_only)
    merged = with_helpers(text, HELPERS, name="x")
    after = json.loads(merged)
    assert after == {**before, "credHelpers": {**helpers, **HELPERS}}
    assert list(after) == list(before)
    assert with_helpers(merged, HELPERS, name="x") == merged
    assert ("\n" in merged) == ("\n" in text)


def test_docker_config_names_the_registry_and_each_repository() -> None:
    services = {"galos-sync": Service("galos-sync"), "other": Service("team/other")}
    host, settings = FakeHost(), Settings(services=services)
    assert ecr.docker_config(host, settings).changed
    expected = [REGISTRY, f"{REGISTRY}/galos-sync", f"{REGISTRY}/team/other"]
    assert json.loads(host.files[ecr.DOCKER_CONFIG]) == {"credHelpers": dict.fromkeys(expected, "ecr-login")}
    assert ecr.docker_config(host, settings).detail == "~/.docker/config.json unchanged"


# --- AWS, as a real HTTP server on this machine --------------------------------------------------------------------


@dataclass
class FakeAws:
    """Answers each ECR action in turn, the last answer for ever; `asked` are the requests."""

    url: str = ""
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def refuse(self, action: str, code: str, message: str = "no", status: int = 400) -> None:
        self.answers[action] = [(status, {"__type": code, "message": message})]


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    token = base64.b64encode(b"AWS:token").decode()
    fake = FakeAws(answers={"GetAuthorizationToken": [(200, {"authorizationData": [{"authorizationToken": token}]})]})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            action = self.headers["X-Amz-Target"].rpartition(".")[2]
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.asked.append((action, {**body, "authorization": self.headers["Authorization"]}))
            queue = fake.answers[action]
            status, answer = queue.pop(0) if len(queue) > 1 else queue[0]
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "credentials").write_text(CREDENTIALS, encoding="utf-8")
    (tmp_path / "config").write_text(f"[default]\nendpoint_url = {fake.url}\n", encoding="utf-8")
    yield fake
    server.shutdown()
    server.server_close()


def shown(error: OpsError) -> str:
    return render(error.sentence, error.evidence, error.hint)


def test_credentials_are_proven_then_placed_then_left(aws: FakeAws) -> None:
    host = FakeHost()
    first = ecr.credentials(host, Settings())
    assert (first.changed, first.detail) == (True, "~/.aws/credentials written")
    assert host.files == {ecr.CREDENTIALS: CREDENTIALS}
    assert host.writes == [(ecr.CREDENTIALS, 0o600)]
    second = ecr.credentials(host, Settings())
    assert (second.changed, second.detail) == (False, "~/.aws/credentials unchanged")
    assert [action for action, _ in aws.asked] == ["GetAuthorizationToken"] * 2
    assert f"{ID}/" in aws.asked[0][1]["authorization"]
    assert "/eu-central-1/ecr/" in aws.asked[0][1]["authorization"]


@pytest.mark.usefixtures("aws")
def test_credentials_replace_a_session_and_say_so() -> None:
    others = "# mine\n[other]\naws_session_token = theirs\n"
    session = f"[default]\naws_access_key_id=ASIA\naws_session_token={SECRET}\naws_secret_access_key=x\nnew = 1\n"
    host = FakeHost({ecr.CREDENTIALS: others + session})
    done = ecr.credentials(host, Settings())
    assert done.changed
    assert "removed aws_session_token" in done.detail
    assert SECRET not in done.detail
    expected = f"[default]\naws_access_key_id={ID}\naws_secret_access_key={KEY}\nnew = 1\n"
    assert host.files[ecr.CREDENTIALS] == others + expected


@pytest.mark.usefixtures("aws")
def test_credentials_tighten_a_file_that_others_may_read() -> None:
    host = FakeHost(
        {ecr.CREDENTIALS: CREDENTIALS}, {'find -H "$HOME"/.aws/credentials -perm /077 -exec': said("changed\n")}
    )
    done = ecr.credentials(host, Settings())
    assert (done.changed, host.writes) == (True, [])
    assert "0600" in done.detail


def test_an_instance_role_needs_no_keys(aws: FakeAws) -> None:
    host = FakeHost()
    done = ecr.credentials(host, Settings(ecr=Ecr(credentials="instance")))
    assert (done.changed, host.files, host.scripts, aws.asked) == (False, {}, [], [])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("UnrecognizedClientException", "AWS refused the keys of the default AWS profile"),
        ("InvalidSignatureException", "AWS refused the keys"),
        ("ExpiredTokenException", "have expired"),
        ("AccessDeniedException", "does not let"),
        ("SomethingNewException", "SomethingNewException"),
    ],
)
def test_keys_that_aws_refuses_are_not_placed(aws: FakeAws, code: str, words: str) -> None:
    aws.refuse("GetAuthorizationToken", code, f"Credential={ID} {KEY}")
    host = FakeHost()
    with pytest.raises(NotReadyError, match=words) as caught:
        ecr.credentials(host, Settings())
    assert ID not in shown(caught.value)
    assert KEY not in shown(caught.value)
    assert caught.value.hint
    assert caught.value.__cause__ is None
    assert host.files == {}


def test_a_denied_action_is_named(aws: FakeAws) -> None:
    message = "User: arn:aws:iam::1:user/u is not authorized to perform: ecr:GetAuthorizationToken on resource: *"
    aws.refuse("GetAuthorizationToken", "AccessDeniedException", message)
    with pytest.raises(NotReadyError, match=r"\(ecr:GetAuthorizationToken\)"):
        ecr.credentials(FakeHost(), Settings())


@pytest.mark.parametrize(
    ("credentials", "config", "kind", "words"),
    [
        ("", "", UsageError, "has no AWS keys"),
        (f"[default]\naws_access_key_id = {ID}\n", "", UsageError, "Only half"),
        (f"{CREDENTIALS}aws_session_token = {SECRET}\n", "", UsageError, "they expire"),
        (f"aws_secret_access_key = {SECRET}\n", "", UsageError, "cannot be read"),
        (CREDENTIALS, f"[default]\n{SECRET}\n", UsageError, "cannot be read"),
        (CREDENTIALS, "[default]\nendpoint_url = bogus\n", UsageError, "cannot be read"),
        (CREDENTIALS.replace(KEY, f"{SECRET} {SECRET}"), "", UsageError, "characters that no AWS key has"),
        (CREDENTIALS, "[default]\nendpoint_url = http://127.0.0.1:1\n", ConnectError, "Cannot reach AWS"),
        (CREDENTIALS, "[default]\nendpoint_url = https://127.0.0.1:1\nca_bundle = /no\n", ConnectError, "Cannot reach"),
        ("", "[default]\ncredential_process = sh -c 'echo hunter2 >&2; exit 1'\n", UsageError, "has no AWS keys"),
    ],
)
@pytest.mark.usefixtures("aws")
def test_local_keys_that_cannot_be_used(
    tmp_path: Path, credentials: str, config: str, kind: type[OpsError], words: str
) -> None:
    (tmp_path / "credentials").write_text(credentials, encoding="utf-8")
    (tmp_path / "config").write_text(config, encoding="utf-8")
    host = FakeHost()
    with pytest.raises(kind, match=words) as caught:
        ecr.credentials(host, Settings())
    assert SECRET not in shown(caught.value)
    assert caught.value.hint
    assert host.files == {}


@pytest.mark.usefixtures("aws")
def test_a_missing_profile_is_named() -> None:
    with pytest.raises(UsageError, match="does not have the AWS profile 'absent'"):
        ecr.credentials(FakeHost(), Settings(ecr=Ecr(profile="absent")))


@pytest.mark.usefixtures("aws")
def test_a_named_profile_is_used(tmp_path: Path, aws: FakeAws) -> None:
    (tmp_path / "credentials").write_text(CREDENTIALS.replace("default", "deploy"), encoding="utf-8")
    (tmp_path / "config").write_text(f"[profile deploy]\nendpoint_url = {aws.url}\n", encoding="utf-8")
    host = FakeHost()
    ecr.credentials(host, Settings(ecr=Ecr(profile="deploy")))
    assert host.files == {ecr.CREDENTIALS: CREDENTIALS}


def image(digest: str, pushed: int, *tags: str) -> dict[str, Any]:
    return {"imageDigest": digest, "imagePushedAt": pushed, "imageSizeInBytes": 7} | (
        {"imageTags": tags} if tags else {}
    )


def test_images_are_read_from_every_page_newest_first(aws: FakeAws) -> None:
    aws.answers["DescribeImages"] = [
        (
            200,
            {"imageDetails": [image("sha256:1", 100, "v1"), image("sha256:3", 300, "v3", "latest")], "nextToken": "n"},
        ),
        (200, {"imageDetails": [image("sha256:2", 200)]}),
    ]
    found = ecr.images(Settings(), Service("team/galos"), limit=2)
    assert [(one.digest, one.tags, one.size_bytes) for one in found] == [
        ("sha256:3", ("latest", "v3"), 7),
        ("sha256:2", (), 7),
    ]
    assert found[0].pushed_at.timestamp() == 300
    assert [body["repositoryName"] for _, body in aws.asked] == ["team/galos"] * 2
    assert {body["registryId"] for _, body in aws.asked} == {"261923651564"}


def test_an_absent_repository_is_not_ready(aws: FakeAws) -> None:
    aws.refuse("DescribeImages", "RepositoryNotFoundException")
    with pytest.raises(NotReadyError, match="no such repository"):
        ecr.images(Settings(), Service("galos-sync"))


# --- the helper ----------------------------------------------------------------------------------------------------


def machine(*binaries: str) -> FakeHost:
    """A host with these binaries, where an installation that works adds the helper."""
    there = set(binaries)

    def probe(script: str) -> Any:
        asked = re.findall(r"command -v (\S+?)(?:;|$)", script)
        found = [f"/usr/bin/{binary}" for binary in asked if binary in there]
        return said("\n".join(found) + "\n", 0 if "; true" in script or found else 1)

    def install(_: str) -> Any:
        there.add(ecr.HELPER)
        return said()

    return FakeHost(replies={"#root": install, "command -v": probe})


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "DEBIAN_FRONTEND=noninteractive; apt-get update -q; apt-get install -q -y"),
        ("dnf", "dnf install -q -y amazon-ecr-credential-helper"),
        ("apk", "apk add --no-cache docker-credential-ecr-login"),
    ],
)
def test_the_helper_is_installed_once_with_what_the_host_has(manager: str, command: str) -> None:
    host = machine(manager)
    assert ecr.helper(host).changed
    [script] = [script for script in host.scripts if script.startswith("#root")]
    assert command in script
    again = ecr.helper(host)
    assert (again.changed, again.detail) == (False, f"{ecr.HELPER} is there")
    assert len([script for script in host.scripts if script.startswith("#root")]) == 1


def test_a_host_without_a_known_package_manager_gets_the_address() -> None:
    with pytest.raises(NotReadyError, match="none of apt-get, dnf, apk") as caught:
        ecr.helper(machine())
    assert ecr.HELPER_RELEASES in caught.value.hint


def test_a_package_that_brings_no_helper_is_not_ready() -> None:
    host = machine("apt-get")
    host.replies["#root"] = said()
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
REFUSED = {
    "clock": [
        NO_AUTH + CLOCK_LOG.format("expired", "now earlier than"),
        NO_AUTH + CLOCK_LOG.format("not yet current", "still later than"),
    ],
    "ecr.credentials": [
        NO_AUTH + NO_KEYS_LOG,
        "Error response from daemon: unauthorized: authentication required\n",
        f"failed to resolve reference: unexpected status from HEAD request to https://x/{NOTHING}: 401 Unauthorized\n",
    ],
    "ecr.helper": [NO_AUTH + "docker-credential-ecr-login is not on the PATH\n"],
    "systemctl start docker": ["Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n"],
    "usermod": [
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock\n"
    ],
    "network": [f'Get "https://{REGISTRY}/v2/": dial tcp: lookup {REGISTRY}: no such host\n', "no answer after 45 s\n"],
    "install Docker": ["sh: 1: docker: not found\n", "timeout: failed to run command 'docker': docker: not found\n"],
    "policy": [
        NO_AUTH + "level=error msg=x error=api error AccessDeniedException: User: x is not authorized to perform: y\n"
    ],
    "repository": ["name unknown: The repository with name 'x' does not exist in the registry\n"],
    "setup": ["something new\n", ""],
}
CONFIGURED = {ecr.DOCKER_CONFIG: json.dumps({"credHelpers": {REGISTRY: "ecr-login"}})}


@pytest.mark.parametrize("output", LET_IN.values(), ids=LET_IN.keys())
@pytest.mark.parametrize(("pushed", "words"), [(True, "latest is there"), (False, "latest is not pushed yet")])
def test_a_registry_that_looked_for_the_image_lets_us_in(output: str, pushed: bool, words: str) -> None:
    host = FakeHost(replies={"docker pull": said(output), "manifest inspect": said(exited=0 if pushed else 1)})
    done = ecr.check(host, Settings(), Settings().services)
    assert not done.changed
    assert words in done.detail
    assert "lets box in" in done.detail


@pytest.mark.parametrize(
    ("command", "output"), [(command, output) for command, outputs in REFUSED.items() for output in outputs]
)
def test_a_refusal_shows_the_words_and_the_next_command(command: str, output: str) -> None:
    host = FakeHost(CONFIGURED, {"docker pull": said(output)})
    with pytest.raises(NotReadyError, match="does not let this host in") as caught:
        ecr.check(host, Settings(), Settings().services)
    assert caught.value.evidence == output
    assert command in caught.value.hint
    assert "{" not in caught.value.hint
    assert host.files == CONFIGURED


@pytest.mark.parametrize("files", [{}, {ecr.DOCKER_CONFIG: '{"credHelpers": {"other": "ecr-login"}}'}])
def test_a_config_without_the_registry_is_the_cause(files: dict[str, str]) -> None:
    host = FakeHost(files, {"docker pull": said(NO_AUTH)})
    with pytest.raises(NotReadyError) as caught:
        ecr.check(host, Settings(), Settings().services)
    assert caught.value.hint == "fab -H box ecr.docker-config"
    assert f"does not name the helper for {REGISTRY}" in caught.value.evidence


def test_a_host_with_an_instance_role_is_not_told_to_place_keys() -> None:
    hint = ecr.refusal_hint(NO_AUTH + NO_KEYS_LOG, "box", instance=True)
    assert "role" in hint
    assert "ecr.credentials" not in hint


def test_an_old_token_is_not_ready_although_it_still_works() -> None:
    host = FakeHost(CONFIGURED, {"docker pull": said(LET_IN["20.10, 26.1"] + OLD_TOKEN_LOG)})
    with pytest.raises(NotReadyError, match="an old token") as caught:
        ecr.check(host, Settings(), Settings().services)
    assert caught.value.hint == "fab -H box ecr.credentials"
    assert "Falling back" in caught.value.evidence


def test_every_service_is_asked_for() -> None:
    services = {name: replace(Service(), repository=name) for name in ("one", "two")}
    host = FakeHost(replies={"docker pull": said(LET_IN["20.10, 26.1"])})
    detail = ecr.check(host, Settings(services=services), services).detail
    assert f"{REGISTRY}/one:latest" in detail
    assert f"{REGISTRY}/two:latest" in detail
