from __future__ import annotations

import fcntl
import json
import os
import shlex
import subprocess

import pytest

from galos_ops.engines.images import retention
from galos_ops.engines.one_offs import migrator
from galos_ops.errors import LockedError, NotReadyError
from galos_ops.host import lock
from galos_ops.host.holder import describe, holder, run_url
from galos_ops.host.lock import SILENCE_SECONDS, STEP_SECONDS, Lock, fence, script
from galos_ops.host.release_log import release
from galos_ops.host.shell import ExitCode
from galos_ops.migrations import on_host
from tests.processes import HANG_SECONDS
from tests.unit.local_host import LocalHost, Reply
from tests.unit.targets import COMPOSE, IMAGE_ID, IMAGES, target

WHO = (
    '{"user": "CORP\\\\new",  "machine": "laptop", "task": "deploy", "since": "2026-01-02T03:04:05+00:00", "run": null}'
)


def test_a_holder_is_described_in_words() -> None:
    assert describe(WHO) == "CORP\\new on laptop has held the host for deploy since 2026-01-02T03:04:05+00:00"
    in_ci = json.dumps({**json.loads(WHO), "run": "https://ci/1"})
    assert describe(in_ci).endswith("+00:00, https://ci/1")


@pytest.mark.parametrize("line", ["", "{", "[]", "{}", "null", '"x"', pytest.param("[" * 100_000, id="deep")])
def test_a_holder_that_nobody_can_read_is_still_a_holder(line: str) -> None:
    assert describe(line) == "another galos-ops task holds the host"


def test_we_describe_ourselves_in_the_same_words() -> None:
    assert "has held the host for migrate since 2" in describe(json.dumps(holder("migrate")))


def test_our_name_is_text_whatever_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "jos\udce9")
    assert holder("migrate")["user"] == "jos?"


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, None),
        ({"CI_JOB_URL": "https://gitlab/x/-/jobs/5"}, "https://gitlab/x/-/jobs/5"),
        (
            {"GITHUB_RUN_ID": "7", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r"},
            "https://github.com/o/r/actions/runs/7",
        ),
    ],
)
def test_the_ci_run_is_named(environment: dict[str, str], url: str | None) -> None:
    assert run_url(environment) == url


TOKEN = "t0ken"


def take(host: LocalHost, wait: int = 0, token: str = TOKEN) -> subprocess.Popen[bytes]:
    """A task's try for the lock, which holds it for as long as its standard input gives a heartbeat in time."""
    return host.started(f"exec sh -c {shlex.quote(script('~', wait, token, WHO))}")


def first_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout
    return process.stdout.readline().decode().strip()


def state(host: LocalHost, name: str) -> str:
    return (host.home / ".galos-ops" / name).read_text()


def wait_until_free(host: LocalHost, name: str = "lock") -> None:
    """Wait for the end of all that holds a lock; the kernel wakes us."""
    with (host.home / ".galos-ops" / name).open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)


def test_the_lock_lives_as_long_as_its_standard_input(host: LocalHost) -> None:
    holding = take(host)
    assert first_line(holding) == "held"
    refused = take(host, token="other")
    assert refused.communicate()[0].decode().splitlines() == [f"busy {WHO}"]
    assert refused.returncode == 4
    assert state(host, "token") == "t0ken\n"
    holding.communicate()
    again = take(host)
    assert first_line(again) == "held"
    again.communicate()


def test_heartbeats_keep_the_lock_and_anything_else_ends_it(host: LocalHost) -> None:
    holding = take(host)
    assert first_line(holding) == "held"
    assert holding.stdin
    holding.stdin.write(b"....")
    holding.stdin.flush()
    assert take(host).communicate()[0].decode().startswith("busy")
    holding.stdin.write(b"x")
    holding.stdin.flush()
    assert holding.wait() == 0
    holding.communicate()


def test_a_holder_that_is_silent_for_too_long_is_let_go_of(host: LocalHost) -> None:
    host.stubs.add("timeout", {f"{SILENCE_SECONDS} head -c1": Reply(exited=124)})
    silent = take(host)
    assert first_line(silent) == "held"
    assert silent.wait() == 0  # though its standard input is still open
    assert (state(host, "token"), state(host, "holder")) == ("", "")
    silent.communicate()


