"""Executions and channels of a `fab`, counted where its connection sends them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import paramiko
from paramiko.common import MSG_CHANNEL_OPEN, MSG_CHANNEL_REQUEST

COUNT = "TEST_COUNT"


def install(environment: Mapping[str, str]) -> None:
    """Let this process write a line into the file that the environment names for each of both that it sends."""
    if COUNT in environment:
        _count(Path(environment[COUNT]))


def _count(path: Path) -> None:
    send = paramiko.Transport._send_user_message  # type: ignore[attr-defined]

    def counted(transport: paramiko.Transport, message: paramiko.Message) -> None:
        kind, *_ = data = message.asbytes()
        word = {MSG_CHANNEL_OPEN: "channel", MSG_CHANNEL_REQUEST: "execution" if b"\0\0\0\4exec" in data else ""}
        with path.open("a") as lines:
            lines.write(f"{word.get(kind, '')}\n")
        send(transport, message)

    paramiko.Transport._send_user_message = counted  # type: ignore[attr-defined]


def counted(path: Path) -> tuple[int, int]:
    """Return how many executions and how many channels there were."""
    count = Counter(path.read_text().split())
    return count["execution"], count["channel"]
