"""What a person can get wrong before a task begins: one sentence and exit 2, never a traceback."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.processes import HANG_SECONDS, ROOT

FAB = str(Path(sys.executable).with_name("fab"))


def fab(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return processes.run([FAB, *words], cwd=cwd)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-S", "/nowhere", "-H", "h"], "An ssh_config cannot be read."),
        (["-H", "h:abc"], "A host of -H has a port that is no number."),
        (["-H", ":"], "A host of -H has no name."),
        (["-H", "user@"], "A host of -H has no name."),
        (["-f", "/nowhere.yml", "-H", "h"], "There is no /nowhere.yml."),
        (["--prompt-for-sudo-password", "-H", "h"], "There is no terminal to ask for the password."),
    ],
)
def test_a_mistake_on_the_command_line_is_a_sentence(words: list[str], sentence: str) -> None:
    done = fab(*words, "pending")
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert "next: " in done.stderr
    assert "Traceback" not in done.stderr


OWN = """
from invoke import task
from galos_ops.tasks import ns

@task
def own(c):
    print("begun")

ns.add_task(own)
"""


@pytest.mark.parametrize("text", [b"Match final all\n    User bob\n", b"# caf\xe9\nHost x\n    User bob\n"])
def test_what_fabric_does_not_know_in_ssh_config_is_asked_of_ssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    monkeypatch.setenv("HOME", pwd.getpwuid(os.getuid()).pw_dir)
    (tmp_path / "ssh_config").write_bytes(text)
    (tmp_path / "fabfile.py").write_text(OWN)
    (tmp_path / "fabfile.yml").write_text("galos: {}\n")
    words = ("-S", str(tmp_path / "ssh_config"), "-H", "127.0.0.1:1")
    done = fab(*words, "pending", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "cannot connect to" in done.stderr
    for tasks in (["own"], ["pending", "own"]):
        done = fab(*words, *tasks, cwd=tmp_path)
        assert done.returncode == 2, done.stderr
        assert "An ssh_config cannot be read." in done.stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("galos: [", "A configuration file of Fabric cannot be read."),
        ("galos: 3", "A configuration file of Fabric gives a key another shape than it has."),
        ("timeouts: {connect: soon}", "What is configured makes no connection."),
        ("gateway: 7", "h: gateway or connect_kwargs make no connection."),
        ("connect_kwargs: {nope: 1}", "h: gateway or connect_kwargs make no connection."),
        ("[1]", "A configuration file of Fabric gives a key another shape than it has."),
        ("\0", "A configuration file of Fabric cannot be read."),
    ],
)
def test_a_mistake_in_a_file_of_fabric_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "more.yml"
    path.write_text(text)
    done = fab("-f", str(path), "-H", "h", "pending")
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_password_in_a_file_of_the_wrong_shape_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "more.yml"
    path.write_text("sudo: n0tASecret")
    done = fab("-f", str(path), "-H", "h", "pending")
    assert done.returncode == 2
    assert "n0tASecret" not in done.stderr + done.stdout


def test_a_bug_in_a_task_of_ones_own_keeps_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "fabfile.py").write_text(
        "from fabric import task\nfrom galos_ops.tasks import namespace\nns = namespace()\n"
        "@task\ndef mine(c):\n    int('x')\nns.add_task(mine)\n"
    )
    done = fab("mine", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "in mine" in done.stderr


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    listing = processes.start([FAB, "--list"], stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    assert listing.communicate(timeout=HANG_SECONDS)[1] == ""
    assert listing.returncode


def test_a_stream_that_is_closed_is_no_traceback() -> None:
    closed = processes.run(["sh", "-c", '"$0" -H 127.0.0.1:1 status >&-', FAB])
    assert closed.stderr.startswith("127.0.0.1: cannot connect to ")
    assert closed.returncode == 3


@pytest.mark.parametrize("words", [["config"], ["config", "--json"]])
def test_a_full_disk_behind_standard_output_is_a_sentence(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        task = processes.start([FAB, *words], stdout=full.fileno(), stderr=subprocess.PIPE)
        said = task.communicate(timeout=HANG_SECONDS)[1]
    sentence = "Standard output cannot be written here: No space left on device."
    assert said.endswith(f"{sentence}\nnext: make room, or send it elsewhere\n")
    assert task.returncode == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["deplyo"], "There is no task deplyo.\nnext: did you mean deploy? see: fab --list\n"),
        (
            ["deploy", "--tga"],
            "There is no option of deploy --tga.\nnext: did you mean --tag? see: fab --help deploy\n",
        ),
        (["--hsots", "h", "deploy"], "There is no option --hsots.\nnext: did you mean --hosts? see: fab --list\n"),
        (["zzzz"], "There is no task zzzz.\nnext: see: fab --list\n"),
        (["--help", "env.pusch"], "There is no task env.pusch.\nnext: did you mean env.push? see: fab --list\n"),
        (["--list=ecz"], "Sub-collection 'ecz' not found.\nnext: see: fab --list\n"),
        (["deploy", "--tag"], "Flag --tag needed value and was not given one.\nnext: see: fab --help deploy\n"),
    ],
)  # fmt: skip
def test_a_mistyped_task_or_option_names_the_nearest_one(words: list[str], told: str) -> None:
    done = fab(*words)
    assert (done.returncode, done.stderr) == (2, told)


def test_an_option_before_its_task_is_told_to_go_behind_it() -> None:
    done = fab("--tag", "v1", "-H", "h", "deploy")
    told = "--tag is an option of deploy.\nnext: type it behind deploy; see: fab --help deploy\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_a_command_without_quotes_is_told_to_have_them() -> None:
    """Of `ls -la` Invoke takes -l for its own --list."""
    told = [fab("-H", "h", "exec", "ls", option) for option in ("-la", "-a")]
    assert [(done.returncode, done.stderr.partition("\n")[2]) for done in told] == [
        (2, "next: put the command of exec in quotes, as one word\n")
    ] * 2