def test_a_killed_holder_leaves_nothing_to_remove(host: LocalHost) -> None:
    holding = take(host)
    assert first_line(holding) == "held"
    holding.kill()
    holding.communicate()
    wait_until_free(host)  # what the killed shell had begun ends with its standard input
    again = take(host)
    assert first_line(again) == "held"
    again.communicate()


def test_one_who_waits_gets_the_lock_when_it_is_free(host: LocalHost) -> None:
    holding = take(host)
    assert first_line(holding) == "held"
    waiting = take(host, wait=HANG_SECONDS)
    assert first_line(waiting) == f"waiting {WHO}"
    holding.communicate()
    assert first_line(waiting) == "held"
    waiting.communicate()


def test_who_waits_in_vain_is_told_who_holds_the_host(host: LocalHost) -> None:
    host.stubs.add("flock", {"-n 9": Reply(exited=1), "-w 5 9": Reply(exited=1)})
    (host.home / ".galos-ops").mkdir()
    host.put("~/.galos-ops/holder", WHO)
    waiting = take(host, wait=5)
    assert waiting.communicate()[0].decode().splitlines() == [f"waiting {WHO}", f"busy {WHO}"]
    assert waiting.returncode == 4


@pytest.mark.parametrize("wait", [0, 5])
def test_who_meets_a_holder_that_has_not_yet_written_its_name_learns_it(host: LocalHost, wait: int) -> None:
    host.stubs.add("flock", {"-n 9": Reply(exited=1), **({"-w 5 9": Reply(exited=1)} if wait else {})})
    host.stubs.add("sleep", {"0.1": Reply(effect=f"printf '%s\\n' {shlex.quote(WHO)} >holder")})
    (host.home / ".galos-ops").mkdir()
    host.put("~/.galos-ops/holder", "")
    late = take(host, wait=wait)
    assert late.communicate()[0].decode().splitlines()[-1] == f"busy {WHO}"


def test_the_holders_file_is_private_and_empty_when_nobody_holds(host: LocalHost) -> None:
    holding = take(host)
    assert first_line(holding) == "held"
    folder = host.home / ".galos-ops"
    assert json.loads(state(host, "holder")) == json.loads(WHO)
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == dict.fromkeys(
        ("holder", "lock", "step", "token"), 0o600
    )
    assert folder.stat().st_mode & 0o777 == 0o700
    holding.communicate()
    assert (state(host, "holder"), state(host, "token")) == ("", "")


def test_a_directory_that_cannot_be_made_is_an_error(host: LocalHost) -> None:
    host.put("~/file", "")
    taking = host.started(f"exec sh -c {shlex.quote(script('~/file', 0, 't0ken', WHO))}")
    assert taking.communicate()[0] == b""
    assert taking.returncode == 8


# --- a step of the holder --------------------------------------------------------------------------------------------

STEP = "echo done"


def step(host: LocalHost, token: str = TOKEN) -> LockedError | None:
    """A change by the holder of a token: what it ended in."""
    try:
        assert target(host).held(Lock(token)).change(STEP, doing="pull").stdout == "done\n"
    except LockedError as error:
        return error
    return None


def test_a_step_of_the_holder_is_done(host: LocalHost) -> None:
    holding = take(host)
    assert first_line(holding) == "held"
    assert step(host) is None
    holding.communicate()


@pytest.mark.parametrize("token", ["an earlier one", "", None])
def test_a_step_whose_lock_is_not_ours_any_more_is_not_done(host: LocalHost, token: str | None) -> None:
    (host.home / ".galos-ops").mkdir()
    if token is not None:
        host.put("~/.galos-ops/token", f"{token}\n")
    error = step(host)
    assert error
    assert "nothing was done to pull" in error.sentence
    assert error.code == 4


