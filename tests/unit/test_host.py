"""What `Host` does on a host, its scripts run by real shells on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from fabric import Connection

from galos_ops.config.command_line import CommandLine
from galos_ops.errors import CommandFailed, CommandTimedOut, NotReadyError
from galos_ops.host import files
from galos_ops.host.host import Host
from galos_ops.host.host_key import known_hosts_files
from galos_ops.host.shell import kill_on_disconnect, shell_path
from tests.unit.local_host import LocalHost, Reply

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="needs root")


def listed(host: LocalHost) -> list[str]:
    """All that is in the home."""
    return sorted(str(path.relative_to(host.home)) for path in host.home.rglob("*"))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


# --- writing ---------------------------------------------------------------------------------------------------------


def test_a_new_file_and_its_folders_are_the_owners_alone(host: LocalHost) -> None:
    before = os.umask(0)
    try:
        files.write(host, "~/one/two/file", "text")
    finally:
        os.umask(before)
    assert listed(host) == ["one", "one/two", "one/two/file"]
    assert [mode(host.home / name) for name in listed(host)] == [0o700, 0o700, 0o600]
    assert (host.home / "one/two/file").read_text() == "text"


@pytest.mark.parametrize("wanted", [0o600, 0o644, 0o755])
def test_a_file_gets_the_mode_that_was_asked_for_whatever_it_had(host: LocalHost, wanted: int) -> None:
    path = host.put("~/file", "old", mode=0o640)
    files.write(host, "~/file", "new", mode=wanted)
    assert (path.read_text(), mode(path)) == ("new", wanted)


def test_a_text_is_private_before_its_first_byte(host: LocalHost) -> None:
    host.stubs.program("cat", "stat -L -c %a /dev/stdout >&2; exit 1")  # the file that it would write to
    with pytest.raises(CommandFailed) as caught:
        files.write(host, "~/file", "text", mode=0o644)
    assert caught.value.evidence == "600\n"
    assert listed(host) == []


@pytest.mark.parametrize("target", ["there", "not there"])
def test_a_symbolic_link_stays_and_its_target_is_written(host: LocalHost, target: str) -> None:
    (host.home / "data").mkdir()
    if target == "there":
        host.put("~/data/real", "old")
    (host.home / "link").symlink_to("data/real")
    files.write(host, "~/link", "new")
    assert (host.home / "link").readlink() == Path("data/real")
    assert (host.home / "data/real").read_text() == "new"
    assert listed(host) == ["data", "data/real", "link"]


@as_root
def test_as_root_a_file_keeps_its_owner(host: LocalHost) -> None:
    path = host.put("~/file", "old")
    os.chown(path, 1234, 5678)
    files.write(host, "~/file", "new")
    assert (path.read_text(), path.stat().st_uid, path.stat().st_gid) == ("new", 1234, 5678)


def test_who_is_not_root_does_not_try_to_give_a_file_away(host: LocalHost) -> None:
    host.stubs.add("id", {"-u": "1000\n"})
    host.stubs.add("chown", {})
    host.put("~/file", "old")
    files.write(host, "~/file", "new")
    assert host.files() == {"~/file": "new"}


@pytest.mark.parametrize("program", ["mkdir", "mktemp", "cat", "chmod", "sync", "mv"])
def test_a_write_that_fails_at_any_step_leaves_the_old_file_and_nothing_else(host: LocalHost, program: str) -> None:
    host.put("~/file", "old")
    host.stubs.program(program, f"echo {program} failed >&2; exit 1")
    with pytest.raises(CommandFailed, match="could not write ~/file; it is as it was") as caught:
        files.write(host, "~/file", "new")
    assert f"{program} failed" in caught.value.evidence
    assert host.files() == {"~/file": "old"}
    assert listed(host) == ["file"]


def test_a_text_that_did_not_arrive_whole_is_not_put_in_place(host: LocalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that dies ends standard input early, which to the host looks like its end."""
    host.put("~/file", "old")
    whole = host._execute
    monkeypatch.setattr(host, "_execute", lambda command, stdin, *more: whole(command, stdin[:-1], *more))
    with pytest.raises(CommandFailed, match="it is as it was"):
        files.write(host, "~/file", "new text")
    assert host.files() == {"~/file": "old"}


