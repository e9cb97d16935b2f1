"""Keys and images, asked of AWS as a real HTTP server on this machine."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from galos_ops.config.settings import Ecr, Service, Settings
from galos_ops.errors import ConnectError, NotReadyError, OpsError, UsageError
from galos_ops.provisioning import ecr
from galos_ops.provisioning.aws import Identity, identity
from tests.unit.fake_host import FakeHost
from tests.unit.local_host import LocalHost

ID, KEY = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
CREDENTIALS = f"[default]\naws_access_key_id = {ID}\naws_secret_access_key = {KEY}\n"
SECRET = "hunter2"


NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
RIGHTS, ASKED_SECONDS = ("DescribeRegistry", "GetUser", "CompleteLayerUpload"), 5
DENIED = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
GOT_USER = "<GetUserResponse><GetUserResult><User/></GetUserResult></GetUserResponse>"
WHOSE = "keys of user/puller in 261923651564"


def unheard(_: str) -> None:
    """Say nothing to anybody."""


def given(**more: str) -> str:
    """A configuration of AWS whose `credential_process` prints keys of a session."""
    keys = {"Version": 1, "AccessKeyId": ID, "SecretAccessKey": SECRET, "SessionToken": SECRET, **more}
    return f"[default]\ncredential_process = echo '{json.dumps(keys)}'\n"


def caller(name: str) -> str:
    """What STS says of the keys of an account's user."""
    arn = f"<Arn>arn:aws:iam::261923651564:{name}</Arn>"
    result = f"<GetCallerIdentityResult>{arn}</GetCallerIdentityResult>"
    return f'<GetCallerIdentityResponse xmlns="{NAMESPACE}">{result}</GetCallerIdentityResponse>'


@dataclass
class FakeAws:
    """Answers each action of ECR, STS and IAM in turn, the last answer for ever; `asked` are the requests.

    What keys may is answered once as many ask that as come `together`.
    """

    url: str = ""
    together: threading.Barrier = field(default_factory=lambda: threading.Barrier(1))
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def refuse(self, action: str, code: str, message: str = "no", status: int = 400) -> None:
        self.answers[action] = [(status, {"__type": code, "message": message})]


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    token = base64.b64encode(b"AWS:token").decode()
    denied = {"__type": "AccessDeniedException", "message": "no"}
    fake = FakeAws(
        answers={
            "GetAuthorizationToken": [(200, {"authorizationData": [{"authorizationToken": token}]})],
            "GetCallerIdentity": [(200, caller("user/puller"))],
            "DescribeRegistry": [(400, denied)],
            "GetUser": [(403, DENIED)],
            "CompleteLayerUpload": [(400, denied)],
        }
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            query = dict(parse_qsl(text)) if "X-Amz-Target" not in self.headers else {}
            action = query["Action"] if query else self.headers["X-Amz-Target"].rpartition(".")[2]
            body = query or json.loads(text)
            if action in RIGHTS:
                fake.together.wait(ASKED_SECONDS)
            fake.asked.append((action, {**body, "authorization": self.headers["Authorization"]}))
            queue = fake.answers[action]
            status, answer = queue.pop(0) if len(queue) > 1 else queue[0]
            payload = (answer if query else json.dumps(answer)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/xml" if query else "application/x-amz-json-1.1")
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


def test_credentials_are_proven_then_placed_then_left(aws: FakeAws, host: LocalHost) -> None:
    done = ecr.credentials(host, Settings(), unheard)
    assert (done.changed, done.detail) == (True, f"~/.aws/credentials written: {WHOSE}")
    assert host.files() == {ecr.CREDENTIALS: CREDENTIALS}
    placed = host.path(ecr.CREDENTIALS).stat()
    assert placed.st_mode & 0o777 == 0o600
    second = ecr.credentials(host, Settings(), unheard)
    assert (second.changed, second.detail) == (False, "~/.aws/credentials unchanged")
    assert host.path(ecr.CREDENTIALS).stat().st_ino == placed.st_ino
    assert KEY not in "".join(host.scripts)
    first, whose, *rights, last = (action for action, _ in aws.asked)
    assert (first, whose, last) == ("GetAuthorizationToken", "GetCallerIdentity", "GetAuthorizationToken")
    assert sorted(rights) == ["CompleteLayerUpload", "DescribeRegistry", "GetUser"]
    assert f"{ID}/" in aws.asked[0][1]["authorization"]
    assert "/eu-central-1/ecr/" in aws.asked[0][1]["authorization"]


@pytest.mark.usefixtures("aws")
def test_credentials_replace_a_session_and_say_so(host: LocalHost) -> None:
    others = "# mine\n[other]\naws_session_token = theirs\n"
    session = f"[default]\naws_access_key_id=ASIA\naws_session_token={SECRET}\naws_secret_access_key=x\nnew = 1\n"
    host.put(ecr.CREDENTIALS, others + session)
    done = ecr.credentials(host, Settings(), unheard)
    assert done.changed
    assert "removed aws_session_token" in done.detail
    assert SECRET not in done.detail
    expected = f"[default]\naws_access_key_id={ID}\naws_secret_access_key={KEY}\nnew = 1\n"
    assert host.files() == {ecr.CREDENTIALS: others + expected}


def test_keys_of_the_root_user_are_never_placed(aws: FakeAws, host: LocalHost) -> None:
    aws.answers["GetCallerIdentity"] = [(200, caller("root"))]
    for any_ in (False, True):
        with pytest.raises(UsageError, match="the root user's of 261923651564, which may do anything; not placed"):
            ecr.credentials(host, Settings(), unheard, any_=any_)
    assert host.files() == {}


@pytest.mark.parametrize(
    ("action", "answer", "named"),
    [
        ("DescribeRegistry", (200, {}), "ecr:DescribeRegistry"),
        ("GetUser", (200, GOT_USER), "iam:GetUser"),
        (
            "CompleteLayerUpload",
            (400, {"__type": "UploadNotFoundException", "message": "no"}),
            "ecr:CompleteLayerUpload",
        ),
    ],
)
def test_keys_that_may_do_more_than_pull_are_placed_when_asked_to(
    aws: FakeAws, host: LocalHost, action: str, answer: tuple[int, Any], named: str
) -> None:
    aws.answers[action] = [answer]
    with pytest.raises(UsageError, match=rf"user/puller in 261923651564's, which .* than pull \({named}\)") as caught:
        ecr.credentials(host, Settings(), unheard)
    assert caught.value.hint.endswith(host.typed.fab("ecr.credentials", any=True))
    assert host.files() == {}
    said: list[str] = []
    assert ecr.credentials(host, Settings(), said.append, any_=True).detail == f"~/.aws/credentials written: {WHOSE}"
    assert said == [f"about to place {WHOSE}, which may do more than pull"]
    assert not ecr.credentials(host, Settings(), unheard).changed


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(("dry", "place"), [(False, "about to place"), (True, "would place")])
def test_whose_keys_they_are_is_said_before_they_are_placed(host: LocalHost, dry: bool, place: str) -> None:
    host.dry, said = dry, list[tuple[str, dict[str, str]]]()
    ecr.credentials(host, Settings(), lambda sentence: said.append((sentence, host.files())))
    assert said == [(f"{place} {WHOSE}, not known to do more than pull", {})]
    assert bool(host.files()) is not dry


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "RepositoryNotFoundException", "InvalidParameterException", "KmsException", "New"]
)
def test_an_answer_that_does_not_tell_whether_keys_may_push_leaves_them_not_known_to(aws: FakeAws, code: str) -> None:
    aws.refuse("CompleteLayerUpload", code)
    assert identity(Settings()) == Identity("261923651564", "user/puller")


