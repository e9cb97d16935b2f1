import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galos_ops.config.settings import Settings
from galos_ops.errors import NotReadyError, UsageError
from galos_ops.provisioning.database_url import url_problem
from galos_ops.provisioning.dotenv import Diff, checked, diff, difference, merge, push
from galos_ops.provisioning.dotenv_rules import problems
from galos_ops.provisioning.dotenv_text import BOM, assignments, parse
from tests.unit.fake_host import FakeHost
from tests.unit.local_host import LocalHost

URL = "DATABASE_URL=postgresql://galos:s3cret@db:5432/elite_development\n"
SECRET = "hunter2"

# What docker-compose 1.29.2, 2.26.1 and 5.6.1 gave the container, measured with `config`: all the same value ...
AGREED = [
    "K=abc", "K=a%24w", "K=abc$", "K=a$1b", "K='pa$w0rd'", "K='a$$b'", "K='a b'", 'K="a b"', "K=a b", "K=ab  ",
    "K=a#b", "K=a #b", "K='a #b'", 'K="a #b"', "K=it's", 'K=a"b', "K='it\\'s'", "K='a\\b'", "K=a\\b", "K=a\\nb",
    "K=ab\\", 'K="a\\nb"', 'K="a\\tb"', 'K="a\\\\b"', 'K="a\\xb"', 'K="a\\"b"', 'K="it\'s"', "K='a\"b'", "K=''",
    'K=""', "K=", "K='a' # c", "K = abc", "  K=abc", "K=a:b", "K=äß€", "K=`x`", "K=a;b&c|d", "K=a!b", "K=a\tb",
    "K=a[b]{c}", "K=~/x", "K=*", "K=a=b", "K=' a '", "K=   abc", "K='a'#c", "K=a$ b", "K=a$(id)", "K=== ", "A-B.C=x",
    "K='' # c", "K=a\u2028b", "K=a＄b",
]  # fmt: skip

# ... a value of their own each, or an error in one of them. "K" is in no message, so no value can be.
DISAGREED = [
    f"K=pa${SECRET}", "K=a$$b", f'K="pa${SECRET}"', f'K="pa\\${SECRET}"', f"K=pa\\${SECRET}", "K='a${HOME}b'",
    "K='a\\\\b'", "K='ab\\\\'", f"K= #{SECRET}", f"K=''{SECRET}''", f"K='a'{SECRET}", f"K: {SECRET}", SECRET,
    f"'K'={SECRET}", f'"K"={SECRET}', f"K=a\r{SECRET}", f"K=a\xa0#{SECRET}", f"K={SECRET}\t# c", f"export {SECRET}",
    "K=\"a\\'b\"", 'K="a\\0b"', "K=a${N-b}", "K=a${N:?b}", "K=a${N:+b}", "K=a${N", "K=a${}b", "K=a${1x}b",
    "K=${N:-a$b}", "K=${N:-${M}}", f"A B={SECRET}", f"1A={SECRET}", 'K="a\\\\"\nJ="b"',
]  # fmt: skip


def refusals(text: str) -> list[str]:
    return [str(problem) for problem in problems(text) if problem.refused]


@pytest.mark.parametrize("line", AGREED)
def test_what_every_docker_compose_reads_alike_is_taken(line: str) -> None:
    assert [found for found in problems(f"{line}\n{URL}") if found.kind != "name"] == []