@pytest.fixture
def tiny(host: LocalHost) -> Iterator[Path]:
    """A folder in the home whose file system has room for three pages and no more."""
    path = host.home / "tiny"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12k", "tiny", str(path)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", str(path)], check=True)


@as_root
def test_a_full_disk_leaves_the_file_as_it_was(host: LocalHost, tiny: Path) -> None:
    files.write(host, "~/tiny/file", "old" * 1000)
    with pytest.raises(CommandFailed, match="it is as it was") as caught:
        files.write(host, "~/tiny/file", "new" * 3000)
    assert "No space left on device" in caught.value.evidence
    assert host.files() == {"~/tiny/file": "old" * 1000}
    files.write(host, "~/tiny/file", "new" * 1000)
    assert host.files() == {"~/tiny/file": "new" * 1000}
    assert [path.name for path in tiny.iterdir()] == ["file"]


@pytest.mark.parametrize("read", [None, "old", ""])
def test_a_file_that_somebody_changed_since_it_was_read_stays(host: LocalHost, read: str | None) -> None:
    host.put("~/file", "of somebody else")
    with pytest.raises(NotReadyError, match=r"~/file was changed by somebody else meanwhile; it was left as it is"):
        files.write(host, "~/file", "new", over=read)
    assert host.files() == {"~/file": "of somebody else"}
    files.write(host, "~/file", "new", over="of somebody else")
    assert host.files() == {"~/file": "new"}


@pytest.mark.parametrize("read", [None, "old"])
def test_a_file_that_is_gone_is_made_again_only_by_who_knew_none(host: LocalHost, read: str | None) -> None:
    with pytest.raises(NotReadyError) if read else nullcontext():
        files.write(host, "~/file", "new", over=read)
    assert ("~/file" in host.files()) == (read is None)


def test_a_write_that_is_ended_by_a_signal_takes_its_temporary_file_along(host: LocalHost) -> None:
    host.put("~/file", "old")
    host.stubs.program("sync", "kill -TERM $PPID")
    with pytest.raises(CommandFailed):
        files.write(host, "~/file", "new")
    assert listed(host) == ["file"]
    assert host.files() == {"~/file": "old"}


@pytest.mark.parametrize("path", ["~/a b/it's", "~/-n", "~/$HOME", "~/`id`;x", '~/a"b\\c', "~/ü", "~/*"])
def test_a_path_is_taken_as_it_is_typed(host: LocalHost, path: str) -> None:
    files.write(host, path, "text")
    assert host.files() == {path: "text"}
    assert files.read(host, path) == ["text"]


# --- reading ---------------------------------------------------------------------------------------------------------


def test_files_are_read_in_one_round_trip_to_the_byte(host: LocalHost) -> None:
    texts = {"~/a": "one\n\n\n", "~/b": "", "~/c": "\n", "~/d": "no end, ü\r\n\u2028x", "~/e": "x" * 300_000}
    for path, text in texts.items():
        host.put(path, text)
    assert files.read(host, "~/none", *texts, "~/none/x") == [None, *texts.values(), None]
    assert len(host.scripts) == 1


def test_a_file_behind_a_link_is_read(host: LocalHost) -> None:
    host.put("~/real", "text")
    (host.home / "link").symlink_to("real")
    assert files.read(host, "~/link") == ["text"]


@pytest.mark.parametrize(
    ("kind", "evidence"),
    [("folder", "Is a directory"), ("bytes", "it is not UTF-8 text"), ("dangling link", "No such file")],
)
def test_what_is_there_and_cannot_be_read_is_never_taken_for_missing(host: LocalHost, kind: str, evidence: str) -> None:
    path = host.home / "file"
    match kind:
        case "folder":
            path.mkdir()
        case "bytes":
            path.write_bytes(b"A=\xff\xfe\n")
        case _:
            path.symlink_to("nowhere")
    host.put("~/other", "x")
    with pytest.raises(NotReadyError, match="cannot read ~/file; it was left as it is") as caught:
        files.read(host, "~/other", "~/file")
    assert evidence in caught.value.evidence


