"""`exec` and `run`: a command of one's own, in the running container or in one of its own."""

from __future__ import annotations

import getpass
import json
import shlex

import pytest

from tests import processes
from tests.integration.conftest import Operator, container
from tests.integration.terminal import INTERRUPT, Terminal

MARKED = "grep -ls GALOS_OPS_SESSION /proc/[0-9]*/environ 2>/dev/null | wc -l"
TASKS = ["exec", "run"]
SIZED = "until stty size 2>/dev/null | grep -qx '60 {}'; do sleep 0.1; done; echo {}"
"""A line that waits until its terminal is so wide, which Docker says soon after the start, and then says a word."""


def one_offs(operator: Operator) -> str:
    """The containers that `run` made, and what it handed to them."""
    return operator.host.shell("docker ps -aq --filter name=-run-; ls ~/.galos-ops | grep run- || true")


def logged(operator: Operator) -> list[tuple[str, str]]:
    log = json.loads(operator.done("history", "--json"))["hosts"][0]["releases"]
    found = [one for one in log if one["event"] in ("exec", "run")]
    assert {(one["user"], one["time"][:2]) for one in found} <= {(getpass.getuser(), "20")}
    return [(one["event"], one["detail"]) for one in found]


@pytest.mark.parametrize("task", TASKS)
def test_output_and_exit_code_are_the_command_s_own(deployed: Operator, task: str) -> None:
    before = container(deployed.host)
    done = deployed(task, "sh -c 'cat; echo $0 >&2; exit 42' 'a b'", stdin="typed\n")
    assert (done.returncode, done.stdout) == (42, "typed\n"), done.stderr
    assert "a b\n" in done.stderr
    assert "sandbox: galos-sync: the command ended with exit 42.\n" in done.stderr
    assert container(deployed.host) == before
    assert one_offs(deployed) == ""
    assert logged(deployed) == [(task, "sh -c 'cat; echo $0 >&2; exit 42' 'a b'")]


@pytest.mark.parametrize("flavour", ["any"])
def test_run_works_with_any_docker_compose(any_compose: Operator, flavour: str) -> None:  # noqa: ARG001
    any_compose.done("setup")
    any_compose.done("deploy")
    assert any_compose.done("run", "sh -c 'echo $0' it").endswith("it\n")
    assert any_compose(*["run", "sh -c 'exit 9'"]).returncode == 9
    assert Terminal(any_compose, "run", f'sh -c "{SIZED.format(77, "begun")}; exit 8"', columns=77).end() == 8
    assert one_offs(any_compose) == ""


@pytest.mark.parametrize("task", TASKS)
def test_no_value_of_env_is_shown_or_logged_unless_asked_for(deployed: Operator, task: str) -> None:
    password = deployed.host.shell("sed -n 's/^DATABASE_URL=.*:\\(.*\\)@.*/\\1/p' ~/.env")
    assert len(password) >= 4
    done = deployed(task, f"sh -c 'echo $DATABASE_URL; echo {password} >&2'")
    assert done.returncode == 0
    assert password not in done.stdout + done.stderr
    assert "***" in done.stdout
    assert password in deployed(task, "sh -c 'echo $DATABASE_URL'", "--raw").stdout
    assert password not in deployed.host.shell("cat ~/.galos-ops/releases.jsonl")


def test_other_bytes_pass_as_they_are(deployed: Operator) -> None:
    octal = "".join(f"\\{number:03o}" for number in (0, 255, 13, 10, 7))
    done = processes.run(
        ["sh", "-c", '"$@" | od -An -tx1', "sh", *deployed.command("exec", f"printf '{octal}'")],
        env=deployed.variables(),
    )
    assert done.stdout.split() == ["00", "ff", "0d", "0a", "07"]


@pytest.mark.parametrize("task", TASKS)
def test_at_a_terminal_it_has_one_of_the_same_size_and_ctrl_c_goes_to_the_command(
    deployed: Operator, task: str
) -> None:
    steps = (SIZED.format(77, "begun"), SIZED.format(66, "narrower"))
    script = f"trap 'echo caught; exit 7' INT; {'; '.join(steps)}; while :; do sleep 0.1; done"
    terminal = Terminal(deployed, task, f'sh -c "{script}"', columns=77)
    terminal.until("begun")
    terminal.pull(66, "narrower")
    terminal.type(INTERRUPT)
    terminal.until("caught")
    assert terminal.end() == 7
    assert one_offs(deployed) == ""


