"""Whether a container is as the configuration has it now, which `start` asks of one that was stopped."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from galos_ops.engines.compose import Compose
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.engine import Target
from galos_ops.engines.snapshot.snapshot import Container
from galos_ops.engines.swarm import stack
from galos_ops.engines.swarm.swarm import Swarm
from galos_ops.errors import CommandFailed, GuardError
from galos_ops.migrations import guard
from galos_ops.redaction import Secret
from tests.unit.fake_host import FakeHost
from tests.unit.local_host import LocalHost, Reply
from tests.unit.targets import COMPOSE, FACTS, IMAGE_ID, REFERENCE, RESOLVED, target
from tests.unit.test_cluster import DIGEST
from tests.unit.test_guard import OTHER

ONE = Container("c1", IMAGE_ID, "exited", 0, "galos-sync-1", "galos-sync", False, "p", "/home")
TWO = replace(ONE, id="c2", name="galos-sync-2")
LABEL = '{{index .Config.Labels "com.docker.compose.config-hash"}}'
GIVEN = RESOLVED + "    environment: {URL: postgres://u:a$$b@db, LEVEL: '3', UNSET: null}\n"
V1 = Compose(DockerCompose("docker-compose", (1, 29, 2)))
URL = "URL=postgres://u:a$b@db"


def chosen(host: LocalHost, engine: Compose = COMPOSE, meant: str = IMAGE_ID) -> Target:
    """The service with an engine, whose tag means an image."""
    return replace(target(host, replace(FACTS, config=Secret(GIVEN), images={REFERENCE: meant})), engine=engine)


def hashes(host: LocalHost, *made: str, now: str = "h1") -> None:
    ids = " ".join(f"c{number + 1}" for number in range(len(made)))
    host.stubs.add("docker", {f"inspect -f {LABEL} {ids}": "".join(f"{one}\n" for one in made)})
    host.stubs.add("docker-compose", {"--env-file /dev/null -f - config --hash galos-sync": f"galos-sync {now}\n"})


def test_each_container_must_have_been_made_of_what_there_is_now(box: LocalHost) -> None:
    hashes(box, "h1", "h1")
    assert COMPOSE.as_configured(chosen(box), [ONE, TWO])
    hashes(box, "h1", "h0")
    assert not COMPOSE.as_configured(chosen(box), [ONE, TWO])


def test_a_docker_compose_that_fails_is_no_answer(box: LocalHost) -> None:
    hashes(box, "h1")
    broken = Reply(exited=15, stderr="no such service: galos-sync\n")
    box.stubs.add("docker-compose", {"--env-file /dev/null -f - config --hash galos-sync": broken})
    with pytest.raises(CommandFailed, match="could not compare the container with its configuration"):
        COMPOSE.as_configured(chosen(box), [ONE])


def test_v1_compares_what_it_hashes_while_the_tag_means_the_same_image(box: LocalHost) -> None:
    box.stubs.add("docker", {f"inspect -f {LABEL} c1": "h1\n"})
    box.stubs.add("docker-compose", {"config --hash galos-sync": "galos-sync h2\n"})
    assert not V1.as_configured(chosen(box, V1), [ONE])


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        ([URL, "LEVEL=3", "PATH=/bin"], True),
        ([URL, "LEVEL=3", "UNSET="], True),
        ([URL, "LEVEL=4"], False),
        ([URL], False),
        (["URL=postgres://u:a$$b@db", "LEVEL=3"], False),
        ([URL, "LEVEL=3", "UNSET=1"], False),
        (None, False),
    ],
)
def test_v1_compares_variables_where_the_tag_means_another_image(
    box: LocalHost, made: list[str] | None, wanted: bool
) -> None:
    same = json.dumps([URL, "LEVEL=3"])
    box.stubs.add("docker", {"inspect -f {{json .Config.Env}} c1 c2": f"{same}\n{json.dumps(made)}\n"})
    assert V1.as_configured(chosen(box, V1, OTHER), [ONE, TWO]) is wanted


def test_what_is_compared_is_on_no_command_line_and_in_no_error(box: LocalHost) -> None:
    broken = Reply(json.dumps(["PASSWORD=hunter2"]) + "\n", 1, "Error: No such object: c2\n")
    box.stubs.add("docker", {"inspect -f {{json .Config.Env}} c1 c2": broken})
    with pytest.raises(CommandFailed) as error:
        V1.as_configured(chosen(box, V1, OTHER), [ONE, TWO])
    assert "hunter2" not in str(error.value)
    assert not any("a$b" in call for call in box.stubs.calls)


def test_a_stopped_container_of_before_is_not_started(box: LocalHost) -> None:
    hashes(box, "h0")
    with pytest.raises(GuardError, match=r"was made with another \.env or compose file than there is now") as error:
        guard.require_as_configured(chosen(box), [ONE])
    assert error.value.hint == "fab -H box up"


def test_one_that_is_as_configured_may_start(box: LocalHost) -> None:
    hashes(box, "h1")
    guard.require_as_configured(chosen(box), [ONE])


def test_of_containers_that_all_run_nothing_is_asked(box: LocalHost) -> None:
    guard.require_as_configured(chosen(box), [replace(ONE, state="running")])
    hashes(box, "h1", "h0")
    with pytest.raises(GuardError):
        guard.require_as_configured(chosen(box), [replace(ONE, state="running"), TWO])


PINNED = f"{REFERENCE.rpartition(':')[0]}@{DIGEST}"
TWICE = Secret(f"name: galos\n{RESOLVED}    deploy: {{replicas: 2}}\n")


@pytest.mark.parametrize(
    ("states", "sum", "wanted"),
    [
        (("running", "running"), "", True),
        (("running",), "", False),
        (("exited",), "", True),
        (("running", "starting"), "", True),
        (("starting",), "", True),
        (("exited",), "0ther", False),
        (("running", "running"), "0ther", False),
    ],
)
def test_a_service_of_a_stack_has_fewer_containers_while_it_is_stopped(
    states: tuple[str, ...], sum: str, wanted: bool
) -> None:
    facts = replace(FACTS, config=TWICE, images={PINNED: IMAGE_ID})
    sum = sum or stack.summed(stack.render(facts.tree(), "galos-sync", PINNED, "galos"))
    found = [replace(ONE, state=state, sum=sum) for state in states]
    engine = Swarm.of(COMPOSE.docker_compose, facts)
    assert engine.as_configured(target(FakeHost(), facts), found) is wanted
