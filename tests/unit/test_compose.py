import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import yaml

from galos_ops.engines.choosing import chosen
from galos_ops.engines.compose import Compose
from galos_ops.engines.docker_compose import FROM_VARIABLE, DockerCompose, encoded, grace_seconds, render
from galos_ops.engines.log_lines import LogLines
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.host.shell import in_directory
from tests.unit.local_host import LocalHost, Reply

V1, V2 = DockerCompose("docker-compose", (1, 29, 2)), DockerCompose("docker compose", (2, 26, 1))


@pytest.mark.parametrize(
    ("text", "flavour"),
    [
        ("docker-compose 1.29.2", V1),
        ("docker compose v2.26.1", V2),
        ("docker-compose 5.6.1", DockerCompose("docker-compose", (5, 6, 1))),
        ("docker-compose 2.26.1-4", DockerCompose("docker-compose", (2, 26, 1))),
        ("docker-compose unknown", None),
        ("", None),
    ],
)
def test_the_flavour_is_read_from_its_version(text: str, flavour: DockerCompose | None) -> None:
    assert DockerCompose.of(text) == flavour


def test_v1_gets_no_flag_that_it_does_not_know() -> None:
    assert V1.up("a") == FROM_VARIABLE + "docker-compose -f - up -d --no-deps a"
    options = "--env-file /dev/null -f - up -d --no-deps --pull never"
    assert V2.up("a") == f"{FROM_VARIABLE}docker compose {options} a"


@pytest.mark.parametrize("kind", ["secrets", "configs"])
def test_env_is_read_again_for_a_secret_or_config_that_is_a_variable_s_and_for_nothing_else(kind: str) -> None:
    of_file, none = {kind: {"a": {"file": "/a"}, "b": None}, "services": {}}, {kind: None}
    of_variable = {kind: {"a": {"file": "/a"}, "b": {"name": "app_b", "environment": "B"}}}
    assert V2.reading(of_file) == V2.reading(none) == V2.reading({}) == V2
    reading = V2.reading(of_variable)
    assert reading.up("a") == f"{FROM_VARIABLE}docker compose -f - up -d --no-deps --pull never a"
    assert reading.run_attached("a", "n", ["b"], "f", terminal=True).startswith(
        'docker compose -f f --project-directory "$PWD" run'
    )


def test_v1_is_told_the_project_of_a_file_that_lies_elsewhere() -> None:
    facts = Snapshot(directories=("/srv", "/srv", "/srv/deploy"), compose_file="deploy/base.yml:more.yml")
    named = 'COMPOSE_PROJECT_NAME="${COMPOSE_PROJECT_NAME:-deploy}" docker-compose -f - up -d --no-deps a'
    assert chosen("compose", V1, facts).docker_compose.up("a") == FROM_VARIABLE + named
    assert chosen("compose", V1, replace(facts, compose_file="base.yml")).docker_compose == V1
    assert chosen("compose", V2, facts).docker_compose == V2


def test_every_character_is_in_the_file_as_yaml_and_as_json_read_it() -> None:
    """docker-compose reads it as YAML, in which some characters do not stand as they are, and some end a line."""
    every = [*map(chr, (*range(1, 0x3000), 0xE000, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF)), "\N{GRINNING FACE}"]
    tree = {"services": {"a": {"environment": {"A": "x".join(every)}}}}
    text = encoded(tree, "a").decode()
    assert yaml.safe_load(text) == json.loads(text) == tree


def test_words_are_quoted() -> None:
    assert V2.run("a", "a-migration", ["sh", "-c", "x; y"]) == (
        "docker compose --env-file /dev/null -f - run --no-deps -T --name a-migration --entrypoint sh a -c 'x; y'"
    )
    assert in_directory("~/it's here", "true") == "cd \"$HOME\"/'it'\"'\"'s here' || exit 1\ntrue"


VERBS: dict[str, tuple[Callable[[Compose], str], str]] = {
    "stop": (lambda compose: compose.stop(["a"]), "stop a"),
    "down": (lambda compose: compose.down(), "down"),
    "logs": (lambda compose: compose.logs(["a"], LogLines(5, follow=True)), "logs --no-color --tail=5 -f a"),
    "logs so far": (lambda compose: compose.logs(["a"], LogLines(5)), "logs --no-color --tail=5 a"),
}


@pytest.mark.parametrize("flavour", [V1, V2], ids=str)
@pytest.mark.parametrize(("line", "arguments"), VERBS.values(), ids=VERBS)
def test_each_verb_reaches_docker_compose_in_the_service_s_directory(
    host: LocalHost, flavour: DockerCompose, line: Callable[[Compose], str], arguments: str
) -> None:
    (host.home / "it's here").mkdir()
    program, _, plugin = flavour.command.partition(" ")
    host.stubs.add(program, {f"{plugin} {arguments}".strip(): Reply(effect="pwd")})
    assert (
        host.run(in_directory("~/it's here", line(Compose(flavour))), doing="try").stdout == f"{host.home}/it's here\n"
    )


def test_lines_of_a_time_are_asked_of_docker_where_docker_compose_cannot_tell() -> None:
    lines = LogLines(None, 600, timestamps=True, follow=True)
    assert Compose(V2).logs(["a"], lines) == "docker compose logs --no-color --tail=all --since=600s -t -f a"
    script = Compose(V1).logs(["a", "b"], lines)
    assert "docker logs --tail=all --since=600s -t -f $id 2>&1" in script
    assert "service=a " in script
    assert "service=b " in script


def test_in_a_directory_that_is_not_there_nothing_is_run(host: LocalHost) -> None:
    host.stubs.add("docker-compose", {})
    script = in_directory("~/nowhere", Compose(V1).down())
    assert host.run(script, doing="stop", check=False).exited == 1


@pytest.mark.parametrize(
    ("period", "seconds"), [("1m30s", 90), ("2h", 7200), ("1.5s", 2), ("500ms", 1), ("0s", 0), ("", None), (None, None)]
)
def test_the_time_to_stop_is_read_as_docker_compose_writes_it(period: str | None, seconds: int | None) -> None:
    assert grace_seconds({"stop_grace_period": period}) == seconds


def test_a_rendered_compose_file_hands_env_to_the_container() -> None:
    tree = yaml.safe_load(render({"galos-sync": "registry/galos-sync:latest"}))
    row = tree["services"]["galos-sync"]
    assert row["image"] == "registry/galos-sync:latest"
    assert row["env_file"] == ".env"
    assert row["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
