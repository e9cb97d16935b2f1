"""What a sandbox makes up for itself: passwords, AWS keys, an SSH key and a certificate authority."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from galos_ops.errors import NotReadyError

BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class AccessKey:
    """An AWS access key."""

    id: str
    secret: str

    @classmethod
    def new(cls) -> AccessKey:
        """Make one up."""
        return cls("AKIA" + "".join(secrets.choice(BASE32) for _ in range(16)), secrets.token_hex(20))


@dataclass(frozen=True)
class Keys:
    """The secrets of one sandbox; `puller` is the key that its hosts are given, None where it is revoked."""

    password: str
    admin: AccessKey
    puller: AccessKey | None
    ssh_private: str
    ssh_public: str
    authority: str
    certificate: str
    certificate_key: str

    @classmethod
    def new(cls, names: Iterable[str]) -> Keys:
        """Make up everything, with a certificate for the given host names."""
        ssh = Ed25519PrivateKey.generate()
        public = ssh.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        private = ssh.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        authority, certificate, key = certify(names)
        return cls(
            password=secrets.token_hex(12),
            admin=AccessKey.new(),
            puller=AccessKey.new(),
            ssh_private=private.decode(),
            ssh_public=public.decode(),
            authority=authority,
            certificate=certificate,
            certificate_key=key,
        )

    @classmethod
    def load(cls, path: Path) -> Keys:
        """Read what `save` wrote."""
        values = json.loads(path.read_text())
        puller = values.pop("puller")
        return cls(**{**values, "admin": AccessKey(**values["admin"])}, puller=AccessKey(**puller) if puller else None)

    def save(self, path: Path) -> None:
        """Write everything to a file that only its owner reads."""
        write(path, json.dumps(asdict(self), indent=2), mode=0o600)

    def with_puller(self, key: AccessKey | None) -> Keys:
        """The same, with another key for the hosts."""
        return replace(self, puller=key)


def certify(names: Iterable[str]) -> tuple[str, str, str]:
    """Return a new authority, a certificate for `names` and the certificate's key, all PEM."""
    try:
        import trustme
    except ImportError:
        raise NotReadyError("the sandbox needs trustme", hint="pip install -e '.[test]'") from None
    authority = trustme.CA(organization_name="galos-ops sandbox")
    certificate = authority.issue_cert(*names)
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    return (authority.cert_pem.bytes().decode(), chain.decode(), certificate.private_key_pem.bytes().decode())


def write(path: Path, text: str, mode: int = 0o644) -> bool:
    """Replace a file whole, with its mode from the first byte; returns False where it was like that already."""
    if path.is_file() and path.read_text() == text and path.stat().st_mode & 0o777 == mode:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, mode)
        file.write(text)
    temporary.replace(path)
    return True
