"""Handing an image to the nodes of a cluster: the script in real shells, with Docker's words."""

from __future__ import annotations

import shlex

import pytest

from galos_ops.engines.swarm import handing_out
from galos_ops.errors import CommandFailed, NotReadyError
from galos_ops.host.result import Result
from tests.unit.local_host import LocalHost
from tests.unit.targets import target

DOCKER = """
case "$*" in
"service create "*) exit 0 ;;
"service rm "*) echo "$*" >>"$HOME/removed" ;;
"node ls "*) cat "$HOME/nodes" ;;
"service ps "*) n=$(($(cat "$HOME/asked" 2>/dev/null || echo 0) + 1)); echo $n >"$HOME/asked"
  cat "$HOME/look.$n" 2>/dev/null || cat "$HOME/look.last" ;;
esac
"""
HAS = "{} Failed 1 second ago starting container failed: no such file or directory\n"
LACKS = "{} Rejected 1 second ago No such image: web@sha256:1\n"
WAITS = "{} Preparing 1 second ago \n"


def handed(host: LocalHost, *looks: str, nodes: str = "Ready a\nReady b\n") -> Result:
    """The end of the script where the tasks are these, look after look, the last ones for ever."""
    host.stubs.program("docker", DOCKER)
    host.stubs.program("sleep", ":")
    host.put("~/nodes", nodes)
    for number, look in enumerate(looks, 1):
        host.put(f"~/look.{number}", look)
    host.put("~/look.last", looks[-1])
    script = handing_out.script("web@sha256:1", []).replace(str(4 * handing_out.SECONDS), "9")
    result = host.run(script, doing="pull", check=False)
    assert len(host.path("~/removed").read_text().splitlines()) == 1
    return result


def asked(host: LocalHost) -> int:
    return int(host.path("~/asked").read_text())


def test_it_is_over_when_every_node_has_the_image(host: LocalHost) -> None:
    waits = HAS.format("a") + WAITS.format("b")
    assert handed(host, "", waits, waits, HAS.format("a") + HAS.format("b") * 3).ok
    assert asked(host) == 4


def test_a_node_that_failed_a_few_times_may_fetch_it_yet(host: LocalHost) -> None:
    first = HAS.format("a") + LACKS.format("b") * (handing_out.REJECTED - 1)
    assert handed(host, first, HAS.format("a") + HAS.format("b") + LACKS.format("b")).ok


def test_a_node_that_cannot_fetch_it_is_told_with_its_words(host: LocalHost) -> None:
    result = handed(host, HAS.format("a") + LACKS.format("b") * handing_out.REJECTED)
    assert (result.exited, result.stdout) == (1, LACKS.format("b"))


def test_a_node_that_is_lost_meanwhile_is_not_waited_for(host: LocalHost) -> None:
    assert handed(host, HAS.format("a") + WAITS.format("b"), nodes="Ready a\nDown b\n").ok


def test_a_node_that_never_tells_is_not_waited_for_for_ever(host: LocalHost) -> None:
    result = handed(host, HAS.format("a") + WAITS.format("b"))
    assert result.exited == 1
    assert "b did not fetch it" in result.stdout


@pytest.mark.parametrize("lost", ["service create", "service ps"])
def test_a_cluster_that_does_not_tell_is_no_node_that_could_not_fetch(host: LocalHost, lost: str) -> None:
    script = f'case "$*" in "{lost} "*|"node ls"*) echo no leader >&2; exit 1 ;; esac'
    host.stubs.program("docker", script)
    with pytest.raises(NotReadyError, match="the cluster does not tell what it runs") as caught:
        handing_out.hand_out(target(host), "web@sha256:1")
    assert "no leader" in caught.value.evidence


def test_a_job_that_the_cluster_does_not_take_is_a_failed_command(host: LocalHost) -> None:
    host.stubs.program("docker", 'case "$*" in "service create "*) echo invalid constraint >&2; exit 1 ;; esac')
    with pytest.raises(CommandFailed) as caught:
        handing_out.hand_out(target(host), "web@sha256:1")
    assert "invalid constraint" in caught.value.evidence


@pytest.mark.parametrize("hostile", ["node.labels.a == 'b; rm -rf /'", "$(reboot)"])
def test_a_constraint_is_one_word_whatever_is_in_it(hostile: str) -> None:
    assert f"--constraint {shlex.quote(hostile)} " in handing_out.script("web@sha256:1", [hostile])
