"""What `Host` makes of an SSH channel, over a real connection to a server in this process."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest
from fabric import Connection
from paramiko.ssh_exception import SSHException
from pytest_mock import MockerFixture

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import CommandFailed, CommandTimedOut, ConnectError
from galos_ops.host import host as module
from galos_ops.host import result
from galos_ops.host.attached import attach
from galos_ops.host.host import Host
from tests.processes import HANG_SECONDS
from tests.unit.ssh_server import Answer, SshServer, over_tcp


@pytest.fixture
def server() -> Iterator[SshServer]:
    server = SshServer()
    yield server
    server.transport.close()


@pytest.fixture
def host(server: SshServer) -> Iterator[Host]:
    connection = server.connection()
    yield Host(connection, CommandLine("box", "task"))
    connection.client.close()


def ends(channel: paramiko.Channel, code: int = 0) -> None:
    channel.send_exit_status(code)
    channel.close()


def test_the_script_is_one_word_of_a_shell_with_a_deadline(host: Host, server: SshServer) -> None:
    heard: list[str] = []

    def answer(command: str, channel: paramiko.Channel) -> None:
        heard.append(command)
        ends(channel)

    server.answer = answer
    host.run("echo 'it is'\ntrue", doing="try", timeout=7)
    [command] = heard
    assert command.partition("\n")[2] == """exec timeout -k 5 7 sh -c 'echo '"'"'it is'"'"'\ntrue'"""


def test_standard_input_arrives_whole_and_ends(host: Host, server: SshServer) -> None:
    def answer(_: str, channel: paramiko.Channel) -> None:
        text = channel.makefile("rb").read()  # to its end: without one the script would wait for ever
        channel.sendall(str(len(text)).encode())
        ends(channel)

    server.answer = answer
    assert host.run("cat", doing="send", stdin=b"x" * 300_000).stdout == "300000"


@pytest.mark.parametrize("code", [0, 3])
def test_a_command_that_ends_before_it_read_its_input_is_no_lost_link(host: Host, server: SshServer, code: int) -> None:
    def answer(_: str, channel: paramiko.Channel) -> None:
        channel.sendall(b"words")
        ends(channel, code)

    server.answer = answer
    done = host.run("x", doing="try", stdin=b"x" * 5_000_000, check=False)  # more than a window holds
    assert (done.exited, done.stdout) == (code, "words")


def test_standard_input_that_is_none_of_ours_stays_open(host: Host, server: SshServer) -> None:
    open_still: list[bool] = []

    def answer(_: str, channel: paramiko.Channel) -> None:
        channel.settimeout(0)
        with pytest.raises(TimeoutError):
            channel.recv(1)
        open_still.append(not channel.eof_received)
        ends(channel)

    server.answer = answer
    host.run("follow", doing="read", stdin=None)
    assert open_still == [True]


def test_both_streams_are_told_apart_and_kept_in_their_order(host: Host, server: SshServer) -> None:
    told = [threading.Event() for _ in range(3)]
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line)
        told[len(lines) - 1].set()

    def answer(_: str, channel: paramiko.Channel) -> None:
        channel.sendall(b"one\n")
        told[0].wait()  # the line is handed on while the script still runs
        channel.sendall_stderr(b"two\r\n")
        told[1].wait()
        channel.sendall(b"thr")
        channel.sendall("ée".encode())
        ends(channel, 3)

    server.answer = answer
    done = host.run("x", doing="try", check=False, on_line=on_line)
    assert (done.stdout, done.stderr, done.output) == ("one\nthrée", "two\r\n", "one\ntwo\r\nthrée")
    assert lines == ["one", "two", "thrée"]
    assert done.exited == 3


def test_more_output_than_a_window_holds_arrives_whole(host: Host, server: SshServer) -> None:
    def answer(_: str, channel: paramiko.Channel) -> None:
        channel.sendall(b"x" * 5_000_000)
        ends(channel)

    server.answer = answer
    assert len(host.run("x", doing="try").stdout) == 5_000_000


def test_what_was_handed_on_is_kept_to_its_end_alone(
    host: Host, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result, "KEPT_BYTES", 100_000)
    lines, sent = 0, 50_000

    def on_line(_line: str) -> None:
        nonlocal lines
        lines += 1

    def answer(_: str, channel: paramiko.Channel) -> None:
        channel.sendall("".join(f"{number:099}\n" for number in range(sent)).encode())
        ends(channel)

    server.answer = answer
    done = host.run("x", doing="follow", on_line=on_line)
    assert lines == sent
    assert done.stdout.endswith(f"{sent - 1:099}\n")
    assert 100_000 <= len(done.stdout) < 200_000
    assert len(done.output) < 200_000


def test_a_line_that_never_ends_is_handed_on_in_parts(
    host: Host, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result, "KEPT_BYTES", 100_000)
    lengths: list[int] = []

    def answer(_: str, channel: paramiko.Channel) -> None:
        channel.sendall(b"x" * 1_000_000)
        ends(channel)

    server.answer = answer
    host.run("x", doing="follow", on_line=lambda line: lengths.append(len(line)))
    assert sum(lengths) == 1_000_000
    assert max(lengths) < 200_000


def test_bytes_that_are_no_text_do_not_stop_a_command(host: Host, server: SshServer) -> None:
    def answer(_: str, channel: paramiko.Channel) -> None:
        channel.sendall(b"a\xffb\n")
        ends(channel)

    server.answer = answer
    assert host.run("x", doing="try").stdout == "a\ufffdb\n"


@pytest.mark.parametrize("words", [b"", b"half a line"])
def test_a_link_that_is_lost_is_no_failed_command(host: Host, server: SshServer, words: bytes) -> None:
    def answer(_: str, channel: paramiko.Channel) -> None:
        channel.sendall(words)
        server.transport.close()

    server.answer = answer
    with pytest.raises(ConnectError, match="connection was lost while trying to try; what ran on the host may still"):
        host.run("x", doing="try", check=False)
    with pytest.raises(ConnectError, match="while trying to try again"):
        host.run("x", doing="try again")


def test_a_link_that_breaks_is_told_with_what_the_system_says_of_it() -> None:
    server = SshServer(over_tcp)
    host = Host(server.connection(), CommandLine("box", "task"))

    def answer(_: str, __: paramiko.Channel) -> None:
        assert isinstance(server.transport.sock, socket.socket)
        server.transport.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.transport.close()

    server.answer = answer
    with pytest.raises(ConnectError) as lost:
        host.run("x", doing="try")
    assert "reset by peer" in lost.value.evidence


def known(server: SshServer, folder: Path) -> Connection:
    """A connection that somebody else opened, to a host whose key is known."""
    connection, known_hosts = server.connection(), folder / "known_hosts"
    key = connection.transport.get_remote_server_key()
    known_hosts.write_text(f"box {key.get_name()} {key.get_base64()}\n")
    connection.ssh_config = {"userknownhostsfile": str(known_hosts)}
    return connection


def test_what_is_sent_does_not_wait_for_the_word_that_what_was_sent_before_arrived(tmp_path: Path) -> None:
    server = SshServer(over_tcp)
    connection = known(server, tmp_path)
    with Host(connection, CommandLine("box", "task")):
        assert connection.transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    server.transport.close()


def test_a_connection_may_lead_through_a_socket_that_is_not_of_a_network(tmp_path: Path, server: SshServer) -> None:
    with Host(known(server, tmp_path), CommandLine("box", "task")) as host:
        assert host.fingerprint


def test_a_link_that_is_lost_before_the_host_key_is_asked_for_is_a_lost_link(host: Host, server: SshServer) -> None:
    assert host.fingerprint.startswith("SHA256:")
    server.transport.close()
    host.connection.transport.join(HANG_SECONDS)
    with pytest.raises(ConnectError, match="connection was lost while trying to look at the host"):
        _ = host.fingerprint


def test_a_link_that_is_lost_while_a_given_connection_is_recognised_is_a_lost_link(
    host: Host, mocker: MockerFixture
) -> None:
    mocker.patch.object(paramiko.Transport, "get_remote_server_key", side_effect=SSHException("No existing session"))
    with pytest.raises(ConnectError, match="the connection was lost"), host:
        pass


def test_a_link_is_lost_from_the_moment_that_its_channels_are_closed(
    host: Host, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """paramiko's own thread is held between the two: a command without an exit status would look like a failed one."""
    transport, asked = host.connection.transport, threading.Event()
    unlink = paramiko.Channel._unlink  # type: ignore[attr-defined]
    ask = transport.global_request

    def unlinked(channel: paramiko.Channel) -> None:
        unlink(channel)
        if channel.get_transport() is transport:
            asked.wait()

    def request(*words: object, **more: object) -> object:
        asked.set()
        return ask(*words, **more)

    monkeypatch.setattr(paramiko.Channel, "_unlink", unlinked)
    monkeypatch.setattr(transport, "global_request", request)
    server.answer = lambda *_: server.transport.close()
    try:
        with pytest.raises(ConnectError):
            host.run("x", doing="migrate", check=False)
    finally:
        asked.set()


