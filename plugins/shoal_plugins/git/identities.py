"""The ssh key of a secret and the host keys it trusts, checked before ssh sees them.

`identity` is a private key (Ed25519, ECDSA or RSA; OpenSSH or PEM), `password` its passphrase when
it has one: ssh could only ask a person for that, so the key is opened here. `known_hosts` is not
optional: without it nobody could tell the forge from an impostor, and there is no way to skip the
check.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from shoal.errors import AccessDenied
from shoal_plugins.git.addresses import Address

_MOST_OPENED = 64
_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_MARKER = re.compile(rb"@(?:cert-authority|revoked)\s+")
_HOST_KEY = re.compile(rb"\S+\s+[a-z0-9@.-]+\s+[A-Za-z0-9+/]{16,}={0,2}(?:\s.*)?")


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key in OpenSSH's format without passphrase, and the lines of `known_hosts`."""

    key: bytes = field(repr=False)
    known_hosts: bytes = field(repr=False)


class OpenedKeys:
    """Keys that a passphrase has opened: that takes a tenth of a second of work, or seconds.

    In memory only, by a digest of the locked key and the passphrase, so that a rotated one is
    opened anew.
    """

    def __init__(self) -> None:
        self._opened: dict[bytes, bytes] = {}

    def open(self, pem: bytes, passphrase: bytes, secret: str) -> bytes:
        """The key in OpenSSH's format without passphrase; AccessDenied when it is none."""
        if not passphrase:
            return _open_key(pem, passphrase, secret)
        digest = hashlib.sha256(passphrase + b"\0" + pem).digest()
        if digest not in self._opened:
            key = _open_key(pem, passphrase, secret)
            while len(self._opened) >= _MOST_OPENED:
                del self._opened[next(iter(self._opened))]
            self._opened[digest] = key
        return self._opened[digest]


def read_identity(
    values: Mapping[str, bytes], secret: str, address: Address, opened: OpenedKeys
) -> Identity:
    """The key and the trusted hosts of a secret; AccessDenied says which is missing or broken.

    Blocking: opening a key with a passphrase is slow on purpose.
    """
    known_hosts = _known_hosts(values.get("known_hosts", b""), secret, address)
    pem = values.get("identity", b"").strip()
    if not pem:
        raise AccessDenied(
            f"secret {secret} has no key identity, which an ssh address needs",
            next_step="make one by `ssh-keygen -t ed25519 -N '' -f identity`, store the private "
            "half in the secret and give the public half to the forge",
        )
    passphrase = values.get("password", b"").strip()
    return Identity(opened.open(pem, passphrase, secret), known_hosts)


def _open_key(pem: bytes, passphrase: bytes, secret: str) -> bytes:
    load = load_ssh_private_key if pem.startswith(_OPENSSH) else load_pem_private_key
    try:
        key = _load(load, pem, passphrase)
        if isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey):
            return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    except TypeError:  # what cryptography raises for a passphrase that is missing
        raise AccessDenied(
            f"the key identity of secret {secret} is locked by a passphrase",
            next_step="store the passphrase in the same secret as the key password",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        pass
    locked = " cannot be opened with the passphrase in password, or" if passphrase else ""
    raise AccessDenied(
        f"the key identity of secret {secret}{locked} is not a private key that can be used",
        next_step="give it an Ed25519, ECDSA or RSA private key as `ssh-keygen` writes it",
    )


def _load(load: Callable[[bytes, bytes | None], object], pem: bytes, passphrase: bytes) -> object:
    if not passphrase:
        return load(pem, None)
    try:
        return load(pem, passphrase)
    except TypeError:  # a passphrase for a key that has none; as with ssh, that is no mistake
        return load(pem, None)


def _known_hosts(text: bytes, secret: str, address: Address) -> bytes:
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(b"#")]
    if not lines:
        raise AccessDenied(
            f"secret {secret} has no known_hosts, so the server {address.server} could not be "
            "told from an impostor",
            next_step=f"write the output of `{scan(address)}` into the key known_hosts, "
            "after comparing the fingerprints with those that the forge publishes",
        )
    for number, line in enumerate(lines, 1):
        if not _HOST_KEY.fullmatch(_MARKER.sub(b"", line)) or b"\0" in line:
            raise AccessDenied(
                f"line {number} of known_hosts in secret {secret} is not a host key",
                next_step=f"use lines as `{scan(address)}` prints them",
            )
    return b"\n".join(lines) + b"\n"


def scan(address: Address) -> str:
    """The command that prints the host keys of a server."""
    port = f"-p {address.port} " if address.port else ""
    return f"ssh-keyscan {port}{address.host}"
