"""AWS as this machine sees it: the keys of a local profile, proven, and the images of a repository.

boto3 reads the profile as always, `endpoint_url`, `AWS_CA_BUNDLE` and `credential_process` with it.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from galos_ops.config.settings import Ecr, Service, Settings
from galos_ops.errors import ConnectError, NotReadyError, OpsError, UsageError

CONNECT_SECONDS = 5
READ_SECONDS = 15


@dataclass(frozen=True)
class Keys:
    """The long-lived access keys of an IAM user."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class Identity:
    """Whose keys they are; `beyond` is an action of theirs that a host does not need, empty where none is known."""

    account: str
    name: str
    beyond: str = ""

    def __str__(self) -> str:
        return f"{self.name} in {self.account}"


@dataclass(frozen=True)
class Image:
    """An image as the registry lists it; the size is what a pull moves, compressed."""

    tags: tuple[str, ...]
    digest: str
    pushed_at: datetime
    size_bytes: int


@dataclass(frozen=True)
class Refusal:
    """How an error of boto3 is shown; `{who}` is the profile."""

    kind: type[OpsError]
    sentence: str
    hint: str


LOCAL_HINT = "set the keys with: aws configure, or name a profile in galos.ecr.profile"
KEYS_HINT = "get new keys for the IAM user and store them with: aws configure"
NETWORK_HINT = "check the network, AWS_CA_BUNDLE, HTTPS_PROXY and endpoint_url on this machine"

REFUSED = Refusal(NotReadyError, "AWS refused the keys of {who}", KEYS_HINT)
EXPIRED = Refusal(NotReadyError, "The credentials of {who} have expired", KEYS_HINT)
DENIED = Refusal(NotReadyError, "AWS does not let {who} do this", "add the action to the IAM user's policy")
SKEWED = Refusal(NotReadyError, "AWS refused the time of this machine", "set this machine's clock, then try again")
ABSENT = Refusal(
    NotReadyError, "The registry has no such repository", "check galos.ecr and galos.services.*.repository"
)

BY_CODE = {
    "UnrecognizedClientException": REFUSED,
    "InvalidClientTokenId": REFUSED,
    "InvalidAccessKeyId": REFUSED,
    "InvalidSignatureException": REFUSED,
    "SignatureDoesNotMatch": REFUSED,
    "IncompleteSignature": REFUSED,
    "AuthFailure": REFUSED,
    "403": REFUSED,
    "ExpiredToken": EXPIRED,
    "ExpiredTokenException": EXPIRED,
    "AccessDenied": DENIED,
    "AccessDeniedException": DENIED,
    "UnauthorizedOperation": DENIED,
    "RequestExpired": SKEWED,
    "RequestTimeTooSkewed": SKEWED,
    "RepositoryNotFoundException": ABSENT,
}

NO_KEYS = Refusal(UsageError, "This machine has no AWS keys for {who}", LOCAL_HINT)
BROKEN = Refusal(UsageError, "The AWS configuration of this machine cannot be read", "repair ~/.aws on this machine")
UNREACHED = Refusal(ConnectError, "Cannot reach AWS from this machine", NETWORK_HINT)

BY_TYPE = {
    "ProfileNotFound": Refusal(UsageError, "This machine does not have {who}", LOCAL_HINT),
    "NoCredentialsError": NO_KEYS,
    "PartialCredentialsError": Refusal(UsageError, "Only half of the keys are set for {who}", LOCAL_HINT),
    "CredentialRetrievalError": NO_KEYS,
    "SSOError": EXPIRED,
    "TokenRetrievalError": EXPIRED,
    "ConfigParseError": BROKEN,
    "InvalidConfigError": BROKEN,
    "ConnectionError": UNREACHED,
    "HTTPClientError": UNREACHED,
    "BotoCoreError": BROKEN,
    "OSError": UNREACHED,
    "ValueError": BROKEN,
    "RuntimeError": EXPIRED,  # of a credential_process that gives keys whose time is over
    "AttributeError": BROKEN,  # of one that prints no mapping
    "TypeError": BROKEN,  # of one whose time has no zone
}


