"""Taking and keeping the lock over an SSH channel: a real connection, a real shell behind it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import paramiko
import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import CommandFailed, CommandTimedOut, ConnectError, LockedError, NotReadyError
from galos_ops.host import lock as module
from galos_ops.host.holder import holder
from galos_ops.host.host import Host
from galos_ops.host.lock import holding, lock
from tests.unit.local_host import LocalHost
from tests.unit.ssh_server import SshServer, shell


@pytest.fixture
def server(box: LocalHost) -> Iterator[SshServer]:
    server = SshServer()
    server.answer = shell(box)
    yield server
    server.transport.close()


@pytest.fixture
def connected(server: SshServer) -> Iterator[Host]:
    connection = server.connection()
    yield Host(connection, CommandLine("box", "task"))
    connection.client.close()


def token(box: LocalHost) -> str:
    return box.files()["~/.galos-ops/token"].strip()


def test_the_lock_is_held_while_the_task_goes_on_and_free_behind_it(connected: Host, box: LocalHost) -> None:
    said: list[str] = []
    with lock(connected, "~", "deploy", 0, said.append) as ours:
        assert token(box) == ours.token
        assert '"task": "deploy"' in holding(connected, "~")
    assert (token(box), holding(connected, "~"), said) == ("", "", [])
    with lock(connected, "~", "deploy", 0, said.append) as again:
        assert again != ours


def test_a_task_that_fails_lets_go_of_the_lock(connected: Host, box: LocalHost) -> None:
    with pytest.raises(ZeroDivisionError), lock(connected, "~", "deploy", 0, print):
        raise ZeroDivisionError
    assert (token(box), holding(connected, "~")) == ("", "")


def test_the_second_is_told_who_holds_the_host(connected: Host) -> None:
    with lock(connected, "~", "migrate", 0, print):
        with (
            pytest.raises(LockedError, match="has held the host for migrate since"),
            lock(connected, "~", "deploy", 0, print),
        ):
            raise AssertionError
        assert holding(connected, "~")


def test_who_waits_says_for_whom_and_gets_the_lock(connected: Host) -> None:
    waits, ends = threading.Event(), threading.Event()

    def other() -> None:
        with lock(connected, "~", "migrate", 0, print):
            holds.set()
            waits.wait()
        ends.set()

    holds, said = threading.Event(), []

    def say(sentence: str) -> None:
        said.append(sentence)
        waits.set()

    threading.Thread(target=other).start()
    holds.wait()
    with lock(connected, "~", "deploy", 60, say):
        ends.wait()
    assert [sentence.partition(" since ")[0] for sentence in said] == [
        f"waiting at most 60 s: {holder('x')['user']} on {holder('x')['machine']} has held the host for migrate"
    ]


def test_heartbeats_are_sent_while_the_task_goes_on(
    connected: Host, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats = threading.Semaphore(0)
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.001)

    def answer(_: str, channel: paramiko.Channel) -> None:
        channel.sendall(b"held\n")
        while channel.recv(1) == b".":
            beats.release()
        channel.send_exit_status(0)
        channel.close()

    server.answer = answer
    with lock(connected, "~", "deploy", 0, print):
        for _ in range(3):
            beats.acquire()


def test_a_directory_that_cannot_be_written_is_not_ready(connected: Host, box: LocalHost) -> None:
    box.put("~/file", "")
    with (
        pytest.raises(NotReadyError, match="cannot take the lock in the service's directory"),
        lock(connected, "~/file", "deploy", 0, print),
    ):
        raise AssertionError


def test_a_csh_is_told_and_takes_no_lock(connected: Host, box: LocalHost) -> None:
    box.variables["shell"] = "/bin/csh"
    with pytest.raises(NotReadyError, match="the login shell is csh or tcsh"), lock(connected, "~", "deploy", 0, print):
        pytest.fail("it is held")
    assert box.files() == {}


@pytest.mark.parametrize("greeting", ["Welcome\\n", "\\n", "no end"])
def test_a_login_shell_that_prints_is_not_taken_for_a_lock_that_cannot_be_had(
    connected: Host, box: LocalHost, greeting: str
) -> None:
    box.greeting = greeting
    with (
        pytest.raises(NotReadyError, match="a start-up file of the login shell prints text of its own"),
        lock(connected, "~", "deploy", 0, print),
    ):
        raise AssertionError


def test_a_link_that_is_lost_while_the_lock_is_taken_is_a_lost_link(connected: Host, server: SshServer) -> None:
    server.answer = lambda *_: server.transport.close()
    with pytest.raises(ConnectError, match="while trying to take the lock"), lock(connected, "~", "deploy", 0, print):
        raise AssertionError


def test_what_is_asked_with_the_lock_is_answered_once_that_is_ours(connected: Host) -> None:
    with lock(connected, "~", "deploy", 0, print, "cat ~/.galos-ops/token; echo noise >&2") as ours:
        assert ours.answer() == ours.token


def test_a_question_keeps_no_lock_when_its_asker_is_gone(connected: Host, box: LocalHost) -> None:
    os.mkfifo(box.home / "fifo")
    with lock(connected, "~", "deploy", 0, print, "cat ~/fifo"):
        pass
    with lock(connected, "~", "deploy", 0, print):
        (box.home / "fifo").write_text("")


def test_a_question_that_fails_is_a_failed_command(connected: Host) -> None:
    with (
        pytest.raises(CommandFailed, match=r"box: could not look at the host \(exit 3\)"),
        lock(connected, "~", "deploy", 0, print, "echo secret; exit 3") as ours,
    ):
        ours.answer()


def test_a_question_that_goes_on_too_long_is_ended(connected: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND_SECONDS", 0.01)
    with lock(connected, "~", "deploy", 0, print, "cat /dev/zero >/dev/null") as ours:
        time.sleep(0.1)  # by then it has ended, and nobody has read so
        with pytest.raises(CommandTimedOut, match="could not look at the host: not done after"):
            ours.answer()


def test_a_link_that_is_lost_before_the_answer_is_a_lost_link(connected: Host, server: SshServer) -> None:
    def answer(_: str, channel: paramiko.Channel) -> None:
        channel.sendall(b"held\nengine\t2")
        server.transport.close()

    server.answer = answer
    with (
        pytest.raises(ConnectError, match="while trying to look at the host"),
        lock(connected, "~", "deploy", 0, print, "x") as ours,
    ):
        ours.answer()
