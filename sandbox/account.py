"""The API of the account that the sandbox plays, called as its administrator."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.aws import REGION
from sandbox.keys import AccessKey

REPEATED = ("ImageAlreadyExistsException",)


def call(port: int, authority: Path, key: AccessKey, service: str, operation: str, **parameters: Any) -> Any:
    """Return the answer of one operation, None where it was done before; raises botocore's ClientError."""
    api = client(port, authority, key, service)
    try:
        return getattr(api, operation)(**parameters)
    except api.exceptions.ClientError as error:
        known: Mapping[str, Any] = error.response["Error"]
        if known["Code"] not in REPEATED:
            raise
    return None


@functools.cache
def client(port: int, authority: Path, key: AccessKey, service: str) -> Any:
    """Return botocore's client of a service at a port of 127.0.0.1, whatever proxy and profile this machine has."""
    from botocore.config import Config
    from botocore.session import Session

    unconfigured = {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
    return Session(session_vars=unconfigured).create_client(
        service,
        region_name=REGION,
        endpoint_url=f"https://127.0.0.1:{port}",
        verify=str(authority),
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        config=Config(proxies={}, connect_timeout=10, read_timeout=60),
    )
