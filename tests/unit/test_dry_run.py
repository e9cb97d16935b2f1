"""The parts of a dry run that need no host."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.one_offs.one_off import needs
from galos_ops.engines.snapshot.registry import parse
from galos_ops.host import files
from galos_ops.host.lock import lock
from galos_ops.host.shell import ExitCode
from galos_ops.provisioning.files import place
from tests.unit.fake_host import FakeHost
from tests.unit.local_host import LocalHost

CHANGES: dict[str, Callable[[FakeHost], object]] = {
    "change": lambda host: host.change("true", doing="change"),
    "sudo": lambda host: host.sudo("true", doing="install"),
    "write": lambda host: files.write(host, "~/x", "x"),
    "lock": lambda host: lock(host, "~", "deploy", 0, print).__enter__(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_changes_a_host_is_out_of_a_dry_run_s_reach(change: Callable[[FakeHost], object]) -> None:
    with pytest.raises(RuntimeError, match="a dry run must not"):
        change(FakeHost(dry=True))


def test_a_file_that_would_change_is_told_with_its_difference(host: LocalHost) -> None:
    host.dry = True
    host.put("~/.env", "A=1\n", mode=0o644)
    done = place(host, "~/.env", "A=1\n", "A=2\n", mask=lambda text: text, private=True, note="changed A")
    assert (done.changed, done.detail) == (True, "~/.env would be updated: changed A")
    assert done.diff == ("--- ~/.env", "+++ ~/.env", "@@ -1,1 +1,1 @@", "-A=1", "+A=2")
    assert host.files() == {"~/.env": "A=1\n"}


@pytest.mark.parametrize(
    ("mode", "detail"),
    [
        (0o644, "~/.env would be made private (0600), its text unchanged"),
        (0o600, "~/.env unchanged"),
        (0o700, "~/.env unchanged"),
    ],
)
def test_a_file_that_would_be_made_private_is_only_looked_at(host: LocalHost, mode: int, detail: str) -> None:
    host.dry = True
    path = host.put("~/.env", "A=1\n", mode=mode)
    done = place(host, "~/.env", "A=1\n", "A=1\n", mask=str, private=True)
    assert (done.changed, done.detail) == (mode == 0o644, detail)
    assert path.stat().st_mode & 0o777 == mode


def row(architecture: str, digit: str) -> dict[str, object]:
    return {
        "Descriptor": {"digest": f"sha256:{digit * 64}", "platform": {"architecture": architecture, "os": "linux"}},
        "OCIManifest": {"config": {"digest": f"sha256:{digit.upper() * 64}"}},
    }


def test_a_tag_means_the_image_for_the_host_s_own_architecture() -> None:
    both = json.dumps([row("arm64", "a"), row("amd64", "b")])
    assert parse(both, "amd64") == (f"sha256:{'b' * 64}", f"sha256:{'B' * 64}")
    assert parse(json.dumps(row("", "c")), "amd64") == (f"sha256:{'c' * 64}", f"sha256:{'C' * 64}")
    for text in ("", "[]", "{}", "null", '{"Descriptor": 1}', "no such manifest: x"):
        assert parse(text, "amd64") is None


def test_what_docker_compose_would_make_is_read_from_both_manners_of_writing() -> None:
    v1 = {
        "services": {"web": {"volumes": ["/srv/data:/data:rw", "cache:/cache"]}, "db": {"networks": {"back": None}}},
        "networks": {"back": {}, "unused": {}},
        "volumes": {"cache": {}, "given": {"external": True}},
    }
    labels = "--filter label=com.docker.compose.project=myproject --filter label=com.docker.compose"
    assert needs(v1, "web", "myproject").split(f" || exit {ExitCode.MISSING}") == [
        f"docker network ls -q {labels}.network=default | grep -q .",
        f"\ndocker network ls -q {labels}.network=back | grep -q .",
        f"\ndocker volume ls -q {labels}.volume=cache | grep -q .",
        "\n[ -e /srv/data ]",
        "",
    ]
    v2 = {
        "name": "given",
        "services": {
            "web": {
                "networks": {"outer": None, "default": None},
                "volumes": [{"type": "bind", "source": "/x y", "target": "/y"}, {"type": "volume", "source": "cache"}],
            },
            "host": {"network_mode": "host"},
        },
        "networks": {"outer": {"external": True}, "default": {"name": "given_default"}},
    }
    network, folder, _ = needs(v2, "web", "given").split(f" || exit {ExitCode.MISSING}")
    assert network == f"docker network ls -q {labels.replace('myproject', 'given')}.network=default | grep -q ."
    assert folder == "\n[ -e '/x y' ]"


LABEL = "--filter label=com.docker.compose.project=it's --filter label=com.docker.compose"
NETWORK, VOLUME = f"network ls -q {LABEL}.network=default", f"volume ls -q {LABEL}.volume=cache"


@pytest.mark.parametrize(
    ("network", "volume", "folder", "exited"),
    [
        ("n1\n", "v1\n", True, 0),
        ("", None, True, ExitCode.MISSING),
        ("n1\n", "", True, ExitCode.MISSING),
        ("n1\n", "v1\n", False, ExitCode.MISSING),
    ],
)
def test_the_image_is_not_asked_where_docker_compose_would_make_something_first(
    host: LocalHost, network: str, volume: str | None, folder: bool, exited: int
) -> None:
    """`None` where it is not even looked at any more."""
    host.stubs.add("docker", {NETWORK: network} | ({} if volume is None else {VOLUME: volume}))
    path = host.home / "x y"
    if folder:
        path.mkdir()
    tree = {"name": "it's", "services": {"web": {"volumes": [f"{path}:/data"]}}, "volumes": {"cache": {}}}
    assert host.run(needs(tree, "web", "it's"), doing="look", check=False).exited == exited


def test_the_hash_of_v1_needs_no_resolved_file() -> None:
    assert DockerCompose("docker-compose", (1, 29, 2)).hash("web") == "docker-compose config --hash web"
    resolved = "COMPOSE_PROFILES='*' docker-compose --env-file /dev/null -f - config --hash web"
    assert DockerCompose("docker-compose", (2, 26, 1)).hash("web") == resolved