@pytest.mark.parametrize("line", DISAGREED)
def test_what_they_read_in_different_ways_is_refused_without_its_value(line: str) -> None:
    found = refusals(f"{URL}{line}\n")
    assert found
    assert all(re.match("line [23]: ", message) for message in found)
    assert SECRET not in "".join(found)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("K=<<hostname>>", "K holds a placeholder"),
        ("K='x<<token>>'", "K holds a placeholder"),
        ("K=a\x00b", "K holds a control character"),
        ("K=1\nK=2", "K is set in line 2 already"),
        ("K=pa$w0rd", "put the value in single quotes"),
        ("K=amqp://u:pa$w0rd@h", "write it as %24"),
        ("K='amqp://u:pa${w0rd@h'", "write the $ as %24"),
        ("KEY", "has no ="),
    ],
)
def test_a_refusal_says_what_to_write(line: str, words: str) -> None:
    assert any(words in message for message in refusals(f"{URL}{line}\n"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("export K=1", "starts with export"),
        ('K="a\nb"', "more than one line"),
        ("K=a${HOME}", "fills in from its own variables"),
        ("K=${A:-b}", "fills in from its own variables"),
    ],
)
def test_what_only_some_understand_is_a_warning(line: str, words: str) -> None:
    [problem] = problems(f"{URL}{line}\n")
    assert words in problem.words
    assert not problem.refused


def test_a_comment_may_hold_anything() -> None:
    assert problems(f"# <<x>> $A\nK=v # <<x>> $A ${{B\n{URL}") == []


def test_problems_are_told_by_line_and_counted_past_blank_lines() -> None:
    found = refusals(f"\n\nA=$x\n# c\n\n\nB='\\\\'\n{URL}C=$y\n")
    assert [message.split(":")[0] for message in found] == ["line 3", "line 7", "line 9"]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://h/d",
        "postgres://u:p%40%2F%24@h:5432/d?sslmode=disable",
        "postgresql+asyncpg://u@h/d",
        "postgresql://h1:1,h2:2/d",
        "postgresql:///d?host=/run/postgresql",
        "postgresql://u@[::1]:5432/d",
        "postgresql://h?dbname=d",
        "mysql://u:p@h/d",
        "sqlite:///tmp/x.db",
        "sqlite3://x.db",
    ],
)
def test_database_urls_that_work(url: str) -> None:
    assert url_problem(url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "does not start with"),
        ("postgres", "does not start with"),
        ("postgress://h/d", "does not start with"),
        ("postgresql:/h/d", "does not start with"),
        ("postgresql://u:p@/d", "names no host"),
        ("postgresql://h", "names no database"),
        ("postgresql://h/", "names no database"),
        ("postgresql://h:port/d", "host or port"),
        ("postgresql://h:70000/d", "host or port"),
        ("postgresql://h:0/d", "port 0"),
        ("postgresql://u:pa ss@h/d", "holds a space"),
        ("postgresql://u:pa%ss@h/d", "starts no escape"),
        ("postgresql://u:pa#ss@h/d", "%23"),
        ("postgresql://u:pa/ss@h/d", "%2F"),
        ("postgresql://u:12/3@h/d", "%2F"),
        ("postgresql://u:pa?ss@h/d", "%3F"),
        ("postgresql://u:pa@ss@h/d", "%40"),
        ("postgresql://u:pa:ss@h/d", "%3A"),
        ("postgresql://u:pa[ss@h/d", "%5B"),
        ("sqlite://", "no database file"),
    ],
)
def test_database_urls_that_do_not(url: str, words: str) -> None:
    problem = url_problem(url)
    assert problem is not None
    assert words in problem
    assert not re.search("pa.{0,2}ss(?!word)", problem)


def test_database_url_must_be_there() -> None:
    assert refusals("K=1\n") == ["DATABASE_URL is not set"]
    assert refusals("") == ["DATABASE_URL is not set"]
    assert "DATABASE_URL is not set" in refusals("DATABASE_URL\n")


def test_database_url_is_checked_with_what_the_file_fills_in() -> None:
    assert refusals("PORT=5432\nDATABASE_URL=postgresql://h:${PORT}/d\n") == []
    assert refusals("PORT=x\nDATABASE_URL=postgresql://h:${PORT}/d\n") != []
    assert refusals("DATABASE_URL=postgresql://h:${PORT}/d\n") == []
    assert refusals("DATABASE_URL=postgresql://h:${PORT:-x}/d\n") != []


REMOTE = "# ours since 2019\n\nZ=1\nexport K=old # why\n  OTHER='a b'\n# end\n"


