"""The files that a sandbox writes for its user, as text."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from sandbox.keys import AccessKey

USERS = {"": "root", "-user": "galos", "-ask": "asker"}

FORGOTTEN = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_ECR",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)


def ssh_config(ports: Mapping[str, int], key: Path, known_hosts: Path) -> str:
    """Three entries for each host: root, an unprivileged user, and one whose sudo asks for a password."""
    return "\n".join(
        f"Host {host}{suffix}\n"
        f"    HostName 127.0.0.1\n"
        f"    Port {port}\n"
        f"    User {user}\n"
        f"    IdentityFile {quoted(key)}\n"
        f"    IdentitiesOnly yes\n"
        f"    UserKnownHostsFile {quoted(known_hosts)}\n"
        f"    StrictHostKeyChecking yes\n"
        for host, port in ports.items()
        for suffix, user in USERS.items()
    )


def quoted(path: Path) -> str:
    """A path as ssh_config wants it."""
    return f'"{path}"' if " " in str(path) else str(path)


def known_hosts(keys: Mapping[int, str]) -> str:
    """The public host keys behind each port of 127.0.0.1; `keys` holds lines of `type base64 comment`."""
    return "".join(
        f"[127.0.0.1]:{port} {' '.join(line.split()[:2])}\n"
        for port, lines in keys.items()
        for line in lines.splitlines()
    )


def variables(directory: Path, state: Path) -> dict[str, str]:
    """What makes a shell speak to the sandbox's AWS and push the sandbox's .env."""
    return {
        "AWS_CONFIG_FILE": str(state / "aws" / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(state / "aws" / "credentials"),
        "AWS_CA_BUNDLE": str(state / "ca.pem"),
        "FABRIC_GALOS_ENV_FILE": str(directory / ".env"),
    }


def environment(variables: Mapping[str, str]) -> str:
    """A shell file to source: it exports the variables, and forgets those of the developer that would win."""
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    return f"unset {' '.join(FORGOTTEN)}\n{exports}"


def aws_config(region: str, port: int, authority: Path) -> str:
    """~/.aws/config of the developer: every service is the one at `port`."""
    return f"[default]\nregion = {region}\nendpoint_url = https://127.0.0.1:{port}\nca_bundle = {authority}\n"


def aws_credentials(key: AccessKey | None) -> str:
    """~/.aws/credentials of the developer; without a key where it is revoked."""
    return f"[default]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n" if key else ""


def service_environment(database_url: str) -> str:
    """The .env of galos-sync."""
    return f"DATABASE_URL={database_url}\n"
