"""The order of services, and what one of them needs; compose files as each docker-compose resolves them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from galos_ops.config.settings import Settings
from galos_ops.engines.compose import Compose
from galos_ops.engines.dependencies import Dependency, absent, needed, of, ordered, script
from galos_ops.engines.docker_compose import FROM_VARIABLE, DockerCompose
from galos_ops.engines.engine import Target
from galos_ops.engines.snapshot.snapshot import Container, Snapshot
from galos_ops.errors import NotReadyError
from galos_ops.redaction import Secret
from tests.unit.fake_host import FakeHost

STARTS = "docker-compose --env-file /dev/null -f - up -d --no-deps --no-recreate"
CONFIGURED = {name: {"migration": {"tool": "none"}} for name in ("a", "b")}


def target(rows: dict[str, Any], *running: str, services: dict[str, Any] | None = None) -> Target:
    """The service `a` of a project in /srv whose services have these rows and, some of them, a running container."""
    made = tuple(
        Container(f"{name}-id", "sha256:1", "running", 0, f"srv-{name}-1", name, False, "srv", "/srv")
        for name in running
    )
    config = Secret(yaml.safe_dump({"name": "srv", "services": rows}))
    facts = Snapshot(directories=("/srv",), config=config, containers=made)
    settings = Settings.of({"services": services or CONFIGURED})
    compose = Compose(DockerCompose("docker-compose", (5, 6, 1)))
    return Target(FakeHost(), settings, "a", settings.services["a"], facts, compose)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"depends_on": ["b", "c"]}, [Dependency("b"), Dependency("c")]),
        ({"depends_on": {"b": {"condition": "service_healthy"}}}, [Dependency("b", "service_healthy")]),
        ({"depends_on": {"b": None}}, [Dependency("b")]),
        ({"links": ["b:database", "c"]}, [Dependency("b"), Dependency("c")]),
        ({"network_mode": "service:b", "pid": "host", "ipc": "service:c"}, [Dependency("b"), Dependency("c")]),
        ({"network_mode": "bridge"}, []),
        ({"volumes_from": ["b:ro"]}, [Dependency("b")]),
        ({"links": ["b"], "depends_on": {"b": {"condition": "service_healthy"}}}, [Dependency("b", "service_healthy")]),
        ({}, []),
    ],
)
def test_what_a_service_depends_on(row: dict[str, Any], found: list[Dependency]) -> None:
    assert of(row) == found


def test_a_service_comes_after_those_that_it_depends_on_else_in_the_order_given() -> None:
    rows = {"a": {"depends_on": ["x"]}, "x": {"depends_on": ["c"]}, "b": {}, "c": {}, "d": {"depends_on": ["d", "e"]}}
    assert ordered(["a", "b", "c"], rows) == ["c", "a", "b"]
    assert ordered(["b", "a"], rows) == ["b", "a"]
    assert ordered(["d", "nowhere"], rows | {"e": {"depends_on": ["d"]}}) == ["d", "nowhere"]


def test_what_is_not_configured_starts_in_its_own_order_unless_it_runs() -> None:
    rows = {
        "a": {"depends_on": {"x": {"condition": "service_healthy"}, "z": {}}},
        "x": {"depends_on": ["y"]},
        "y": {},
        "z": {},
    }
    one = target(rows, "z")
    assert [each.name for each in needed(one)] == ["y", "x", "z"]
    assert absent(one) == ["y", "x"]
    first, second, wait = script(one)
    assert first == FROM_VARIABLE + f"{STARTS} y >&2 || exit 1"
    assert second == FROM_VARIABLE + f"{STARTS} x >&2 || exit 1"
    assert "--filter health=healthy" in wait
    assert "label=com.docker.compose.service=x" in wait


@pytest.mark.parametrize(
    "rows", [{"a": {"depends_on": ["b"]}, "b": {}}, {"a": {"depends_on": ["x"]}, "x": {"depends_on": ["b"]}, "b": {}}]
)
def test_a_configured_one_must_run_already(rows: dict[str, Any]) -> None:
    assert absent(target(rows, "b", "x")) == []
    with pytest.raises(NotReadyError, match="it depends on b, which does not run") as error:
        needed(target(rows, "x"))
    assert error.value.hint == "start that one first: fab -H box deploy --service b"


def test_what_runs_to_its_end_is_refused_though_it_once_did() -> None:
    rows = {"a": {"depends_on": {"x": {"condition": "service_completed_successfully"}}}, "x": {}}
    with pytest.raises(NotReadyError, match="it depends on x, which would run to its end"):
        needed(target(rows, "x"))
    carried = {"a": {"migration": {"service": "x"}}}
    with pytest.raises(NotReadyError, match="it depends on x, which would run to its end"):
        needed(target({"a": {"depends_on": ["x"]}, "x": {}}, "x", services=carried))


COMMAND = [{"command": ["sh", "-c", "migrate"]}]


@pytest.mark.parametrize("hook", ["pre_start", "post_start", "pre_stop"])
@pytest.mark.parametrize("name", ["a", "x", "y"])
def test_a_lifecycle_hook_of_what_would_start_is_refused_by_its_name(name: str, hook: str) -> None:
    rows: dict[str, Any] = {"a": {"depends_on": ["x"]}, "x": {"depends_on": ["y"]}, "y": {}}
    rows[name][hook] = COMMAND
    with pytest.raises(NotReadyError, match=rf"^box: a: the lifecycle hook {hook} of {name} would be run by") as error:
        needed(target(rows, "a", "x", "y"))
    assert error.value.hint == "take it out of the compose file; a migration belongs into galos.services.a.migration"


def test_every_hook_is_named() -> None:
    rows = {"a": {"depends_on": ["x"], "pre_stop": COMMAND, "pre_start": COMMAND}, "x": {"post_start": COMMAND}}
    with pytest.raises(NotReadyError, match="hook pre_start of a, pre_stop of a, post_start of x would"):
        needed(target(rows))


def test_a_hook_of_what_does_not_start_with_it_is_no_obstacle() -> None:
    rows = {"a": {"depends_on": ["b"], "post_start": []}, "b": {"post_start": COMMAND}, "z": {"post_start": COMMAND}}
    assert needed(target(rows, "b")) == []


def test_an_optional_dependency_without_its_profile_is_none() -> None:
    assert needed(target({"a": {"depends_on": {"x": {"required": False}}}})) == []