@pytest.mark.parametrize(
    ("greeting", "evidence"),
    [
        ("Welcome.\\n", "Welcome."),
        ("\\n", ""),
        ("Welcome.\\n\\n", "Welcome."),
        ("no end", "no end"),
        ("a\\tb\\n", "a"),
        ("\\t\\n", ""),
    ],
)
def test_a_login_shell_that_prints_is_told_and_nothing_of_a_file(host: LocalHost, greeting: str, evidence: str) -> None:
    host.put("~/file", "PASSWORD=hunter2")
    host.greeting = greeting
    with pytest.raises(NotReadyError, match="a start-up file of the login shell prints text of its own") as caught:
        files.read(host, "~/file")
    assert caught.value.evidence.strip() == evidence


# --- commands --------------------------------------------------------------------------------------------------------


def test_fabrics_echo_leaves_standard_output_to_what_is_asked_for(
    host: LocalHost, capsys: pytest.CaptureFixture[str]
) -> None:
    host.connection.config.run.echo = True
    host.run("true", doing="try")
    assert capsys.readouterr() == ("", "true\n")


def test_a_command_leaves_its_streams_and_its_exit_code(host: LocalHost) -> None:
    done = host.run("echo out; echo err >&2; exit 3", doing="try", check=False)
    assert (done.exited, done.stdout, done.stderr, done.ok) == (3, "out\n", "err\n", False)


def test_a_command_that_fails_is_an_error_with_its_output(host: LocalHost) -> None:
    with pytest.raises(CommandFailed, match=r"^box: could not try \(exit 3\)\.") as caught:
        host.run("echo words; exit 3", doing="try")
    assert caught.value.evidence == "words\n"


def test_a_csh_is_told_and_runs_nothing(host: LocalHost) -> None:
    host.variables["shell"] = "/bin/tcsh"
    with pytest.raises(NotReadyError, match="the login shell is csh or tcsh"):
        host.run("echo x >~/ran", doing="try")
    assert host.files() == {}


def test_a_command_that_ends_as_one_out_of_time_does_is_out_of_time_only_when_it_is(host: LocalHost) -> None:
    with pytest.raises(CommandFailed) as failed:
        host.run("exit 124", doing="try", timeout=60)
    assert not isinstance(failed.value, CommandTimedOut)
    host.stubs.add("timeout", {"-k 5 0 sh -c echo part; exec yes": Reply("part\n", 124)})
    with pytest.raises(CommandTimedOut, match="not done after 0 s, stopped") as caught:
        host.run("echo part; exec yes", doing="try", timeout=0)
    assert caught.value.evidence == "part\n"


def test_a_script_that_is_heard_ends_with_all_it_began_when_nobody_hears_it(host: LocalHost) -> None:
    script = kill_on_disconnect("tail -f /dev/null & echo up; tail -f /dev/null")
    process = host.started(f"exec timeout -k 5 60 sh -c {shell_path(script)}")
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == b"up\n"
    process.stdin.close()
    assert process.stdout.read() == b""  # nothing that it began holds the stream any more
    assert process.wait() != 0


def test_a_script_that_is_heard_to_its_end_has_its_own_exit_code(host: LocalHost) -> None:
    process = host.started(f"exec timeout -k 5 60 sh -c {shell_path(kill_on_disconnect('echo done; exit 7'))}")
    assert process.stdout
    assert process.stdout.read() == b"done\n"  # standard input is open all the while
    assert process.wait() == 7
    process.communicate()


def test_a_script_that_is_heard_has_no_standard_input_of_ours(host: LocalHost) -> None:
    process = host.started(f"exec timeout -k 5 60 sh -c {shell_path(kill_on_disconnect('cat; echo $?'))}")
    assert process.stdout
    assert process.stdout.read() == b"0\n"
    process.communicate()


# --- root ------------------------------------------------------------------------------------------------------------


