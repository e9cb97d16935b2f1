"""The files of SSH keys: a private key, the public key that belongs to it, a certificate (ssh-keygen(1))."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from paramiko import ECDSAKey, Ed25519Key, Message, PKey, RSAKey
from paramiko.pkey import PublicBlob
from paramiko.ssh_exception import PasswordRequiredException, SSHException

UNREADABLE = (SSHException, OSError, ValueError)
"""What reading a file may raise that is another kind of file, or none."""

DAMAGED = "it is damaged"
KINDS: tuple[type[PKey], ...] = (Ed25519Key, ECDSAKey, RSAKey)
CERTIFIED = {
    "ssh-ed25519-cert-v01@openssh.com": ("ssh-ed25519", 1),
    "ssh-rsa-cert-v01@openssh.com": ("ssh-rsa", 2),
    "ecdsa-sha2-nistp256-cert-v01@openssh.com": ("ecdsa-sha2-nistp256", 2),
    "ecdsa-sha2-nistp384-cert-v01@openssh.com": ("ecdsa-sha2-nistp384", 2),
    "ecdsa-sha2-nistp521-cert-v01@openssh.com": ("ecdsa-sha2-nistp521", 2),
    "sk-ssh-ed25519-cert-v01@openssh.com": ("sk-ssh-ed25519@openssh.com", 2),
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com": ("sk-ecdsa-sha2-nistp256@openssh.com", 3),
}
"""The type of the key in a type of certificate, and of how many fields that key is (OpenSSH, PROTOCOL.certkeys)."""

ARMOURED = re.compile(r"-----BEGIN OPENSSH PRIVATE KEY-----(.*)-----END", re.DOTALL)
MAGIC = b"openssh-key-v1\0"


def load(path: str, passphrase: str | None = None) -> PKey:
    """Return a private key; raises one of `UNREADABLE`, which names the file."""
    reason: Exception | str = "it is no private key"
    for kind in KINDS:
        try:
            return kind.from_private_key_file(path, passphrase)
        except PasswordRequiredException:
            raise SSHException(f"{path} needs its passphrase: ssh-add it, or --prompt-for-passphrase") from None
        except (SSHException, ValueError) as error:
            reason = reason if reason == DAMAGED else error
        except OSError:
            raise
        except Exception:  # a reader that believes what the file says of its lengths
            reason = DAMAGED
    raise SSHException(f"{path}: {reason}")


def public_key(path: str, passphrase: str | None = None) -> bytes | None:
    """Return the public half of a private key, from the file beside it if it is there; None where none can be read."""
    for read, file in ((_public, f"{path}.pub"), (_public, path), (_armoured, path)):
        try:
            return read(file)
        except UNREADABLE:
            continue
    try:
        return bytes(load(path, passphrase).asbytes())
    except UNREADABLE:
        return None


def certificate(path: str) -> PublicBlob | None:
    """Return the certificate in a file, None where there is none that can be read."""
    try:
        found = PublicBlob.from_file(path)
    except UNREADABLE:
        return None
    return found if found.key_type in CERTIFIED else None


def certified(found: PublicBlob) -> bytes:
    """Return the public key that a certificate is about."""
    message, key = Message(found.key_blob), Message()
    kind, fields = CERTIFIED[message.get_text()]
    message.get_string()  # the nonce
    key.add_string(kind)
    for _ in range(fields):
        key.add_string(message.get_string())
    return key.asbytes()


def _public(path: str) -> bytes:
    blob: bytes = PublicBlob.from_file(path).key_blob
    return blob


def _armoured(path: str) -> bytes:
    """The public key that stands unencrypted before an encrypted private one (OpenSSH, PROTOCOL.key)."""
    found = ARMOURED.search(Path(path).read_text())
    message = Message(base64.b64decode(found[1]) if found else b"")
    if message.get_bytes(len(MAGIC)) != MAGIC:
        raise ValueError("not OpenSSH's own format")
    for _ in ("cipher", "derivation", "its options"):
        message.get_string()
    message.get_int()  # how many keys follow: one
    return message.get_string()
