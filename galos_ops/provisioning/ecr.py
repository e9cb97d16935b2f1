"""The runbook's ECR credentials section: keys, region, helper and Docker's config on the host, and the proof."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from galos_ops.config.command_line import CommandLine
from galos_ops.config.settings import Service, Settings
from galos_ops.engines.snapshot.registry import FAILURE, ask_admission, has
from galos_ops.errors import NotReadyError, UsageError
from galos_ops.host import files
from galos_ops.host.host import Host
from galos_ops.progress import Change
from galos_ops.provisioning import aws, diffs, ini
from galos_ops.provisioning.aws import Image, images
from galos_ops.provisioning.docker_config import with_helpers
from galos_ops.provisioning.files import done_or_would, place

__all__ = ["Image", "check", "credentials", "docker_config", "helper", "images", "region"]

CREDENTIALS = "~/.aws/credentials"
CONFIG = "~/.aws/config"
DOCKER_CONFIG = "~/.docker/config.json"
HELPER = "docker-credential-ecr-login"
HELPER_RELEASES = "https://github.com/awslabs/amazon-ecr-credential-helper/releases"
SESSION_KEYS = ("aws_session_token", "aws_security_token")
INSTALL_SECONDS = 600


Say = Callable[[str], None]
"""Shows a person a sentence."""


def credentials(host: Host, settings: Settings, say: Say, *, any_: bool = False) -> Change:
    """Put the local profile's keys, proven with AWS, into `[default]` of `~/.aws/credentials`, and say first whose.

    Raises as `aws.proven_keys` does, and `UsageError` for new keys of the root user or, unless `any_`, of one that is
    known to do more than pull.
    """
    if settings.ecr.credentials == "instance":
        return Change(False, "no keys placed: the host uses its instance role (galos.ecr.credentials: instance)")
    keys = aws.proven_keys(settings)
    values = {"aws_access_key_id": keys.access_key_id, "aws_secret_access_key": keys.secret_access_key}
    name = f"{host.name}: {CREDENTIALS}"
    [old] = files.read(host, CREDENTIALS)
    new = ini.merged(old, values, name=name, drop=SESSION_KEYS)
    stale = sorted(ini.keys(old, name=name) & set(SESSION_KEYS))
    notes = [_whose(host, settings, say, any_)] if new != old else []
    notes += [f"removed {', '.join(stale)}, which would have spoiled the keys"] if stale else []
    return place(host, CREDENTIALS, old, new, mask=diffs.ini, private=True, note="; ".join(notes))


def _whose(host: Host, settings: Settings, say: Say, any_: bool) -> str:
    """Say and return whose keys are about to be placed; raises `UsageError` as `credentials` does."""
    found = aws.identity(settings)
    if found.name == "root":
        raise UsageError(
            f"{host.name}: the local keys are the root user's of {found.account}, which may do anything; not placed.",
            hint="make an IAM user that may only pull, and name its profile in galos.ecr.profile",
        )
    if found.beyond and not any_:
        raise UsageError(
            f"{host.name}: the local keys are {found}'s, which may do more than pull ({found.beyond}); not placed.",
            hint="name the profile of one that may only pull in galos.ecr.profile, or place these all the same: "
            + host.typed.fab("ecr.credentials", any=True),
        )
    rights = "which may do more than pull" if found.beyond else "not known to do more than pull"
    say(f"{'would' if host.dry else 'about to'} place keys of {found}, {rights}")
    return f"keys of {found}"


def region(host: Host, settings: Settings) -> Change:
    """Set `region` in `[default]` of `~/.aws/config`, and in `[profile default]` where the host has one: it wins."""
    [old] = files.read(host, CONFIG)
    sections = ("default", "profile default")
    new = ini.merged(old, {"region": settings.ecr.region}, name=f"{host.name}: {CONFIG}", sections=sections)
    return place(host, CONFIG, old, new, mask=diffs.ini)


@dataclass(frozen=True)
class PackageManager:
    binary: str
    package: str
    install: str


PACKAGE_MANAGERS = (
    PackageManager(
        "apt-get",
        "amazon-ecr-credential-helper",
        "export DEBIAN_FRONTEND=noninteractive; apt-get update -q; "
        "apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120",
    ),
    PackageManager("dnf", "amazon-ecr-credential-helper", "dnf install -q -y"),
    PackageManager("apk", "docker-credential-ecr-login", "apk add --no-cache"),
)


def helper(host: Host) -> Change:
    """Install the credential helper with the host's package manager, unless it is on the PATH of the host's user.

    Raises `NotReadyError` where there is no package manager that has it, or it is not found after all.
    """
    binaries = (HELPER, *(manager.binary for manager in PACKAGE_MANAGERS))
    probe = "; ".join(f"command -v {binary}" for binary in binaries) + "; true"
    installed = {line.rpartition("/")[2] for line in host.run(probe, doing="look for the helper").stdout.split()}
    if HELPER in installed:
        return Change(False, f"{HELPER} is installed")
    manager = next((manager for manager in PACKAGE_MANAGERS if manager.binary in installed), None)
    if manager is None:
        known = ", ".join(manager.binary for manager in PACKAGE_MANAGERS)
        raise NotReadyError(
            f"{host.name}: cannot install {HELPER}: none of {known} is there.",
            hint=f"put the binary from {HELPER_RELEASES} into /usr/local/bin",
        )
    done = Change(True, f"{manager.package} {done_or_would(host, 'installed')} with {manager.binary}")
    if host.dry:
        return done
    host.sudo(f"{manager.install} {manager.package}", doing=f"install {manager.package}", timeout=INSTALL_SECONDS)
    if not host.run(f"command -v {HELPER}", doing="look for the helper", check=False).ok:
        raise NotReadyError(
            f"{host.name}: {manager.package} is installed, but {HELPER} is not on the PATH.",
            hint=f"put the binary from {HELPER_RELEASES} into /usr/local/bin",
        )
    return done


def docker_config(host: Host, settings: Settings) -> Change:
    """Name the helper in `~/.docker/config.json`: for the registry's host name, the only key that Docker looks up,
    and for each repository as the runbook has it."""
    registry = settings.ecr.registry
    wanted = [registry, *(f"{registry}/{service.repository}" for service in settings.services.values())]
    [old] = files.read(host, DOCKER_CONFIG)
    new = with_helpers(old, dict.fromkeys(wanted, "ecr-login"), name=f"{host.name}: {DOCKER_CONFIG}")
    return place(host, DOCKER_CONFIG, old, new, mask=diffs.docker_config)


KEYS = "keys"  # stands for what gives the host keys, or a role
HINTS = (
    (r"docker['’]?: (command not found|not found|No such file)", "install Docker on {host}"),
    (
        r"permission denied.*docker.*sock",
        "let the user use it, then connect again: {ssh:sudo usermod -aG docker $USER}",
    ),
    (r"Cannot connect to the Docker daemon", "{ssh:sudo systemctl start docker}"),
    (r"is not on the PATH", "{fab:ecr.helper}"),
    (r"does not name the helper", "{fab:ecr.docker-config}"),
    (
        r"can only be used with Amazon Elastic Container Registry",
        f"update {HELPER} on {{host}}, which does not know this host name of ECR, or take the one without dkr-ecr",
    ),
    (
        r"Signature (expired|not yet current)|RequestExpired|RequestTimeTooSkewed",
        "set the clock of {host}: AWS finds it wrong",
    ),
    (
        r"no such host|dial tcp|i/o timeout|connection re(fused|set)|TLS handshake|Client\.Timeout|deadline|EOF"
        r"|x509|no answer",
        "check the network and the CAs of {host}",
    ),
    (
        r"AccessDenied|not authorized to perform",
        "allow ecr:GetAuthorizationToken and the pull actions in the IAM policy",
    ),
    (r"name unknown", "check galos.services.*.repository"),
    (rf"{FAILURE}|authentication required|401 Unauthorized", KEYS),
)


def check(host: Host, settings: Settings, services: dict[str, Service]) -> Change:
    """Ask the registry for each service's image with the host's own engine and helper.

    Raises `NotReadyError` with Docker's words, the helper's own log and the next command when it is refused.
    """
    return Change(False, "; ".join(_check(host, settings, service) for service in services.values()))


def _check(host: Host, settings: Settings, service: Service) -> str:
    image = settings.image(service)
    asked = ask_admission(host, f"{settings.ecr.registry}/{service.repository}", HELPER)
    if not asked.granted:
        raise _refused(host, settings, asked.output, "the registry does not let this host in")
    if asked.by_old_token:
        raise _refused(
            host, settings, asked.output, "the registry lets this host in by an old token, for hours at most"
        )
    pushed = "is there" if has(host, image) else "is not pushed yet"
    return f"the registry lets {host.name} in, {image} {pushed}"


def _refused(host: Host, settings: Settings, output: str, sentence: str) -> NotReadyError:
    [config] = files.read(host, DOCKER_CONFIG)
    helpers = {settings.ecr.registry: "ecr-login"}
    if with_helpers(config, helpers, name=f"{host.name}: {DOCKER_CONFIG}") != config:
        output += f"{DOCKER_CONFIG} does not name the helper for {settings.ecr.registry}\n"
    return NotReadyError(
        f"{host.name}: {sentence}.",
        evidence=output,
        hint=refusal_hint(output, host.typed, instance=settings.ecr.credentials == "instance"),
    )


def refusal_hint(output: str, typed: CommandLine, *, instance: bool = False) -> str:
    """What to type next, by the first row of `HINTS` that the output holds."""
    keys = "give the EC2 instance a role that may pull" if instance else "{fab:ecr.credentials}"
    hint = next((hint for pattern, hint in HINTS if re.search(pattern, output)), "{fab:setup}")
    return typed.fill(keys if hint == KEYS else hint)
