"""Certificates of a secret: whom to trust for this source only, and who we are.

`ca.crt` holds authorities that are trusted in addition to those of the system, as Flux does it;
`tls.crt` and `tls.key` are a client certificate. Both are read and written again here, so that a
broken file is one clear sentence instead of whatever the TLS library of git makes of it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from shoal.errors import AccessDenied

# Where the distributions keep the system's authorities, as in Go's crypto/x509.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True, slots=True)
class Certificates:
    """All as PEM, empty when not given; false when none is."""

    authority: bytes = b""
    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)

    def __bool__(self) -> bool:
        return bool(self.authority or self.certificate)


def read_certificates(values: Mapping[str, bytes], secret: str) -> Certificates:
    """The certificates of a secret; AccessDenied when a key is there and of no use."""
    authority, certificate, key = (
        values.get(name, b"").strip() for name in ("ca.crt", "tls.crt", "tls.key")
    )
    if bool(certificate) != bool(key):
        raise AccessDenied(
            f"secret {secret} holds only one of tls.crt and tls.key",
            next_step="give it both, the certificate of this client and its private key",
        )
    return Certificates(
        _certificates(authority, "ca.crt", secret),
        _certificates(certificate, "tls.crt", secret),
        _private_key(key, certificate, secret),
    )


def system_authorities() -> bytes:
    """What git would trust by itself, as PEM; blocking. Empty when the system has no bundle."""
    named = os.environ.get("GIT_SSL_CAINFO"), ssl.get_default_verify_paths().cafile
    for path in (*named, *_BUNDLES):
        if path and Path(path).is_file():
            return Path(path).read_bytes()
    return b""


def _certificates(pem: bytes, key: str, secret: str) -> bytes:
    if not pem:
        return b""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise AccessDenied(
            f"the key {key} of secret {secret} holds no certificate that can be read",
            next_step="give it certificates as PEM (-----BEGIN CERTIFICATE-----)",
        ) from None
    return b"".join(each.public_bytes(Encoding.PEM) for each in found)


def _private_key(pem: bytes, certificate: bytes, secret: str) -> bytes:
    if not pem:
        return b""
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        raise AccessDenied(
            f"the key tls.key of secret {secret} holds no private key that can be read",
            next_step="give it a private key as PEM, without a passphrase",
        ) from None
    public = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    owner = x509.load_pem_x509_certificates(certificate)[0].public_key()
    if key.public_key().public_bytes(*public) != owner.public_bytes(*public):
        raise AccessDenied(
            f"tls.key of secret {secret} is not the key of the certificate in tls.crt",
            next_step="give it the key that the certificate was made for",
        )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