@contextmanager
def refusals(ecr: Ecr) -> Iterator[None]:
    """Turn what boto3 raises into one sentence with a reason that quotes neither a key nor a file."""
    from botocore.exceptions import BotoCoreError, ClientError

    profile = ecr.profile or os.environ.get("AWS_PROFILE")
    who = f"the AWS profile {profile!r}" if profile else "the default AWS profile"
    try:
        yield
    except (BotoCoreError, ClientError, OSError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        refusal, reason = explained(error)
        raise refusal.kind(f"{refusal.sentence.format(who=who)} ({reason}).", hint=refusal.hint) from None


def explained(error: Exception) -> tuple[Refusal, str]:
    """The refusal an error means, by AWS's error code or by its nearest known class, and a reason safe to show."""
    response: dict[str, Any] = getattr(error, "response", {})
    if not response:
        known = next(base.__name__ for base in type(error).__mro__ if base.__name__ in BY_TYPE)
        return BY_TYPE[known], type(error).__name__
    code = response.get("Error", {}).get("Code", "unknown")
    action = re.search(r"\b(?:ecr|ssm):\w+", response.get("Error", {}).get("Message", ""))
    other = Refusal(NotReadyError, "AWS answered {who} with an error", "try again; see https://health.aws.amazon.com")
    return BY_CODE.get(code, other), action[0] if action else code


def proven_keys(settings: Settings) -> Keys:
    """The keys of the local profile, after ECR gave out a token for them.

    Raises `UsageError` for no keys or keys that expire, `NotReadyError` for keys that AWS refuses and `ConnectError`
    where AWS does not answer.
    """
    with refusals(settings.ecr):
        import boto3
        from botocore.exceptions import NoCredentialsError

        found = boto3.Session(profile_name=settings.ecr.profile).get_credentials()
        if found is None:
            raise NoCredentialsError
        frozen = found.get_frozen_credentials()
        if frozen.token:
            raise UsageError(
                "The local AWS credentials are a session's: they expire, and the host would lose the registry.",
                hint="name an IAM user's profile in galos.ecr.profile, or set galos.ecr.credentials: instance",
            )
        keys = Keys(frozen.access_key or "", frozen.secret_key or "")
        if not all(re.fullmatch(r"[!-~]+", key) for key in (keys.access_key_id, keys.secret_access_key)):
            raise UsageError("The local AWS keys hold characters that no AWS key has.", hint=LOCAL_HINT)
        _client(settings.ecr).get_authorization_token()
    return keys


@dataclass(frozen=True)
class Question:
    """An operation of AWS that changes nothing as it is asked, and the action that it needs."""

    service: str
    operation: str
    action: str
    words: Mapping[str, Any] = field(default_factory=dict)


BEYOND_PULLING = (
    Question("ecr", "describe_registry", "ecr:DescribeRegistry"),
    Question("iam", "get_user", "iam:GetUser"),
)
"""Neither a policy to pull nor AWS's own one to read all of ECR allows them."""
NO_UPLOAD = "UploadNotFoundException"


def pushing(settings: Settings) -> list[Question]:
    """Return what only keys that may push are told of each repository: that an upload which nobody began is not found.

    By the Amazon ECR API Reference, CompleteLayerUpload, and its common errors: whoever may not gets
    AccessDeniedException, and an ID that is of no upload to the repository is an UploadNotFoundException.
    """
    upload = {"registryId": _account(settings), "uploadId": str(uuid.uuid4()), "layerDigests": [f"sha256:{'0' * 64}"]}
    return [
        Question("ecr", "complete_layer_upload", "ecr:CompleteLayerUpload", {"repositoryName": name, **upload})
        for name in dict.fromkeys(one.repository for one in settings.services.values())
    ]


def identity(settings: Settings) -> Identity:
    """Return whose keys the local profile has; raises as `proven_keys` does.

    What they may do is not told by AWS to keys that may only pull: they are asked, all at once, for what such keys may
    not. An answer that tells neither, or does not come in time, leaves them not known to do more.
    """
    from concurrent.futures import ThreadPoolExecutor

    questions = (*BEYOND_PULLING, *pushing(settings))
    with refusals(settings.ecr):
        arn = _client(settings.ecr, "sts").get_caller_identity()["Arn"]
        clients = {service: _client(settings.ecr, service) for service in ("ecr", "iam")}
    account, name = arn.split(":", 5)[4:]
    with ThreadPoolExecutor(len(questions)) as pool:
        answers = pool.map(lambda one: _allowed(clients[one.service], one), questions)
    return Identity(account, name, next((one.action for one, yes in zip(questions, answers, strict=True) if yes), ""))


def _allowed(client: Any, question: Question) -> bool:
    """Tell whether AWS lets the keys do what a question asks; false, too, where it does not say."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        getattr(client, question.operation)(**question.words)
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == NO_UPLOAD)
    except (BotoCoreError, OSError):
        return False
    return True


def images(settings: Settings, service: Service, *, limit: int = 10) -> list[Image]:
    """The newest images of a service's repository, newest first; raises as `proven_keys` does.

    Needs `ecr:DescribeImages`. ECR lists in no order, so every page is read.
    """
    account = _account(settings)
    with refusals(settings.ecr):
        pages = _client(settings.ecr).get_paginator("describe_images")
        found = [
            Image(
                tuple(sorted(detail.get("imageTags", []))),
                detail["imageDigest"],
                detail["imagePushedAt"],
                detail.get("imageSizeInBytes", 0),
            )
            for page in pages.paginate(registryId=account, repositoryName=service.repository)
            for detail in page["imageDetails"]
        ]
    return sorted(found, key=lambda image: image.pushed_at, reverse=True)[:limit]


def parameters(settings: Settings, path: str) -> dict[str, str]:
    """The parameters below a path of the parameter store by their full names, or the one of that name, decrypted.

    Needs `ssm:GetParametersByPath`, `ssm:GetParameter` and the key's `kms:Decrypt`; raises as `proven_keys` does.
    """
    with refusals(settings.ecr):
        client = _client(settings.ecr, "ssm")
        pages = client.get_paginator("get_parameters_by_path")
        found = pages.paginate(Path=path, Recursive=True, WithDecryption=True)
        below = {one["Name"]: one["Value"] for page in found for one in page["Parameters"]}
        if below:
            return below
        try:
            return {path: client.get_parameter(Name=path, WithDecryption=True)["Parameter"]["Value"]}
        except client.exceptions.ParameterNotFound:
            return {}


def _account(settings: Settings) -> str:
    """Return the account of the registry."""
    return settings.ecr.registry.partition(".")[0]


def _client(ecr: Ecr, service: str = "ecr") -> Any:
    import boto3
    from botocore.config import Config

    bounds = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    return boto3.Session(profile_name=ecr.profile).client(service, region_name=ecr.region, config=bounds)  # type: ignore[call-overload]