def test_root_needs_no_sudo(host: LocalHost) -> None:
    host.stubs.add("id", {"-u": "0\n"})
    host.stubs.add("sudo", {})
    assert host.sudo('echo "it\'s me"; cat', doing="install").stdout == "it's me\n"


def test_who_may_do_all_without_a_password_gives_none(host: LocalHost) -> None:
    host.stubs.add("id", {"-u": "1000\n"})
    host.stubs.add("sudo", {"-n true": "", "-n sh -c echo 'x y'": "x y\n"})
    assert host.sudo("echo 'x y'", doing="install").stdout == "x y\n"


def test_without_a_password_that_sudo_wants_nothing_is_run(host: LocalHost) -> None:
    host.stubs.add("id", {"-u": "1000\n"})
    host.stubs.add("sudo", {"-n true": Reply(exited=1, stderr="sudo: a password is required\n")})
    with pytest.raises(NotReadyError, match="it needs root, and sudo asks for a password") as caught:
        host.sudo("echo x", doing="install")
    assert "--prompt-for-sudo-password" in caught.value.hint


def test_the_password_goes_to_sudo_on_standard_input_and_no_command_line(host: LocalHost) -> None:
    host.connection.config.sudo.password = "hunter2"
    host.stubs.add("id", {"-u": "1000\n"})
    host.stubs.add(
        "sudo", {"-n true": Reply(exited=1), "-S -p  sh -c echo x": Reply(effect='read -r word; echo "heard $word"')}
    )
    assert host.sudo("echo x", doing="install").stdout == "heard hunter2\n"
    assert "hunter2" not in "\n".join(host.stubs.calls + host.scripts)


@pytest.mark.parametrize("user", ["0", "1000"])
def test_a_password_that_is_not_asked_for_is_not_what_the_script_reads(host: LocalHost, user: str) -> None:
    host.connection.config.sudo.password = "hunter2"
    host.stubs.add("id", {"-u": f"{user}\n"})
    host.stubs.add("sudo", {"-n true": "", "-n sh -c cat": Reply(effect="cat")}, asked=user != "0")
    assert host.sudo("cat", doing="install").output == ""


def test_what_root_could_not_do_is_an_error_with_its_output(host: LocalHost) -> None:
    host.stubs.add("id", {"-u": "0\n"})
    with pytest.raises(CommandFailed, match=r"could not install \(exit 5\)") as caught:
        host.sudo("echo words >&2; exit 5", doing="install")
    assert caught.value.evidence == "words\n"


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["~", "~/a b", "~/it's", "/srv/$HOME", "/srv/`id`;x", "~/-n", '/a"b\\c', "~/ü"])
def test_a_path_is_one_shell_word_whatever_is_in_it(host: LocalHost, path: str) -> None:
    told = host.run(f"printf %s {shell_path(path)}", doing="print").stdout
    assert told == str(host.path(path))


def test_known_hosts_are_where_ssh_would_look_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    named = {"userknownhostsfile": '~/one "/two three" %d/four', "globalknownhostsfile": "/etc/five"}
    assert [str(path) for path in known_hosts_files(named)] == [
        "/home/ann/one",
        "/two three",
        "/home/ann/four",
        "/etc/five",
    ]
    assert [str(path) for path in known_hosts_files({})] == [
        "/home/ann/.ssh/known_hosts",
        "/home/ann/.ssh/known_hosts2",
        "/etc/ssh/ssh_known_hosts",
        "/etc/ssh/ssh_known_hosts2",
    ]


def test_a_host_is_named_as_it_was_typed() -> None:
    from fabric import Connection

    assert Host(Connection("ann@galos-1:2222"), CommandLine("galos-1")).name == "galos-1"


def test_another_host_is_logged_in_to_as_whom_this_one_was_typed_with() -> None:
    for typed, address in (("first", "second"), ("deployer@first:2222", "deployer@second")):
        second = Host(Connection(typed), CommandLine(typed, "exec"), dry=True).another("second")
        assert (second.typed.host, second.dry) == (address, True)
        assert (second.connection.original_host, second.connection.port) == ("second", 22)
    assert second.connection.user == "deployer"
