"""Which service a command of one's own is for, and the words of it."""

from __future__ import annotations

import io
import os
import select
import signal
import termios
import tty
from unittest.mock import Mock

import pytest

from galos_ops.config.settings import Settings
from galos_ops.errors import UsageError
from galos_ops.host import attached
from galos_ops.tasks.host_task import parse_command
from galos_ops.ui.plain import Plain
from galos_ops.workflows import sessions
from galos_ops.workflows.ops import Ops
from tests.unit.fake_host import FakeHost


def test_of_several_services_one_must_be_named() -> None:
    ops = Ops(FakeHost(), Settings.of({"services": {"web": {}, "worker": {}}}), Plain(io.StringIO()))
    with pytest.raises(UsageError, match="is for one service, and there are 2") as caught:
        sessions.only(ops, None)
    assert caught.value.hint == "name one with --service: web, worker"
    assert sessions.only(ops, "worker") == "worker"


@pytest.mark.parametrize(
    ("command", "argv"),
    [("ls -l /srv", ["ls", "-l", "/srv"]), ("sh -c 'a | b'", ["sh", "-c", "a | b"]), ("echo ''", ["echo", ""])],
)
def test_a_command_has_the_words_that_a_shell_would_make_of_it(command: str, argv: list[str]) -> None:
    assert parse_command("--command", command) == argv


def test_a_size_that_changes_while_the_host_makes_a_terminal_is_told_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((termios, "tcgetattr"), (termios, "tcsetattr"), (tty, "setraw")):
        monkeypatch.setattr(module, name, Mock())
    channel = Mock(get_pty=lambda *_: os.kill(os.getpid(), signal.SIGWINCH))
    with attached.terminal_like_ours(channel) as resized:
        assert select.select([resized], [], [], 0)[0] == [resized]
