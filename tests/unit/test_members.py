"""What `status` and `doctor` of several hosts say differs between them."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.config.settings import Settings
from galos_ops.diagnostics.members import Difference, Running, differences
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.snapshot.snapshot import Container, Snapshot
from galos_ops.host.host import Host
from galos_ops.redaction import Secret
from galos_ops.tasks.comparing_run import ComparingRun
from galos_ops.ui.plain import Plain
from galos_ops.workflows.ops import Ops
from tests.unit.fake_host import FakeHost
from tests.unit.targets import FACTS

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
SERVICES = ["galos-sync"]
KNOWN = replace(FACTS, engine="26.1.5", flavour=DockerCompose("docker-compose", (2, 26)))


def member(image: str | None = OLD, **environment: str) -> Snapshot:
    """A host where the service runs an image, or nothing, and is given variables."""
    file = {"services": {"galos-sync": {"image": "x", "environment": environment}}}
    running = (Container("c", image or "", "running", 0, "home-galos-sync-1", "galos-sync", False, "home", "/home"),)
    return replace(KNOWN, config=Secret(json.dumps(file)), containers=running if image else ())


def told(snapshots: dict[str, Snapshot]) -> list[str]:
    return [sentence for one in differences(snapshots, SERVICES) for sentence in one.sentences]


def test_hosts_that_are_alike_differ_in_nothing() -> None:
    assert differences({"a": member(X="1"), "b": member(X="1")}, SERVICES) == []
    assert differences({"a": member()}, SERVICES) == []


def test_each_image_is_named_with_its_hosts() -> None:
    found = {"a": member(), "b": member(NEW), "c": member(), "d": member(None)}
    assert told(found) == ["galos-sync: sha256:aaaaaaaa runs on a, c; sha256:bbbbbbbb runs on b; nothing runs on d"]
    assert differences(found, SERVICES) == [
        Difference("galos-sync", tuple(Running(*row) for row in zip("abcd", (OLD, NEW, OLD, None), strict=True)), ())
    ]


def test_variables_are_named_and_no_value_is_shown() -> None:
    found = {"a": member(SECRET="one", SAME="1"), "b": member(SECRET="two", SAME="1", MORE="x")}
    assert told(found) == ["galos-sync: not given the same everywhere: MORE, SECRET"]


@pytest.mark.parametrize("silent", [{"engine": ""}, {"flavour": None}])
def test_what_a_host_does_not_tell_is_not_compared(silent: dict[str, Any]) -> None:
    dumb = replace(KNOWN, config=Secret(), containers=(), **silent)
    assert differences({"a": member(X="1"), "b": dumb}, SERVICES) == []


def test_a_run_says_what_differs_once_all_hosts_were_looked_at() -> None:
    out = StringIO()
    report, settings = Plain(out), Settings()
    run = ComparingRun(lambda: None, CommandLine("a,b", "status"), (), {})
    for name, snapshot in {"a": member(), "b": member(NEW)}.items():
        host: Host = FakeHost()
        host.name = name
        run.members.append(Ops(host, settings, report, seen=snapshot))
    run._compare(settings, report)
    assert "the hosts differ: galos-sync: sha256:aaaaaaaa runs on a; sha256:bbbbbbbb runs on b" in out.getvalue()
    assert out.getvalue().rstrip().endswith("fab -H a,b deploy")
    [row] = run.document["differences"]
    images = ({"host": "a", "image": OLD}, {"host": "b", "image": NEW})
    assert row == {"service": "galos-sync", "images": images, "variables": ()}


def test_one_image_that_engines_keep_in_different_ways_is_the_same_by_its_digest() -> None:
    classic, containerd = replace(member(), digests={OLD: ("d1", "d2")}), replace(member(NEW), digests={NEW: ("d2",)})
    assert differences({"a": classic, "b": containerd}, SERVICES) == []
    assert len(differences({"a": classic, "b": replace(member(NEW), digests={NEW: ("d3",)})}, SERVICES)) == 1
    assert len(differences({"a": classic, "b": member(None)}, SERVICES)) == 1
