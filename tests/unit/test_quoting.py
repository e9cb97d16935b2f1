"""Whatever a person can type or put into a file arrives on the host as it is, and is never run as a script."""

from __future__ import annotations

import re
import shlex
import shutil
import string
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from galos_ops.config.settings import Migration
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.host import files
from galos_ops.host.host import Host
from galos_ops.host.lock import script
from galos_ops.host.release_log import append, parse, release
from galos_ops.host.shell import for_login_shell, shell_path
from galos_ops.migrations import on_host
from galos_ops.migrations.tools import argv
from galos_ops.redaction import Secret
from tests.properties import PROCESSES
from tests.unit.local_host import SHELLS, LocalHost
from tests.unit.targets import FACTS, held

NASTY = "'\"`$\\;&|<>(){}[]*?!#~% \t\n\ré♥"
TEXT = st.text(st.sampled_from(NASTY + string.ascii_letters) | st.characters(exclude_characters="\0", codec="utf-8"))
TEXTS = st.lists(TEXT.map(lambda text: text[:200]), min_size=1, max_size=60)  # many at once: a process costs the most


@contextmanager
def machine(shell: str) -> Iterator[LocalHost]:
    """A host for one example, its home a path that needs quoting."""
    with tempfile.TemporaryDirectory() as directory:
        yield LocalHost(Path(directory), shell, home="it's $HOME")


def words(host: Host, line: str) -> list[str]:
    """The words that a shell makes of a line."""
    return host.run(f"printf '%s\\0' {line}", doing="print").stdout.split("\0")[:-1]


@pytest.mark.parametrize("shell", SHELLS)
@PROCESSES
@given(texts=TEXTS)
def test_a_word_arrives_as_it_was_typed(shell: str, texts: list[str]) -> None:
    with machine(shell) as host:
        home = str(host.home)
        assert words(host, shlex.join(texts)) == texts
        assert words(host, " ".join(map(shell_path, texts))) == [
            home if text == "~" else home + text[1:] if text.startswith("~/") else text for text in texts
        ]


@pytest.mark.parametrize("login_shell", [*SHELLS, *filter(shutil.which, ("fish", "zsh"))])
@PROCESSES
@given(texts=TEXTS)
@example(["\\\\", "\\'", "'\\", "\\"])
def test_a_script_is_the_same_whatever_the_login_shell(login_shell: str, texts: list[str]) -> None:
    """Without a fish here: it reads a backslash in quotes, where there is none then."""
    command = for_login_shell("printf '%s\\0' " + shlex.join(texts))
    ran = subprocess.run([login_shell, "-c", command], capture_output=True, check=True)
    assert ran.stdout.decode(errors="surrogateescape").split("\0")[:-1] == texts
    assert "\\" not in "".join(re.findall("'([^']*)'", command.replace('"\'"', "")))


@pytest.mark.parametrize("shell", SHELLS)
@PROCESSES
@given(texts=TEXTS)
def test_the_options_of_a_migration_tool_reach_it_as_they_are(shell: str, texts: list[str]) -> None:
    migration = Migration(tool="sqlx", arguments=shlex.join(texts))
    line = DockerCompose("printf '%s\\0'", (2, 26)).run("s", "n", argv(migration, "run"))
    with machine(shell) as host:
        assert host.run(line, doing="print").stdout.split("\0")[-len(texts) - 1 : -1] == texts


@pytest.mark.parametrize("shell", SHELLS)
@PROCESSES
@given(texts=TEXTS)
def test_the_values_of_env_reach_a_command_on_the_host_as_they_are(shell: str, texts: list[str]) -> None:
    with machine(shell) as host:
        rows = {f"ODD_{number}": text for number, text in enumerate(texts)}
        text = "".join(f"{name}={quoted(text)}\n" for name, text in rows.items())
        done = on_host.run(
            held(host, replace(FACTS, environment=Secret(text))), ["env", "-0"], doing="print", timeout=60
        )
    assert done.ok
    found = dict(line.partition("=")[::2] for line in done.stdout.split("\0"))
    assert {name: found[name] for name in rows} == rows


@pytest.mark.parametrize("shell", SHELLS)
def test_a_name_that_no_shell_can_export_stops_no_command_on_the_host_and_runs_as_none(shell: str) -> None:
    names = ("A.B", "A-B", "'A;echo ran;B'", "UID", "PPID", "1A", "A")
    with machine(shell) as host:
        text = "".join(f"{name}=x\n" for name in names)
        done = on_host.run(held(host, replace(FACTS, environment=Secret(text))), ["env"], doing="print", timeout=60)
    assert done.ok
    found = [line for line in done.stdout.splitlines() if line.endswith("=x") or "ran" in line]
    assert set(found) - {"UID=x", "PPID=x"} == {"A=x"}


def quoted(text: str) -> str:
    """A value as python-dotenv reads it back, in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@pytest.mark.parametrize("shell", SHELLS)
@PROCESSES
@given(name=TEXT.filter(lambda text: text.strip("/. ")), text=TEXT)
def test_a_file_is_read_back_as_it_was_written_whatever_its_name(shell: str, name: str, text: str) -> None:
    folder = name.replace("/", "-").replace("\n", " ").encode()[:100].decode(errors="ignore")
    with machine(shell) as host:
        path = f"~/{folder}/file"
        files.write(host, path, text)
        assert files.read(host, path, "~/none") == [text, None]
        assert [one.name for one in host.home.iterdir()] == [folder]


@pytest.mark.parametrize("shell", SHELLS)
@PROCESSES
@given(texts=TEXTS)
def test_who_holds_the_host_and_what_was_released_are_told_as_they_are(shell: str, texts: list[str]) -> None:
    who = " ".join(texts)
    taking = script("~", 0, "t0ken", who).removesuffix(": >holder") + "cat holder"
    with machine(shell) as host:
        assert host.run(taking, doing="lock").stdout == f"held\n{who}\n"
        line = replace(release("deploy", "galos-sync", "latest", "sha256:aa"), user=who, migrations=tuple(texts))
        host.run(f"cd ~\n{append(line)}", doing="log")
        assert parse(files.read(host, "~/.galos-ops/releases.jsonl")[0]).releases == (line,)