BROKEN = {
    "no flock": "echo 'flock: not found' >&2; exit 127",
    "no -w": """[ "$1" != -w ] || { echo "flock: unrecognized option: w" >&2; exit 1; }""",
    "no locks": "echo 'flock: 8: No locks available' >&2; exit 65",
    "in silence": "exit 71",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_step_on_a_host_that_cannot_lock_is_not_done_and_says_why(host: LocalHost, fault: str) -> None:
    host.put("~/.galos-ops/token", "t0ken\n")
    host.stubs.program("flock", BROKEN[fault])
    with pytest.raises(NotReadyError, match="nothing was done to pull") as caught:
        step(host)
    assert caught.value.evidence.strip() in BROKEN[fault]


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("wait", [0, 5])
def test_a_lock_that_cannot_be_had_for_another_reason_than_a_holder_is_not_busy(
    host: LocalHost, fault: str, wait: int
) -> None:
    host.stubs.program("flock", BROKEN[fault])
    out, err = take(host, wait=wait).communicate()
    assert out == b""
    assert err.decode().strip() in BROKEN[fault]


def test_what_a_command_on_the_host_leaves_in_the_background_keeps_no_lock(host: LocalHost) -> None:
    os.mkfifo(host.home / "fifo")
    host.put("~/.galos-ops/token", "t0ken\n")
    ours = target(host).held(Lock("t0ken"))
    leaves = ["sh", "-c", "sh -c 'cat <fifo' >/dev/null 2>&1 & exit 3"]
    assert on_host.run(ours, leaves, doing="back up", timeout=60).exited == 3
    with (host.home / ".galos-ops" / "step").open("a") as free:
        fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)
    (host.home / "fifo").write_text("")


def test_a_command_on_the_host_holds_its_step_to_its_own_end(host: LocalHost) -> None:
    host.put("~/.galos-ops/token", "t0ken\n")
    script = "exec 9<~/.galos-ops/step; flock -n 9 && echo free || echo held"
    done = on_host.run(target(host).held(Lock("t0ken")), ["sh", "-c", script], doing="back up", timeout=60)
    assert done.stdout == "held\n"


@pytest.mark.parametrize("code", list(ExitCode)[:-1], ids=str)
def test_an_exit_code_of_a_command_on_the_host_is_never_taken_for_one_of_ours(host: LocalHost, code: int) -> None:
    """One that ends with 95 would read as a lock that has expired."""
    host.put("~/.galos-ops/token", "t0ken\n")
    ours = target(host).held(Lock("t0ken"))
    ended = on_host.run(ours, ["sh", "-c", f"exit {code:d}"], doing="back up", timeout=60)
    assert ended.exited == ExitCode.OF_A_COMMAND


def test_a_step_is_not_begun_while_an_earlier_one_goes_on(host: LocalHost) -> None:
    host.put("~/.galos-ops/token", "t0ken\n")
    host.stubs.add("flock", {f"-w {STEP_SECONDS} 8": Reply(exited=1)})
    assert step(host)


def test_a_step_holds_its_lock_to_its_own_end_whoever_dies_meanwhile(
    host: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next holder writes its token first, so that no further step begins, and then waits for its end."""
    monkeypatch.setattr(lock, "STEP_SECONDS", 0)
    host.put("~/.galos-ops/token", "t0ken\n")
    running = host.started(f"cd; exec sh -c {shlex.quote(fence(Lock('t0ken')) + chr(10) + 'echo begun; cat')}")
    assert first_line(running) == "begun"
    refused = take(host, token="next")
    assert refused.communicate()[0].decode().splitlines() == ["busy step"]
    assert refused.returncode == 4
    assert step(host)  # the dead holder's token counts no more, nor does that of who was refused
    assert state(host, "token") == ""
    running.communicate()
    again = take(host, token="next")
    assert first_line(again) == "held"
    assert state(host, "token") == "next\n"
    again.communicate()


def test_without_a_lock_nothing_is_started_migrated_or_recorded(host: LocalHost) -> None:
    """mypy says so, too, which wants each of these comments: only `held`, with a lock, makes what they take."""
    unlocked = target(host)
    with pytest.raises(AttributeError, match="no attribute 'change'"):
        COMPOSE.up(unlocked, IMAGES)  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="no attribute 'change'"):
        COMPOSE.start(unlocked, [])  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="no attribute 'change'"):
        migrator.run(unlocked, IMAGE_ID, ["migrate"], ["check"], first=":", on_line=print)  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="no attribute 'change'"):
        retention.record(unlocked, release("deploy", "galos-sync", "latest", "sha256:aa"))  # type: ignore[arg-type]