def test_the_next_channel_is_opened_while_the_one_before_it_is_in_use(host: Host, server: SshServer) -> None:
    def answer(_: str, channel: paramiko.Channel) -> None:
        for _channel in range(2):
            server.opened.acquire()
        ends(channel)

    server.answer = answer
    host.run("x", doing="try")


def test_a_channel_that_is_refused_ahead_is_asked_for_again_when_it_is_needed(host: Host, server: SshServer) -> None:
    server.answer, server.refused = (lambda _, channel: ends(channel)), {2}
    for _ in range(2):
        host.run("x", doing="try")
    assert len(server.commands) == 2


def test_a_channel_that_the_host_closes_before_it_is_needed_is_not_used(host: Host, server: SshServer) -> None:
    server.answer = lambda _, channel: ends(channel)
    host.run("x", doing="try")
    for _ in range(2):
        server.transport.accept().close()  # type: ignore[union-attr]
    server.transport.global_request("anybody@there", wait=True)  # the client has read what came before
    host.run("x", doing="try")
    assert len(server.commands) == 2


def test_a_connection_of_somebody_else_keeps_no_channel_of_ours(
    server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "recognise", lambda *_: None)
    server.answer = lambda _, channel: ends(channel)
    connection = server.connection()
    with Host(connection, CommandLine("box", "task")) as host:
        host.run("x", doing="try")
    connection.transport.global_request("anybody@there", wait=True)  # the server has read what came before
    channels = [server.transport.accept() for _ in range(2)]
    assert [channel.closed for channel in channels if channel] == [True, True]
    connection.client.close()


