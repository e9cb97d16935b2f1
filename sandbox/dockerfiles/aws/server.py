"""ECR, IAM and STS of one AWS account: moto behind TLS, with the users of /aws/users.json and every request checked."""
# mypy: ignore-errors

import json
import os
import sys
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

os.environ["MOTO_ACCOUNT_ID"] = os.environ["ACCOUNT"]
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"

from moto.core.exceptions import JsonRESTError
from moto.ecr.models import Image, ecr_backends
from moto.ecr.responses import ECRResponse
from moto.iam import access_control
from moto.iam.models import iam_backends
from moto.server import main
from werkzeug.serving import WSGIRequestHandler

INVALID_TOKEN = "The security token included in the request is invalid."
WRONG_SIGNATURE = "The request signature we calculated does not match the signature you provided."

STAMP = "%Y%m%dT%H%M%SZ"
LENIENCE = timedelta(minutes=5)


def now() -> datetime:
    """What the account takes for the time: this machine's, off by the seconds in /aws/skew where there is that file."""
    skew = 0
    with suppress(FileNotFoundError), open("/aws/skew") as file:
        skew = int(file.read())
    return datetime.now(timezone.utc) + timedelta(seconds=skew)


def add_users(users: list[dict[str, Any]], account: str) -> None:
    """Create each `{name, policy, key}`: moto makes up its access keys, a restart must keep the ones handed out."""
    iam = iam_backends[account]["aws"]
    for user in users:
        iam.create_user(os.environ["REGION"], user["name"])
        iam.put_user_policy(user["name"], "sandbox", json.dumps(user["policy"]))
        if user["key"]:
            key = iam.create_access_key(user["name"])
            del iam.access_keys[key.physical_resource_id]
            key.access_key_id, key.secret_access_key = user["key"]["id"], user["key"]["secret"]
            iam.access_keys[key.physical_resource_id] = key


def size_in_bytes(image: Image) -> int:
    """What ECR reports: the layers as they are stored, compressed (moto reports the size of the image's config)."""
    return sum(layer["size"] for layer in json.loads(image.image_manifest)["layers"])


def complete_layer_upload(self: ECRResponse) -> None:
    """Refuse as ECR does, as there are no uploads here (moto has none); whether the keys may is asked before."""
    name, account, upload = map(self._get_param, ("repositoryName", "registryId", "uploadId"))
    self.ecr_backend.describe_repositories(registry_id=account, repository_names=[name])  # which it may not have
    words = f"The upload with id '{upload}' does not exist in the repository '{name}' in the registry '{account}'"
    raise JsonRESTError("UploadNotFoundException", words)


class JsonRequest(access_control.IAMRequest):
    """Refuses in the words of a service that speaks JSON; moto has those of EC2 and IAM only."""

    def _raise_invalid_access_key(self, reason: str) -> None:
        if self._service != "ecr":
            super()._raise_invalid_access_key(reason)
        raise JsonRESTError("UnrecognizedClientException", INVALID_TOKEN)

    def _raise_signature_does_not_match(self) -> None:
        if self._service != "ecr":
            super()._raise_signature_does_not_match()
        raise JsonRESTError("InvalidSignatureException", WRONG_SIGNATURE)

    def check_signature(self) -> None:
        """Refuse what was signed by a clock that is off; moto takes a signature of any time."""
        signed, time = self._headers["X-Amz-Date"], now()
        early, late = ((time + lenience).strftime(STAMP) for lenience in (-LENIENCE, LENIENCE))
        if self._service == "ecr" and signed < early:
            words = f"Signature expired: {signed} is now earlier than {early} ({time:{STAMP}} - 5 min.)"
            raise JsonRESTError("InvalidSignatureException", words)
        if self._service == "ecr" and signed > late:
            words = f"Signature not yet current: {signed} is still later than {late} ({time:{STAMP}} + 5 min.)"
            raise JsonRESTError("InvalidSignatureException", words)
        super().check_signature()

    def _raise_access_denied(self) -> None:
        if self._service != "ecr":
            super()._raise_access_denied()
        denied = f"User: {self._access_key.arn} is not authorized to perform: {self._action}"
        raise JsonRESTError("AccessDeniedException", denied)


if __name__ == "__main__":
    account, region = os.environ["ACCOUNT"], os.environ["REGION"]
    # As AWS does: a client of HTTP/1.0 can find its connection closed before it has read why it was refused.
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    # Head and body in one write: the SDK of the helper now and then closes its connection between the two.
    WSGIRequestHandler.wbufsize = -1
    Image.get_image_size_in_bytes = size_in_bytes
    ECRResponse.complete_layer_upload = complete_layer_upload
    access_control.IAMRequest = JsonRequest
    with open("/aws/users.json") as file:
        add_users(json.load(file), account)
    for repository in os.environ["REPOSITORIES"].split():
        ecr_backends[account][region].create_repository(
            repository_name=repository,
            registry_id=account,
            encryption_config=None,
            image_scan_config=None,
            image_tag_mutablility="MUTABLE",
            tags=[],
        )
    sys.exit(main(["-H", "", "-p", "443", "-c", "/tls/server.pem", "-k", "/tls/server.key"]))