@pytest.mark.parametrize(
    ("local", "remote", "merged"),
    [
        ("K=new\n", None, "K=new\n"),
        ("# note\nK=new", None, "# note\nK=new"),
        ("K=new\n", "\n  \n", "K=new\n"),
        ("K=new\n", BOM, "K=new\n"),
        ("K=new\n", REMOTE, REMOTE.replace("export K=old", "K=new")),
        ("K=old\n", REMOTE, REMOTE),
        ("N=1\nM='2' # two\n", REMOTE, REMOTE + "N=1\nM='2'\n"),
        ("N=1\nM=2\n", "A=1", "A=1\nN=1\nM=2"),
        ("N=1\n", "A=1\r\nB=2\r\n", "A=1\r\nB=2\r\nN=1\r\n"),
        ("A=9\nN=1\n", "A=1\r\nB=2", "A=9\r\nB=2\r\nN=1"),
        ("A=9\n", f"{BOM}A=1\n", f"{BOM}A=9\n"),
        ("A=9\n", "A=1\nB=2\nA=3\n", "A=9\nB=2\nA=9\n"),
        ("A=9\n", "A='1'#c\n", "A=9 #c\n"),
        ("A=9\n", "A=1\t# c\n", "A=9 # c\n"),
        ("A=\n", "A=1 # c\n", "A='' # c\n"),
        ("A=\n", "A='' # c\n", "A='' # c\n"),
        ("A='p$w'\n", "A=p$w\n", "A='p$w'\n"),
        ('A="x\ny"\n', 'A="1\n2"\nB=3\n', 'A="x\ny"\nB=3\n'),
        ("A=9\n", "'A'=1\n", "A=9\n"),
        ("A=9\n", "A\n", "A=9\n"),
        ("A=9\n", "\n\n  A = 1  \nB=2\n", "\n\n  A=9  \nB=2\n"),
    ],
)
def test_merge(local: str, remote: str | None, merged: str) -> None:
    assert merge(local, remote, name="box: ~/.env") == merged


def test_a_host_file_with_other_lines_is_left_alone() -> None:
    with pytest.raises(NotReadyError, match=r"box: ~/\.env cannot be read") as caught:
        merge("K=1\n", f"A=1\n\nsome words {SECRET}\nK='open {SECRET}\n", name="box: ~/.env")
    assert "line 3, 4" in caught.value.evidence
    assert SECRET not in caught.value.evidence


names = st.sampled_from(["A", "B_1", "C.d", "E-f", "DATABASE_URL", "G", "H"])
raws = st.one_of(
    st.from_regex(r"[a-zA-Z0-9%:/@.;&|*\\ ü-]{0,8}", fullmatch=True).map(str.strip),
    st.from_regex(r"'[a-zA-Z0-9$ #\"\n]{0,8}'", fullmatch=True),
    st.from_regex(r'"[a-zA-Z0-9 #\'\n]{0,8}"', fullmatch=True),
)
ends = st.sampled_from(["\n", "\r\n"])
comments = st.sampled_from(["", " # a comment", "\t#tab"])
fillers = st.sampled_from(["", "\n", "# only here\n", "\n  \n", "  # indented\n"])


@st.composite
def files(draw: st.DrawFn, unique: bool = False) -> str:
    end = draw(ends)
    keys = draw(st.lists(names, min_size=1, unique=unique))
    values = [draw(raws.flatmap(lambda raw: comments.map(lambda words: raw and raw + words))) for _ in keys]
    lines = [
        draw(fillers).replace("\n", end)
        + draw(st.sampled_from(["", "  ", "export "]))
        + f"{key}{draw(st.sampled_from(['=', ' = ']))}{value}{end}"
        for key, value in zip(keys, values, strict=True)
    ]
    text = "".join(lines)
    return text if draw(st.booleans()) else text.removesuffix(end)


@given(files())
def test_the_stretches_are_the_text(text: str) -> None:
    assert "".join(entry.text for entry in parse(text)) == text


