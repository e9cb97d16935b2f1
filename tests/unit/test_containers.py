"""Starting what was checked: the script in real shells, with stubs for Docker and docker-compose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from galos_ops.engines.docker_compose import FROM_VARIABLE
from galos_ops.engines.snapshot.probe import CONTAINER
from galos_ops.engines.snapshot.probe_output import container
from galos_ops.engines.watching import LOG_LINES, LOOK
from galos_ops.errors import GuardError, NotReadyError, VerifyError
from galos_ops.progress import DONE, SAME
from galos_ops.ui.plain import Plain
from galos_ops.workflows.doing import Doing
from galos_ops.workflows.steps import Started
from galos_ops.workflows.switching import switch
from tests.unit.local_host import LocalHost, Reply
from tests.unit.screen import Screen
from tests.unit.targets import COMPOSE, FACTS, IMAGE_ID, IMAGES, REFERENCE, held, image_of
from tests.unit.test_guard import OTHER
from tests.unit.test_probe import row as fact

UP = COMPOSE.docker_compose.up("galos-sync").removeprefix(FROM_VARIABLE).partition(" ")[2]
STOPPED = (("c1", "paused"), ("c2", "exited"))
LISTING = "ps -aq --no-trunc --filter label=com.docker.compose.service=galos-sync"


def row(identity: str, image: str, directory: str) -> str:
    return f"{identity} {image} running 0 /root-galos-sync-1 galos-sync False root {directory}"


def started(host: LocalHost, *rows: str, before: str = "") -> tuple[Started, str]:
    """What was started where Docker shows these containers afterwards, and the mark of the step."""
    screen = Screen()
    identities = [line.split(" ")[0] for line in rows]
    host.stubs.add("docker-compose", {UP: Reply("noise on standard output\n")})
    host.stubs.add("docker", {LISTING: "".join(f"{one}\n" for one in identities)})
    if rows:
        told = "".join(f"{fact(line)}\n" for line in rows)
        host.stubs.add("docker", {f"inspect -f {CONTAINER} {' '.join(identities)}": told})
    ran = (container(fact(before)),) if before else ()
    facts = replace(FACTS, directories=(str(host.home),), containers=ran)
    found = Doing(held(host, facts), Plain(screen)).up(IMAGES)
    mark = next(mark for mark in (DONE, SAME) if f"  {mark} up" in screen.getvalue())
    return found, mark


def test_what_was_checked_is_started_whatever_its_tag_means_by_now(host: LocalHost) -> None:
    image_of(host, REFERENCE, OTHER)
    host.stubs.add("docker", {f"tag {IMAGE_ID} {REFERENCE}": ""})
    found, mark = started(host, row("c1", IMAGE_ID, str(host.home)))
    assert ([one.id for one in found.containers], found.image, found.same, mark) == (["c1"], IMAGE_ID, False, DONE)
    calls = host.stubs.calls
    assert calls.index(f"docker tag {IMAGE_ID} {REFERENCE}") < calls.index(f"docker-compose {UP}")


def test_a_container_that_ran_already_is_told_as_that(host: LocalHost) -> None:
    image_of(host, REFERENCE, IMAGE_ID)
    ran = row("c1", IMAGE_ID, str(host.home))
    found, mark = started(host, ran, before=ran)
    assert (found.same, mark) == (True, SAME)


@pytest.mark.parametrize(("image", "goes_on"), [(IMAGE_ID, True), (OTHER, False)])
def test_a_paused_container_goes_on_only_with_the_image_that_was_checked(
    host: LocalHost, image: str, goes_on: bool
) -> None:
    image_of(host, REFERENCE, IMAGE_ID)
    if goes_on:
        host.stubs.add("docker", {"unpause c1": ""})
    ran = row("c1", IMAGE_ID, str(host.home))
    found, mark = started(host, ran, before=ran.replace("running", "paused").replace(IMAGE_ID, image))
    assert (found.same, mark) == (False, DONE)
    assert ("docker unpause c1" in host.stubs.calls) is goes_on


def test_of_stopped_containers_a_paused_one_goes_on_and_is_started_no_less(host: LocalHost) -> None:
    lines = [row(one, IMAGE_ID, str(host.home)).replace("running", state) for one, state in STOPPED]
    told = "".join(f"{fact(line)}\n" for line in lines)
    host.stubs.add("docker", {"unpause c1": "", "start c1 c2": "", LISTING: "c1\nc2\n"})
    host.stubs.add("docker", {f"inspect -f {CONTAINER} c1 c2": told})
    facts = replace(FACTS, directories=(str(host.home),))
    found = [container(fact(line)) for line in lines]
    assert [one.id for one in COMPOSE.start(held(host, facts), found)] == ["c1", "c2"]
    assert host.stubs.calls.index("docker unpause c1") < host.stubs.calls.index("docker start c1 c2")


def test_a_container_of_another_image_is_stopped_again(host: LocalHost) -> None:
    image_of(host, REFERENCE, IMAGE_ID)
    host.stubs.add("docker", {"stop c1": "", "rm -f c1": ""})
    with pytest.raises(GuardError, match=r"started sha256:b+, not the sha256:a+ that was checked, and was stopped"):
        started(host, row("c1", OTHER, str(host.home)))
    assert host.stubs.calls[-2:] == ["docker stop c1", "docker rm -f c1"]


def test_every_container_of_a_service_is_compared_and_only_those_of_another_image_are_stopped(host: LocalHost) -> None:
    image_of(host, REFERENCE, IMAGE_ID)
    same = [row(one, IMAGE_ID, str(host.home)) for one in ("c1", "c2")]
    assert [one.id for one in started(host, *same)[0].containers] == ["c1", "c2"]
    image_of(host, REFERENCE, IMAGE_ID)
    host.stubs.add("docker", {"stop c3": "", "rm -f c3": ""})
    with pytest.raises(GuardError, match=r"started sha256:b+, not"):
        started(host, same[0], row("c3", OTHER, str(host.home)))


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_container_of_another_project_is_not_taken_for_the_one_that_was_started(
    host: LocalHost, elsewhere: bool
) -> None:
    image_of(host, REFERENCE, IMAGE_ID)
    with pytest.raises(VerifyError, match="docker-compose could not start"):
        started(host, *[row("c9", IMAGE_ID, "/else")] * elsewhere)


def test_an_image_that_its_tag_cannot_be_pointed_at_is_not_started(host: LocalHost) -> None:
    image_of(host, REFERENCE, "")
    host.stubs.add("docker", {f"tag {IMAGE_ID} {REFERENCE}": Reply(exited=1, stderr="No such image\n")})
    host.stubs.add("docker-compose", {})
    with pytest.raises(VerifyError) as caught:
        Doing(held(host), Plain(Screen())).up(IMAGES)
    assert caught.value.evidence == "No such image\n"


def test_an_engine_that_does_not_answer_has_not_failed_to_start_an_image(host: LocalHost) -> None:
    image_of(host, REFERENCE, IMAGE_ID)
    away = Reply("", 1, "Cannot connect to the Docker daemon\n")
    host.stubs.add("docker-compose", {UP: away})
    host.stubs.add("docker", {"ps -q": away})
    with pytest.raises(NotReadyError, match="whether the service runs is not known"):
        Doing(held(host), Plain(Screen())).up(IMAGES)


def test_an_engine_that_goes_away_between_two_questions_is_no_host_without_containers(host: LocalHost) -> None:
    away = Reply("", 1, "Cannot connect to the Docker daemon\n")
    host.stubs.add("docker", {LISTING: [Reply("c1\n"), away], f"inspect -f {CONTAINER} c1": away})
    with pytest.raises(NotReadyError, match="stopped answering"):
        COMPOSE.look(held(host))


def test_an_engine_that_goes_away_while_it_stops_a_container_has_not_failed_to_stop_it(host: LocalHost) -> None:
    away = Reply("", 1, "Cannot connect to the Docker daemon\n")
    host.stubs.add("docker", {"stop c1": away, "rm -f c1": away, LISTING: away})
    facts = replace(
        FACTS, directories=(str(host.home),), containers=(container(fact(row("c1", IMAGE_ID, str(host.home)))),)
    )
    with pytest.raises(NotReadyError, match="stopped answering"):
        COMPOSE.remove(held(host, facts), facts)


def test_a_container_that_goes_away_between_two_questions_is_none(host: LocalHost) -> None:
    gone = Reply("", 1, "Error: No such object: c1\n")
    host.stubs.add("docker", {LISTING: [Reply("c1\n"), Reply("")], f"inspect -f {CONTAINER} c1": gone})
    assert COMPOSE.look(held(host)).containers == ()


def test_a_container_that_runs_already_and_is_ill_is_no_failed_start(host: LocalHost) -> None:
    image_of(host, REFERENCE, IMAGE_ID)
    ran = fact(row("c1", IMAGE_ID, str(host.home)))
    host.stubs.add("docker-compose", {UP: ""})
    ill = ran.replace("running", "restarting")
    host.stubs.add("docker", {LISTING: "c1\n", f"inspect -f {CONTAINER} c1": f"{ill}\n"})
    host.stubs.add("docker", {f"inspect -f {LOOK} c1": "restarting 5 none\n", f"logs --tail {LOG_LINES} c1": "why\n"})
    facts = replace(FACTS, directories=(str(host.home),), containers=(container(ran),))
    with pytest.raises(VerifyError) as caught:
        switch(Doing(held(host, facts), Plain(Screen())), IMAGES, 0.0)
    assert caught.value.sentence.endswith("again and again.")
    assert caught.value.hint == "fab -H box logs"


def test_what_docker_compose_said_is_the_evidence(host: LocalHost) -> None:
    image_of(host, REFERENCE, IMAGE_ID)
    host.stubs.add("docker-compose", {UP: Reply("out\n", 1, "port is already allocated\n")})
    host.stubs.add("docker", {"ps -q": ""})
    with pytest.raises(VerifyError) as caught:
        Doing(held(host), Plain(Screen())).up(IMAGES)
    assert "port is already allocated\n" in caught.value.evidence
