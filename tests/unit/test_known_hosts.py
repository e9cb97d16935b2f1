"""known_hosts, read as OpenSSH reads it: its own ssh-keygen is asked about the same lines."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import paramiko
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galos_ops.host.known_hosts import AUTHORITY, REVOKED, KnownHosts, parse, read

KEY, OTHER = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
WORDS = f"{KEY.get_name()} {KEY.get_base64()}"
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7DcyvTmAR5HVi2ZdH3PQ2ZbqHRM5eGHvNTIdbGFOLm"

LINES = (
    f"galos-1 {WORDS}",
    f"galos-2,galos-3\t{WORDS} a comment",
    f"  [galos-1]:2222   {WORDS}",
    f"*.example.org,!old.example.org,10.0.?.1 {WORDS}",
    f"GALOS-4 {WORDS}",
    f"@cert-authority *.example.net {WORDS}",
    f"@revoked galos-1,*.example.com {WORDS}",
    f"[*]:2200 {WORDS}",
    f"!* {WORDS}",
    f"galos-5 {ED25519}",
    "# galos-1 a comment",
    "",
    f"#galos-1 {WORDS}",
)
SPOILED = (
    "galos-1",
    "galos-1 ssh-ed25519",
    "galos-1 ssh-ed25519 %%%%",
    "galos-1 ssh-ed25519 AAAA",
    f"galos-1 ssh-rsa {ED25519.split()[1]}",
    f"galos-1 ssh-unknown {ED25519.split()[1]}",
    f"@sign-authority galos-1 {WORDS}",
    "@revoked",
    "@cert-authority galos-1",
    "galos-1 1024 35 1234567890",
)
NAMES = (
    *("galos-1", "galos-2", "galos-3", "galos-4", "galos-5", "galos", "[galos-1]:2222", "[galos-2]:2200"),
    *("a.example.org", "old.example.org", "example.org", "10.0.7.1", "10.0.77.1", "b.example.net", "c.example.com"),
)


def found_by_ssh(path: Path, name: str) -> set[tuple[int, str]]:
    """The numbers and markers of the lines that ssh-keygen finds for a host."""
    told = subprocess.run(["ssh-keygen", "-F", name, "-f", str(path)], capture_output=True, text=True, check=False)
    found = re.findall(r"found: line (\d+)(?: (CA|REVOKED))?\s*$", told.stdout, re.MULTILINE)
    return {(int(line), {"CA": AUTHORITY, "REVOKED": REVOKED}.get(marker, "")) for line, marker in found}


def found_here(path: Path, name: str) -> set[tuple[int, str]]:
    return {(one.line, one.marker) for one in read([path]).entries if one.about(name)}


def test_ssh_finds_the_same_lines_of_each_host(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text("\n".join(LINES) + "\n")
    found = {name: found_here(path, name) for name in NAMES}
    assert found == {name: found_by_ssh(path, name) for name in NAMES}
    assert found["galos-1"] == {(1, ""), (7, REVOKED)}
    assert found["galos"] == set()


def test_ssh_finds_the_same_lines_when_the_names_are_hashed(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text("\n".join(LINES[:3]) + "\n")
    subprocess.run(["ssh-keygen", "-H", "-f", str(path)], check=True, capture_output=True)
    assert "galos" not in path.read_text()
    names = ("galos-1", "galos-2", "galos-3", "[galos-1]:2222", "galos-4", "galos")
    found = {name: found_here(path, name) for name in names}
    assert found == {name: found_by_ssh(path, name) for name in names}
    assert all(found[name] for name in names[:4])


@pytest.mark.parametrize("line", SPOILED)
def test_a_spoiled_line_is_passed_over(line: str) -> None:
    assert parse(f"{line}\nhere {WORDS}\n".encode())[0].hosts == "here"


@given(st.binary())
def test_no_bytes_are_an_error(data: bytes) -> None:
    for one in parse(data + f"\nhere {WORDS}".encode()):
        one.about("galos-1")


@given(st.lists(st.sampled_from([b"@revoked", b"@", b"|1|", b"|", b"=", b"AAAA", b" ", b"\t", b"!*", b"\xff", b","])))
def test_no_pieces_of_a_line_are_an_error(pieces: list[bytes]) -> None:
    for one in parse(b"".join(pieces) + f" {WORDS}".encode()):
        one.about("galos-1")


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_patterns_are_those_of_a_shell(pattern: str, name: str) -> None:
    words = f"{pattern} {WORDS}".encode()
    wanted = "".join({"*": ".*", "?": "."}.get(char, char) for char in pattern)
    for one in parse(words):
        assert one.about(name) == bool(re.fullmatch(wanted, name))


def test_a_pattern_of_stars_takes_no_time() -> None:
    [one] = parse(f"{'a*' * 2000}b {WORDS}".encode())
    assert not one.about("a" * 255)


def known(*lines: str) -> KnownHosts:
    return KnownHosts(tuple(parse("\n".join(lines).encode())))


def test_a_host_may_have_several_keys_of_one_type() -> None:
    lines = known(f"galos-1 {OTHER.get_name()} {OTHER.get_base64()}", f"galos-1 {WORDS}")
    assert [one.blob for one in lines.about(["galos-1"])] == [OTHER.asbytes(), KEY.asbytes()]
    assert lines.entries[0].fingerprint == OTHER.fingerprint


def test_the_name_with_the_port_comes_before_the_name_alone() -> None:
    lines = known(f"galos-1 {ED25519}", f"[galos-1]:2222 {WORDS}")
    assert [one.line for one in lines.about(["[galos-1]:2222", "galos-1"])] == [2]
    assert [one.line for one in lines.about(["[galos-1]:2200", "galos-1"])] == [1]


def test_a_key_is_revoked_under_any_name_of_the_host() -> None:
    lines = known(f"[galos-1]:2222 {WORDS}", f"@revoked galos-1 {WORDS}")
    assert lines.revoking(["[galos-1]:2222", "galos-1"], KEY.asbytes()) == lines.entries[1]
    assert lines.revoking(["galos-2"], KEY.asbytes()) is None
    assert lines.revoking(["galos-1"], OTHER.asbytes()) is None


@pytest.mark.parametrize(
    ("line", "first"),
    [
        (f"galos-1 {WORDS}", "ecdsa-sha2-nistp256"),
        (f"galos-1 {ED25519}", "ssh-ed25519"),
        (f"@revoked galos-1 {WORDS}", "ssh-ed25519"),
        (f"galos-2 {WORDS}", "ssh-ed25519"),
    ],
)
def test_the_algorithms_of_known_keys_are_offered_first(line: str, first: str) -> None:
    usual = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256")
    offered = known(line).algorithms(["galos-1"], usual)
    assert offered[0] == first
    assert sorted(offered) == sorted(usual)


def test_an_rsa_key_is_proved_with_sha2() -> None:
    rsa = paramiko.RSAKey.generate(2048)
    lines = known(f"galos-1 ssh-rsa {rsa.get_base64()}")
    assert lines.algorithms(["galos-1"], ("ssh-ed25519", "rsa-sha2-512"))[0] == "rsa-sha2-512"


def test_a_file_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "one").write_text(f"galos-1 {WORDS}\n")
    found = read([tmp_path, tmp_path / "none", tmp_path / "one"])
    assert [one.hosts for one in found.entries] == ["galos-1"]
    assert found.unreadable == (f"{tmp_path}: Is a directory",)


def test_only_a_line_with_the_very_name_can_be_removed_by_ssh_keygen() -> None:
    lines = known(f"galos-1 {WORDS}", f"galos-* {WORDS}", f"@revoked galos-1 {WORDS}")
    assert [one.names("galos-1") for one in lines.entries] == [True, False, False]
