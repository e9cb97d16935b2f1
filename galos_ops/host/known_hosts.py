"""The known_hosts files of ssh, read as OpenSSH does (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT); pure but for `read`.

A line that OpenSSH would pass over is passed over here: an unknown marker or key type, bad base64, too few fields.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "ssh-dss",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
AUTHORITY, REVOKED = "@cert-authority", "@revoked"
SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}
"""The algorithms that a host proves a type of key with, where they have other names than the type."""


@dataclass(frozen=True)
class Entry:
    """A line: the key `blob` of a type, for the hosts of a comma-separated list of patterns or of a hashed name."""

    path: str
    line: int
    marker: str
    hosts: str
    key_type: str
    blob: bytes

    @property
    def place(self) -> str:
        return f"{self.path} line {self.line}"

    @property
    def fingerprint(self) -> str:
        """The key's SHA-256 as ssh shows it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    def about(self, name: str) -> bool:
        """Whether the line is about a host, by its name in lower case."""
        return _hashed(name, self.hosts) if self.hosts.startswith("|") else _listed(name, self.hosts)

    def names(self, name: str) -> bool:
        """Whether the line is about a host by its very name, which `ssh-keygen -R` needs to remove it."""
        return not self.marker and (self.hosts.startswith("|") or not set(self.hosts) & set("*?!")) and self.about(name)


@dataclass(frozen=True)
class KnownHosts:
    """All lines of a person's known_hosts files, and the files that could not be read with the reason."""

    entries: tuple[Entry, ...] = ()
    unreadable: tuple[str, ...] = ()

    def about(self, names: Iterable[str], marker: str = "") -> list[Entry]:
        """The lines with a marker that are about a host: those by its first name, without any those by its next one."""
        for name in names:
            found = [one for one in self.entries if one.marker == marker and one.about(name)]
            if found:
                return found
        return []

    def revoking(self, names: Iterable[str], blob: bytes) -> Entry | None:
        """The line that revokes a host's key, whichever of its names it is about."""
        wanted = list(names)
        lines = (one for one in self.entries if one.marker == REVOKED and one.blob == blob)
        return next((one for one in lines if any(map(one.about, wanted))), None)

    def algorithms(self, names: Iterable[str], offered: Iterable[str]) -> list[str]:
        """Host key algorithms, those first that a known key of the host can answer, else in the order given."""
        types = dict.fromkeys(one.key_type for one in self.about(names))
        known = {algorithm for name in types for algorithm in SIGNATURES.get(name, (name,))}
        return sorted(offered, key=lambda algorithm: algorithm not in known)


def read(paths: Iterable[Path]) -> KnownHosts:
    """Read the files that are there; one that cannot be read is passed over as ssh does, and told."""
    entries: list[Entry] = []
    unreadable: list[str] = []
    for path in paths:
        try:
            entries += parse(path.read_bytes(), str(path))
        except FileNotFoundError:
            continue
        except OSError as error:
            unreadable.append(f"{path}: {error.strerror}")
    return KnownHosts(tuple(entries), tuple(unreadable))


def parse(data: bytes, path: str = "known_hosts") -> list[Entry]:
    """The lines of a file that hold a key."""
    text = data.decode("utf-8", "surrogateescape")
    found = (_entry(line, path, number) for number, line in enumerate(text.split("\n"), 1))
    return [one for one in found if one]


def _entry(line: str, path: str, number: int) -> Entry | None:
    words = re.split(r"[ \t]+", line.strip(" \t\r"))
    marker = words.pop(0) if words[0].startswith("@") else ""
    if marker not in ("", AUTHORITY, REVOKED) or len(words) < 3 or words[0].startswith("#"):
        return None
    hosts, key_type, encoded = words[:3]
    try:
        blob = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    if key_type not in KEY_TYPES or not blob.startswith(len(key_type).to_bytes(4, "big") + key_type.encode()):
        return None
    return Entry(path, number, marker, hosts, key_type, blob)


def _hashed(name: str, hosts: str) -> bool:
    """`|1|SALT|HASH`: the HMAC-SHA1 of the name; one name a line."""
    parts = hosts.split("|")
    if len(parts) != 4 or parts[1] != "1":
        return False
    try:
        salt, digest = (base64.b64decode(part.encode("ascii"), validate=True) for part in parts[2:])
    except (binascii.Error, UnicodeEncodeError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode("utf-8", "surrogateescape"), hashlib.sha1).digest(), digest)


def _listed(name: str, hosts: str) -> bool:
    """Patterns with `*` and `?`; a `!` before one that matches excludes the host, whatever else matches."""
    patterns = [pattern for pattern in hosts.lower().split(",") if pattern]
    if any(_like(name, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(_like(name, pattern) for pattern in patterns if not pattern.startswith("!"))


def _like(name: str, pattern: str) -> bool:
    """Whether a name is like a pattern, `[host]:port` taken as it stands.

    A star takes as little as it can, and one more only where the rest does not fit: no pattern takes long.
    """
    at = star = start = place = 0
    starred = False
    while at < len(name):
        if place < len(pattern) and pattern[place] == "*":
            starred, star, start = True, place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", name[at]):
            at, place = at + 1, place + 1
        elif starred:
            start += 1
            at, place = start, star + 1
        else:
            return False
    return not pattern[place:].strip("*")
