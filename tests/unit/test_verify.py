"""Whether a container stays up: the script that watches it, in real shells, with a Docker that tells what we say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from galos_ops.config.settings import Verify
from galos_ops.engines import watching
from galos_ops.engines.snapshot.snapshot import Container
from galos_ops.errors import NotReadyError, VerifyError
from galos_ops.ui.plain import Plain
from galos_ops.workflows.steps import Started, verify
from tests.unit.local_host import LocalHost, Reply
from tests.unit.screen import Screen
from tests.unit.targets import FACTS, SETTINGS, target

CONTAINER = Container("c1", "sha256:aa", "running", 0, "root-galos-sync-1", "galos-sync", False, "root", "/root")
LOOK = f"inspect -f {watching.LOOK} c1"
LOGS = f"logs --tail {watching.LOG_LINES} c1"
LISTED = "ps -aq --no-trunc --filter id=c1"
UP, AWAY = "running 0 none", "away"
SILENT = Reply(exited=1, stderr="Cannot connect to the Docker daemon\n")


def watched(
    host: LocalHost, *looks: str, seconds: int = 1, settled: bool = False, restarts: int = 0, sleeps: bool = True
) -> None:
    """Verify a container of which Docker says this, look after look, the last words for ever.

    They are "" where it is gone, and `AWAY` where Docker does not answer. One that is `settled` ran before, and the
    script that found it running looked first, with the first words.
    """
    gone = Reply(exited=1, stderr="Error: No such object: c1\n")
    replies = {"": gone, AWAY: SILENT}
    host.stubs.add("docker", {LOOK: [replies.get(look, Reply(f"{look}\n")) for look in looks]}, asked=not settled)
    if not all(looks):
        host.stubs.add("docker", {LISTED: ""})
    elif AWAY in looks:
        host.stubs.add("docker", {LISTED: SILENT})
    # as of a container that is gone
    host.stubs.add("docker", {LOGS: Reply("out\n", 1, "panic: <&'\n")}, asked=False)
    host.stubs.add("sleep", {"0.5": ""}, asked=sleeps)
    container = replace(CONTAINER, restarts=restarts)
    facts = replace(FACTS, containers=(replace(container, directory="/home"),) if settled else ())
    chosen = replace(target(host, facts), settings=replace(SETTINGS, verify=Verify(seconds=seconds)))
    state, count, health = (looks[0] if settled and looks[0] != AWAY else "running 0 unhealthy").split()
    found = replace(container, state=state, restarts=int(count), health=health)
    verify(chosen, Plain(Screen()), Started(container.image, [found], same=settled))


def looks(host: LocalHost) -> int:
    return host.stubs.calls.count(f"docker {LOOK}")


@pytest.mark.parametrize("seconds", [1, 3])
def test_a_container_is_watched_twice_a_second_to_the_end_of_its_time(host: LocalHost, seconds: int) -> None:
    watched(host, UP, seconds=seconds)
    assert looks(host) == 2 * seconds + 1
    assert host.stubs.calls.count("sleep 0.5") == 2 * seconds


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ("", "its container is gone"),
        ("exited 0 none", "its container did not stay up"),
        ("dead 0 none", "its container did not stay up"),
        ("paused 0 none", "its container did not stay up"),
        ("created 0 none", "its container did not stay up"),
        ("restarting 1 none", "its container restarts again and again"),
        ("running 1 none", "its container restarts again and again"),
        ("running 0 unhealthy", "its health check says unhealthy"),
    ],
)
@pytest.mark.parametrize("before", [0, 2])
def test_what_does_not_stay_up_is_found_at_any_look(host: LocalHost, last: str, words: str, before: int) -> None:
    with pytest.raises(VerifyError, match=words) as caught:
        watched(host, *[UP] * before, last, sleeps=before > 0)
    assert looks(host) == before + 1
    assert caught.value.evidence == "out\npanic: <&'\n"
    assert "sha256:aa" in caught.value.sentence
    assert caught.value.hint == "fab -H box logs"


def test_a_health_check_that_is_still_starting_is_waited_for_past_the_time(host: LocalHost) -> None:
    watched(host, *["running 0 starting"] * 5, "running 0 healthy", seconds=1)
    assert looks(host) == 6


def test_a_container_that_ends_while_its_health_check_starts_is_down(host: LocalHost) -> None:
    with pytest.raises(VerifyError, match="did not stay up"):
        watched(host, *["running 0 starting"] * 5, "exited 0 unhealthy", seconds=1)


def test_a_health_check_that_never_passes_is_not_waited_for_for_ever(
    box: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "HEALTH_SECONDS", 3)
    with pytest.raises(VerifyError, match="did not pass within"):
        watched(box, "running 0 starting", seconds=1)
    assert looks(box) == 7


@pytest.mark.parametrize("health", ["none", "starting", "healthy"])
def test_a_container_that_ran_before_keeps_its_restarts_and_is_not_looked_at_again(
    host: LocalHost, health: str
) -> None:
    watched(host, f"running 3 {health}", settled=True, restarts=3, sleeps=False)
    assert host.stubs.calls == []


def test_a_container_that_ran_before_and_restarted_since_is_found(host: LocalHost) -> None:
    with pytest.raises(VerifyError, match="again and again"):
        watched(host, "running 4 none", settled=True, restarts=3, sleeps=False)


def test_a_container_that_ran_before_and_restarts_at_this_moment_is_found(host: LocalHost) -> None:
    with pytest.raises(VerifyError, match="again and again"):
        watched(host, "restarting 3 none", settled=True, restarts=3, sleeps=False)


def test_a_container_that_ran_before_may_be_unhealthy_for_the_time_of_one_check(host: LocalHost) -> None:
    watched(host, *["running 3 unhealthy"] * 5, "running 3 healthy", settled=True, restarts=3)
    assert looks(host) == 6


def test_a_container_that_ran_before_and_stays_unhealthy_is_found(
    box: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SETTLED_SECONDS", 2)
    with pytest.raises(VerifyError, match="its health check says unhealthy"):
        watched(box, "running 3 unhealthy", settled=True, restarts=3)
    assert looks(box) == 5


def test_a_container_that_ran_before_keeps_its_restarts_beside_a_new_one(host: LocalHost) -> None:
    old, new = replace(CONTAINER, id="c1", restarts=3, directory="/home"), replace(CONTAINER, id="c2")
    host.stubs.add("docker", {LOOK: "running 3 none\n", LOOK.replace("c1", "c2"): f"{UP}\n"})
    settings = replace(SETTINGS, verify=Verify(seconds=0))
    chosen = replace(target(host, replace(FACTS, containers=(old,))), settings=settings)
    verify(chosen, Plain(Screen()), Started(CONTAINER.image, [old, new]))


@pytest.mark.parametrize("settled", [True, False])
def test_an_engine_that_comes_back_is_asked_again(host: LocalHost, settled: bool) -> None:
    watched(host, *[AWAY] * 3, UP, seconds=1, settled=settled)
    assert looks(host) == 3 + (1 if settled else 3)


def test_an_engine_that_stays_away_says_nothing_about_the_container(
    box: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SILENT_SECONDS", 2)
    with pytest.raises(NotReadyError, match="stopped answering; whether the service runs is not known") as caught:
        watched(box, UP, AWAY, seconds=1)
    assert caught.value.evidence == "Cannot connect to the Docker daemon\n"
    assert looks(box) == 1 + 5


def test_each_container_of_a_service_is_watched(host: LocalHost) -> None:
    other = replace(CONTAINER, id="c2")
    host.stubs.add("docker", {LOOK: f"{UP}\n", LOOK.replace("c1", "c2"): [Reply(f"{UP}\n"), Reply("exited 0 none\n")]})
    host.stubs.add("docker", {LOGS.replace("c1", "c2"): "the end\n"})
    host.stubs.add("sleep", {"0.5": ""})
    with pytest.raises(VerifyError, match="did not stay up") as caught:
        verify(target(host), Plain(Screen()), Started(CONTAINER.image, [CONTAINER, other]))
    assert caught.value.evidence == "the end\n"