@given(st.text())
def test_any_text_is_read_without_a_crash(text: str) -> None:
    assert "".join(entry.text for entry in parse(text)) == text.removeprefix(BOM)
    assert problems(text) == sorted(problems(text))


@given(files(unique=True), files())
def test_merge_has_our_values_and_keeps_theirs(local: str, remote: str) -> None:
    merged = merge(local, remote, name="x")
    ours, theirs, both = assignments(local), assignments(remote), assignments(merged)
    assert all(both[key].says(entry) and both[key].value == entry.value for key, entry in ours.items())
    assert all(both[key].raw == entry.raw for key, entry in theirs.items() if key not in ours)
    kept = [entry.text for entry in parse(remote) if entry.key not in ours]
    result = iter([entry.text for entry in parse(merged)])
    assert all(any(text.rstrip("\r\n") == other.rstrip("\r\n") for other in result) for text in kept)
    assert merged.endswith(("\n", "\r")) == remote.endswith(("\n", "\r"))


@given(files(unique=True), files())
def test_merge_twice_is_merge_once(local: str, remote: str) -> None:
    once = merge(local, remote, name="x")
    assert merge(local, once, name="x") == once
    after = diff(local, once)
    assert (after.added, after.changed) == ((), ())


@given(files(unique=True), files())
def test_diff_is_empty_exactly_where_merge_changes_nothing(local: str, remote: str) -> None:
    found = diff(local, remote)
    assert (merge(local, remote, name="x") == remote) == (not found.added and not found.changed)


def test_diff_names_keys_sorted() -> None:
    found = diff("C=1\nB=2\nA=3\nX='1'\n", "B=1\nC=1\nOLD=1\nX=1\n")
    assert found == Diff(added=("A",), changed=("B", "X"), same=("C",), kept=("OLD",))
    assert str(found) == "added: A\nchanged: B, X\nsame: C\nonly on the host: OLD"


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "service.env"
    path.write_text(URL, encoding="utf-8")
    return path


def settings(local: Path) -> Settings:
    return Settings(env_file=str(local))


def test_push_writes_a_private_file_and_the_second_time_nothing(host: LocalHost, local: Path) -> None:
    first = push(host, settings(local))
    assert (first.changed, first.detail) == (True, "~/.env written: added DATABASE_URL")
    assert host.files() == {"~/.env": URL}
    placed = host.path("~/.env").stat()
    assert placed.st_mode & 0o777 == 0o600
    second = push(host, settings(local))
    assert (second.changed, second.detail) == (False, "~/.env unchanged")
    assert host.path("~/.env").stat().st_ino == placed.st_ino
    assert "s3cret" not in "".join(host.scripts)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606, 0o620])
def test_push_tightens_a_file_that_others_may_use(host: LocalHost, local: Path, mode: int) -> None:
    path = host.put("~/.env", URL, mode=mode)
    inode = path.stat().st_ino
    done = push(host, settings(local))
    assert (done.changed, done.detail) == (True, "~/.env made private (0600), its text unchanged")
    assert (path.stat().st_mode & 0o777, path.stat().st_ino) == (mode & 0o700, inode)
    assert not push(host, settings(local)).changed


def test_push_tightens_the_file_behind_a_link(host: LocalHost, local: Path) -> None:
    path = host.put("~/real", URL, mode=0o644)
    (host.home / ".env").symlink_to("real")
    assert push(host, settings(local)).changed
    assert path.stat().st_mode & 0o777 == 0o600
    assert (host.home / ".env").is_symlink()
    assert not push(host, settings(local)).changed


def test_push_goes_to_the_configured_directory(host: LocalHost, local: Path) -> None:
    directory = f"{host.home}/it's galos"
    host.put(f"{directory}/.env", "DATABASE_URL=x\nA=1\n")
    done = push(host, Settings(env_file=str(local), directory=f"{directory}/"))
    assert done.detail == f"{directory}/.env updated: changed DATABASE_URL"
    assert host.files() == {"~/it's galos/.env": URL + "A=1\n"}


