import subprocess
from pathlib import Path

import pytest

from galos_ops.shell import shell_path
from galos_ops.ssh import known_hosts_files


@pytest.mark.parametrize("path", ["~", "~/a b", "~/it's", "/srv/$HOME", "/srv/`id`;x", "~/-n", '/a"b\\c', "~/ü"])
def test_a_path_is_one_shell_word_whatever_is_in_it(path: str, tmp_path: Path) -> None:
    told = subprocess.run(
        ["sh", "-c", f"printf %s {shell_path(path)}"], env={"HOME": str(tmp_path)}, capture_output=True, check=True
    )
    expected = path.replace("~", str(tmp_path), 1) if path.startswith("~") else path
    assert told.stdout.decode() == expected


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