def test_what_keys_may_is_asked_of_each_repository_once_and_all_at_once(aws: FakeAws) -> None:
    services = {"a": Service("team/a"), "b": Service("team/b"), "c": Service("team/b")}
    aws.together = threading.Barrier(len(services) + 1)
    identity(Settings(services=services))
    uploads = [body for action, body in aws.asked if action == "CompleteLayerUpload"]
    assert sorted(body["repositoryName"] for body in uploads) == ["team/a", "team/b"]
    assert {body["registryId"] for body in uploads} == {"261923651564"}
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uploads[0]["uploadId"])


@pytest.mark.usefixtures("aws")
def test_credentials_tighten_a_file_that_others_may_read(host: LocalHost) -> None:
    path = host.put(ecr.CREDENTIALS, CREDENTIALS, mode=0o644)
    inode = path.stat().st_ino
    done = ecr.credentials(host, Settings(), unheard)
    assert (done.changed, done.detail) == (True, "~/.aws/credentials made private (0600), its text unchanged")
    assert (path.stat().st_mode & 0o777, path.stat().st_ino) == (0o600, inode)
    assert not ecr.credentials(host, Settings(), unheard).changed


def test_an_instance_role_needs_no_keys(aws: FakeAws) -> None:
    host = FakeHost()
    done = ecr.credentials(host, Settings(ecr=Ecr(credentials="instance")), unheard)
    assert (done.changed, host.scripts, aws.asked) == (False, [], [])


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
        ecr.credentials(host, Settings(), unheard)
    assert ID not in f"{caught.value.message}"
    assert KEY not in f"{caught.value.message}"
    assert caught.value.hint
    assert caught.value.__cause__ is None
    assert host.scripts == []


def test_a_denied_action_is_named(aws: FakeAws) -> None:
    message = "User: arn:aws:iam::1:user/u is not authorized to perform: ecr:GetAuthorizationToken on resource: *"
    aws.refuse("GetAuthorizationToken", "AccessDeniedException", message)
    with pytest.raises(NotReadyError, match=r"\(ecr:GetAuthorizationToken\)"):
        ecr.credentials(FakeHost(), Settings(), unheard)


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
        ("", "[default]\ncredential_process = echo []\n", UsageError, "cannot be read"),
        pytest.param("", given(Expiration="2020-01-01T00:00:00Z"), NotReadyError, "have expired", id="expired"),
        ("", given(Expiration="2020-01-01T00:00:00"), UsageError, "cannot be read"),
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
        ecr.credentials(host, Settings(), unheard)
    assert SECRET not in f"{caught.value.message}"
    assert caught.value.hint
    assert host.scripts == []


@pytest.mark.usefixtures("aws")
def test_a_missing_profile_is_named() -> None:
    with pytest.raises(UsageError, match="does not have the AWS profile 'absent'"):
        ecr.credentials(FakeHost(), Settings(ecr=Ecr(profile="absent")), unheard)


@pytest.mark.usefixtures("aws")
def test_a_named_profile_is_used(tmp_path: Path, aws: FakeAws, box: LocalHost) -> None:
    (tmp_path / "credentials").write_text(CREDENTIALS.replace("default", "deploy"), encoding="utf-8")
    (tmp_path / "config").write_text(f"[profile deploy]\nendpoint_url = {aws.url}\n", encoding="utf-8")
    ecr.credentials(box, Settings(ecr=Ecr(profile="deploy")), unheard)
    assert box.files() == {ecr.CREDENTIALS: CREDENTIALS}


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