def test_push_keeps_what_the_host_has_to_the_byte(host: LocalHost, local: Path) -> None:
    text = f"{BOM}# ours since 2019 é\r\n\r\n  OTHER='a b'\r\nexport DATABASE_URL=old # why\r\nLAST=1"
    host.put("~/.env", text)
    push(host, settings(local))
    assert host.files() == {"~/.env": text.replace("export DATABASE_URL=old", URL.strip())}


def test_push_leaves_a_file_that_it_cannot_merge_as_it_is(host: LocalHost, local: Path) -> None:
    path = host.put("~/.env", f"some words {SECRET}\n", mode=0o644)
    before = path.stat()
    with pytest.raises(NotReadyError, match="cannot be read") as caught:
        push(host, settings(local))
    assert SECRET not in f"{caught.value.message}"
    after = path.stat()
    assert (after.st_ino, after.st_mode, after.st_mtime_ns) == (before.st_ino, before.st_mode, before.st_mtime_ns)


def test_difference_changes_nothing_and_carries_the_warnings(host: LocalHost, local: Path) -> None:
    local.write_text(f"export K=1\n{URL}", encoding="utf-8")
    path = host.put("~/.env", "K=0\n", mode=0o644)
    found = difference(host, settings(local))
    assert (found.added, found.changed) == (("DATABASE_URL",), ("K",))
    assert found.warnings == ("line 1: starts with export, which docker-compose before 1.26 refuses",)
    assert host.files() == {"~/.env": "K=0\n"}
    assert path.stat().st_mode & 0o777 == 0o644


def test_push_tells_the_warnings(box: LocalHost, local: Path) -> None:
    local.write_text(f"export K=1\n{URL}", encoding="utf-8")
    assert "warning: line 1: starts with export" in push(box, settings(local)).detail


@pytest.mark.parametrize("name", ["A.B", "A-B", "spring.datasource.url"])
def test_a_name_that_no_shell_can_export_is_sent_with_a_warning(box: LocalHost, local: Path, name: str) -> None:
    local.write_text(f"{name}=1\n{URL}", encoding="utf-8")
    assert f"warning: line 1: {name} is a name that no shell can export" in push(box, settings(local)).detail
    assert box.files()["~/.env"] == local.read_text()


def test_checked_takes_windows_files(local: Path) -> None:
    local.write_bytes(f"{BOM}{URL}".replace("\n", "\r\n").encode())
    found = checked(str(local))
    assert found.text == URL
    assert len(found.warnings) == 1


def test_nothing_is_sent_while_the_local_file_has_errors(local: Path) -> None:
    local.write_text(f"A=$x{SECRET}\nB=<<token>>\nDATABASE_URL=nope://{SECRET}\n", encoding="utf-8")
    host = FakeHost()
    with pytest.raises(UsageError, match="cannot be sent") as caught:
        push(host, settings(local))
    assert [line.split()[2] for line in caught.value.evidence.splitlines()] == ["A", "B", "DATABASE_URL"]
    assert SECRET not in caught.value.evidence
    assert host.scripts == []


@pytest.mark.parametrize("content", [None, b"\xff\xfe", "directory"])
def test_a_local_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / ".env"
    if content == "directory":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        checked(str(path))
    assert str(path) in caught.value.sentence
    assert caught.value.hint


@pytest.mark.parametrize(("path", "where"), [("absent.env", "in this folder"), ("~/absent.env", "on this machine")])
def test_a_file_that_is_not_there_is_told_with_where_it_was_looked_for(path: str, where: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked(path)
    assert caught.value.sentence == f"There is no {path} {where}."


def test_no_value_is_in_a_repr(local: Path) -> None:
    shown = f"{checked(str(local))}{parse(URL)}{diff(URL, None)}"
    assert "DATABASE_URL" in shown
    assert "s3cret" not in shown
