"""The AWS account that the sandbox plays: names, users and their policies."""

from __future__ import annotations

import json
from dataclasses import asdict

from sandbox.keys import AccessKey, Keys

ACCOUNT = "261923651564"
REGION = "eu-central-1"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
REGISTRY_USER = "AWS"
TOKEN = f"{ACCOUNT}-auth-token"
AWS_NAMES = (
    f"api.ecr.{REGION}.amazonaws.com",
    f"ecr.{REGION}.amazonaws.com",
    f"sts.{REGION}.amazonaws.com",
    "sts.amazonaws.com",
    "iam.amazonaws.com",
)
NAMES = (REGISTRY, *AWS_NAMES, "localhost", "127.0.0.1")
DATABASE = "elite_development"
PULLER = "galos-host"


def policy(*actions: str) -> dict[str, object]:
    """An IAM policy that allows the actions, on everything: moto asks for each on `*`, not on the repository."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }


PULLING = (
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
)
PUSHING = ("ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage")
PULL_ONLY = policy(*PULLING)
EVERYTHING = policy("*")


def users(keys: Keys) -> str:
    """The account's users, as the aws container reads them when it starts."""

    def user(name: str, policy: dict[str, object], key: AccessKey | None) -> dict[str, object]:
        return {"name": name, "policy": policy, "key": asdict(key) if key else None}

    return json.dumps([user("admin", EVERYTHING, keys.admin), user(PULLER, PULL_ONLY, keys.puller)])