@pytest.mark.parametrize("task", TASKS)
def test_nothing_goes_on_when_the_client_is_killed(deployed: Operator, task: str) -> None:
    running = deployed.start(task, "sh -c 'echo begun; exec sleep 3600'")
    assert running.stdout
    while "begun" not in (line := running.stdout.readline()):
        assert line, "it ended before it began"
    processes.kill_session(running)
    nothing_goes_on(deployed)


@pytest.mark.parametrize("task", TASKS)
def test_nothing_goes_on_when_nobody_reads_its_output(deployed: Operator, task: str) -> None:
    typed = shlex.join(deployed.command(task, "sh -c 'while echo said; do sleep 0.1; done'"))
    piped = processes.run(["bash", "-c", f"{typed} | head -n 1; exit ${{PIPESTATUS[0]}}"], env=deployed.variables())
    assert (piped.returncode, piped.stdout) == (141, "said\n")
    assert "nobody reads the output; the command was ended" in piped.stderr
    nothing_goes_on(deployed)


def nothing_goes_on(deployed: Operator) -> None:
    """Wait until nothing of a command is left."""
    gone = f"docker exec $(docker ps -q --filter name=galos-sync-1 --filter name=galos-sync_1) sh -c '{MARKED}'"
    deployed.host.shell(f'for try in $(seq 600); do [ "$({gone})" = 0 ] && exit 0; sleep 0.1; done; exit 1')
    deployed.host.shell(
        'for try in $(seq 600); do [ -z "$(docker ps -aq --filter name=-run-)" ] && exit 0; sleep 0.1; done; exit 1'
    )
    assert one_offs(deployed) == ""


def test_run_is_refused_as_a_start_is(deployed: Operator) -> None:
    deployed.done("stop")
    deployed.sandbox.database()
    deployed.host.shell("rm ~/.galos-ops/galos-sync.passed")
    mark = deployed.judge.mark()
    assert "2 migrations of this image pending" in deployed.refused(5, "run", "true")
    assert one_offs(deployed) == ""
    assert deployed.judge.of_service(since=mark) == []


def test_a_hold_refuses_run_and_not_what_starts_nothing(deployed: Operator) -> None:
    deployed.done("hold", "--for", "2h", "--because", "restoring")
    assert "restoring; nothing was changed" in deployed.refused(4, "run", "true")
    for words in (["exec", "true"], ["pull"], ["env.push"], ["setup"], ["stop"], ["down"]):
        deployed.done(*words)


def test_while_run_goes_on_no_other_task_changes_the_host(deployed: Operator) -> None:
    running = deployed.start("run", "sh -c 'echo begun; exec sleep 3600'")
    assert running.stdout
    while "begun" not in running.stdout.readline():
        pass
    assert "has held the host for run since" in deployed.refused(4, "deploy")
    running.terminate()
    running.communicate(timeout=processes.HANG_SECONDS)
    deployed.done("deploy")
    assert one_offs(deployed) == ""


def test_exec_needs_a_container_and_run_does_not(deployed: Operator) -> None:
    deployed.done("down", "--service", "galos-sync")
    told = deployed.refused(8, "exec", "true")
    assert "no container of it runs" in told
    deployed.done("run", "true")
    assert container(deployed.host) == ""


@pytest.mark.parametrize("words", [["exec", ""], ["run", "'"], ["exec", "ls", "--service", "nobody"]])
def test_what_is_no_command_is_exit_2(deployed: Operator, words: list[str]) -> None:
    deployed.refused(2, *words)


@pytest.mark.parametrize("words", [["exec", "--", "touch", "/tmp/here"], ["run", "ls", "--", "touch", "/tmp/here"]])
def test_a_remainder_is_refused_before_anything_runs(deployed: Operator, words: list[str]) -> None:
    told = deployed.refused(2, *words)
    assert "takes its command as one word" in told
    assert told.splitlines()[-1] == f"next: {deployed.next(words[0], '--command', 'touch /tmp/here')}"
    deployed.host.shell("! [ -e /tmp/here ]")
