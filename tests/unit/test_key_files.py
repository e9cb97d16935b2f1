"""Keys and certificates as ssh-keygen writes them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from paramiko.pkey import PublicBlob
from paramiko.ssh_exception import SSHException

from galos_ops.host.key_files import certificate, certified, load, public_key

KINDS = (("ed25519", ""), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("rsa", "2048"))
PHRASE = "correct horse"


def keygen(*words: str | Path) -> None:
    subprocess.run(["ssh-keygen", "-q", *map(str, words)], check=True, stdin=subprocess.DEVNULL)


def made(folder: Path, kind: str, bits: str, *more: str, phrase: str = "") -> tuple[str, bytes]:
    """The path of a new key and its public half, taken from the file beside it, which is there no longer."""
    path = folder / f"{kind}{bits}"
    keygen("-t", kind, *(["-b", bits] if bits else []), *more, "-N", phrase, "-f", path)
    public = path.with_name(f"{path.name}.pub")
    blob = PublicBlob.from_file(public).key_blob
    public.unlink()
    return str(path), blob


@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_the_public_half_is_read_without_the_file_beside(tmp_path: Path, kind: str, bits: str) -> None:
    path, blob = made(tmp_path, kind, bits)
    assert public_key(path) == blob
    assert load(path).asbytes() == blob


@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_the_public_half_of_an_encrypted_key_is_read_without_its_passphrase(
    tmp_path: Path, kind: str, bits: str
) -> None:
    path, blob = made(tmp_path, kind, bits, phrase=PHRASE)
    assert public_key(path) == blob
    with pytest.raises(SSHException, match="needs its passphrase: ssh-add it, or --prompt-for-passphrase"):
        load(path)
    assert load(path, PHRASE).asbytes() == blob


def test_a_key_in_the_old_format_is_read(tmp_path: Path) -> None:
    path, blob = made(tmp_path, "rsa", "2048", "-m", "PEM")
    assert public_key(path) == blob
    (tmp_path / "locked").mkdir()
    path, blob = made(tmp_path / "locked", "rsa", "2048", "-m", "PEM", phrase=PHRASE)
    assert public_key(path) is None
    assert public_key(path, PHRASE) == blob


def test_the_file_beside_a_key_comes_first_and_may_stand_for_it(tmp_path: Path) -> None:
    keygen("-t", "ed25519", "-N", "", "-f", tmp_path / "key")
    blob = PublicBlob.from_file(tmp_path / "key.pub").key_blob
    assert public_key(str(tmp_path / "key.pub")) == blob
    (tmp_path / "key").write_text("a handle of some hardware")
    assert public_key(str(tmp_path / "key")) == blob


@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_a_certificate_is_about_its_key(tmp_path: Path, kind: str, bits: str) -> None:
    keygen("-t", "ed25519", "-N", "", "-f", tmp_path / "authority")
    keygen("-t", kind, *(["-b", bits] if bits else []), "-N", "", "-f", tmp_path / "key")
    keygen("-s", tmp_path / "authority", "-I", "me", "-n", "root", tmp_path / "key.pub")
    found = certificate(str(tmp_path / "key-cert.pub"))
    assert found
    assert certified(found) == public_key(str(tmp_path / "key"))
    assert certificate(str(tmp_path / "key.pub")) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"ssh-ed25519", b"ssh-ed25519 AAAA", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END"],
)
def test_another_kind_of_file_is_no_key(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert public_key(str(path)) is None
    assert certificate(str(path)) is None
    with pytest.raises((SSHException, ValueError)):
        load(str(path))


@pytest.mark.parametrize(("kind", "bits"), [("ed25519", ""), ("ecdsa", "256")])
def test_a_damaged_key_is_told_as_one(tmp_path: Path, kind: str, bits: str) -> None:
    path, _ = made(tmp_path, kind, bits)
    first, *lines, last = Path(path).read_text().splitlines()
    reasons = set()
    for number, line in enumerate(lines):
        for at in range(0, len(line), 3):
            damaged = f"{line[:at]}{'C' if line[at] == 'B' else 'B'}{line[at + 1 :]}"
            Path(path).write_text("\n".join([first, *lines[:number], damaged, *lines[number + 1 :], last, ""]))
            public_key(path)
            try:
                load(path)
            except SSHException as error:
                reasons.add(str(error))
    assert f"{path}: it is damaged" in reasons


def test_a_file_that_is_not_there_is_no_key(tmp_path: Path) -> None:
    assert public_key(str(tmp_path / "none")) is None
    with pytest.raises(OSError, match="none"):
        load(str(tmp_path / "none"))