def test_standard_input_does_not_wait_for_the_word_that_the_command_began(
    host: Host, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waits(_: paramiko.Channel) -> None:
        raise AssertionError

    monkeypatch.setattr(paramiko.Channel, "_wait_for_event", waits)
    server.answer = lambda _, channel: ends(channel)
    host.run("x", doing="try", stdin=b"all")


def test_a_host_that_gives_no_channel_is_out_of_reach(host: Host, server: SshServer) -> None:
    server.refuses_channels = True
    with pytest.raises(ConnectError) as refused:
        host.run("x", doing="try")
    assert "Resource shortage" in refused.value.evidence


def test_a_command_that_ended_by_a_signal_is_no_success(host: Host, server: SshServer) -> None:
    server.answer = lambda _, channel: channel.close()  # without an exit status, as sshd does for a signal
    with pytest.raises(CommandFailed, match=r"\(exit -1\)"):
        host.run("x", doing="try")


@contextmanager
def standard_output(file: int) -> Iterator[None]:
    kept = os.dup(1)
    os.dup2(file, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(file)


def says(data: bytes) -> Answer:
    def answer(_: str, channel: paramiko.Channel) -> None:
        channel.sendall(data)
        ends(channel)

    return answer


def attached(host: Host) -> int:
    return attach(host, "x", doing="run the command", terminal=False, mask=bytes)


def test_a_disk_that_is_full_here_is_no_lost_link(host: Host, server: SshServer) -> None:
    server.answer = says(b"dump\n")
    with (
        standard_output(os.open("/dev/full", os.O_WRONLY)),
        pytest.raises(CommandFailed, match="Standard output cannot be written here: No space left on device"),
    ):
        attached(host)


def test_a_reader_that_is_slower_than_the_host_gets_all_of_it(host: Host, server: SshServer) -> None:
    server.answer = says(b"dump\n" * 100_000)
    read, write = os.pipe()
    os.set_blocking(write, False)
    with ThreadPoolExecutor(1) as pool, open(read, "rb") as reader:
        found = pool.submit(reader.read)
        with standard_output(write):
            assert attached(host) == 0
        assert found.result() == b"dump\n" * 100_000


def test_a_host_that_says_nothing_is_not_waited_for(
    host: Host, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", 0)
    server.answer = lambda *_: None
    with pytest.raises(CommandTimedOut, match="could not try: no answer after 0 s"):
        host.run("x", doing="try", timeout=0)
