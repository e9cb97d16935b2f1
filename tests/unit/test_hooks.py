"""Hooks: what they get, when they refuse, and that they change nothing else; the examples of docs/hooks.md."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from fabric import Config, Connection, SerialGroup

from galos_ops.errors import GuardError, LockedError, OpsError
from galos_ops.tasks import hooks, run
from galos_ops.tasks.host_task import HostTask, fleet_task, host_task
from galos_ops.workflows.fleet import Fleet
from galos_ops.workflows.ops import Ops
from tests import processes
from tests.unit.test_run import Box

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "hooks.md").read_text()


@pytest.fixture(autouse=True)
def _boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "Host", Box)


def task(done: list[str], error: OpsError | None = None) -> HostTask:
    """A deploy that ends as it is told."""

    @host_task()
    def deploy(ops: Ops, tag: str | None = None, json: bool = False, *, dry_run: bool = False) -> None:  # noqa: ARG001
        done.append(ops.host.name)
        ops.document["services"] = []
        if error:
            raise error

    return deploy


def host(name: str = "a", **commands: str) -> Connection:
    galos = {"hooks": commands}
    return Connection(name, config=Config(overrides={"galos": galos, "load_ssh_configs": False}))


def kept(path: Path) -> Any:
    return json.loads(path.read_text())


def test_each_hook_gets_the_document_with_who_and_what_was_typed(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    done: list[str] = []
    task(done)(host(before=f"cat >{before}", after=f"cat >{after}", failed="false"), tag="v2")
    assert done == ["a"]
    first, last = kept(before), kept(after)
    assert (first["hook"], first["task"], first["hosts"], first["not_tried"]) == ("before", "deploy", [], ["a"])
    assert first["options"] == {"tag": "v2"}
    assert first["by"].keys() == {"user", "machine", "run"}
    assert (last["hook"], last["exit"], last["error"], last["not_tried"]) == ("after", 0, None, [])
    assert last["hosts"] == [{"host": "a", "exit": 0, "error": None, "services": []}]


def test_of_several_hosts_each_hook_is_called_once_for_all(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    commands = {"before": f"cat >>{before}", "after": f"cat >>{after}"}

    @fleet_task()
    def deploy(fleet: Fleet, json: bool = False, *, dry_run: bool = False) -> None:  # noqa: ARG001
        assert kept(before)["not_tried"] == [member.host.name for member in fleet.members]

    deploy(SerialGroup.from_connections([host(name, **commands) for name in ("a", "b")]))
    assert [(row["host"], row["exit"]) for row in kept(after)["hosts"]] == [("a", 0), ("b", 0)]


def test_a_failure_is_told_to_failed_alone_and_keeps_its_code(tmp_path: Path) -> None:
    failed, after = tmp_path / "failed", tmp_path / "after"
    error = GuardError("a: pending postgresql://u:hunter22@db/x.")
    with pytest.raises(GuardError):
        task([], error)(host(failed=f"cat >{failed}; exit 3", after=f"touch {after}"))
    assert kept(failed)["error"]["exit"] == 5
    assert "hunter22" not in failed.read_text()
    assert not after.exists()


@pytest.mark.parametrize("command", ["echo not now; exit 1", "echo not now >&2; exit 77", "echo not now; kill -9 $$"])
def test_before_may_refuse_and_then_nothing_is_done_or_told(tmp_path: Path, command: str) -> None:
    done: list[str] = []
    told = f"touch {tmp_path}/told"
    with pytest.raises(LockedError, match=r"hooks\.before refused deploy") as caught:
        task(done)(host(before=command, after=told, failed=told))
    assert (done, list(tmp_path.iterdir())) == ([], [])
    assert caught.value.evidence == "not now\n"
    assert caught.value.hint.endswith("fab -H a deploy")


def test_a_hook_is_bounded_in_time_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hooks, "SECONDS", 1)
    done: list[str] = []
    command = f"sleep 3600 & echo $! >{tmp_path}/pid; wait"
    with pytest.raises(LockedError, match="not done after 1 s, ended"):
        task(done)(host(before=command))
    assert done == []
    stat = Path("/proc", (tmp_path / "pid").read_text().strip(), "stat")
    deadline = time.monotonic() + 30  # a process that was killed is seen until its parent has noticed
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_after_and_failed_change_nothing_whatever_becomes_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hooks, "SECONDS", 1)
    task([])(host(after="echo no such channel; exit 9"))
    out = capsys.readouterr().out
    assert "hooks.after: exit 9" in out
    assert "no such channel" in out
    task([])(host(after="sleep 3600"))
    assert "hooks.after: not done after 1 s, ended" in capsys.readouterr().out
    task([])(host(after="exec 0<&-; exit 0"))
    assert "hooks" not in capsys.readouterr().out


def test_with_json_standard_output_is_the_document_alone(capsys: pytest.CaptureFixture[str]) -> None:
    task([])(host(before="echo before", after="echo after; exit 1"), json=True)
    out, err = capsys.readouterr()
    assert json.loads(out)["exit"] == 0
    assert "hooks.after: exit 1" in err


def test_a_dry_run_and_a_task_that_only_looks_call_no_hook(tmp_path: Path) -> None:
    command = f"touch {tmp_path}/called"
    connection = host(before=command, after=command)
    task([])(connection, dry_run=True)

    @host_task(looking=True)
    def pending(ops: Ops) -> None: ...

    pending(connection)
    assert list(tmp_path.iterdir()) == []


@contextmanager
def webhook() -> Iterator[tuple[str, list[Any]]]:
    """A server that takes what is posted to it."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/services/T0", posted
        finally:
            server.shutdown()
            thread.join()


def example(name: str, language: str, folder: Path) -> Path:
    """An example of the page, as a file."""
    text = re.search(rf"`hooks/{re.escape(name)}`:\n\n```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert text
    path = folder / name
    path.write_text(text[1])
    return path


def test_the_example_tells_slack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = example("slack.py", "python", tmp_path)
    with webhook() as (url, posted):
        monkeypatch.setenv("SLACK_WEBHOOK_URL", url)
        connection = host(after=f"python3 {script}", failed=f"python3 {script}")
        task([])(connection)
        with pytest.raises(GuardError):
            task([], GuardError("a: 2 pending."))(connection)
    well, badly = (one["text"] for one in posted)
    assert well.endswith(": deploy on a: exit 0")
    assert badly.splitlines()[0].endswith(": deploy on a: exit 5")
    assert badly.splitlines()[1] == "a: 2 pending."


@pytest.mark.parametrize(
    ("now", "code"), [("1-09", 0), ("4-15", 0), ("3-12", 0), ("1-08", 1), ("4-16", 1), ("5-12", 1), ("7-10", 1)]
)
def test_the_example_of_a_window_lets_deploys_through_in_it_alone(tmp_path: Path, now: str, code: int) -> None:
    script = example("window.sh", "sh", tmp_path)
    (tmp_path / "date").write_text(f"#!/bin/sh\necho {now}\n")
    (tmp_path / "date").chmod(0o755)
    done = processes.run(["sh", str(script)], env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert done.returncode == code
    assert ("deploys are made" in done.stdout) == bool(code)
