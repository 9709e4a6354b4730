"""A certificate authority for one run, and the certificates and keys a control plane needs.

Everything is made fresh for every fleet of local control planes and lives in its folder. Elliptic
curves, because an RSA key would cost more time than the rest of the preparation. Valid for a year:
a local fleet does not live as long.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALIDITY = datetime.timedelta(days=365)
_BACKDATED = datetime.timedelta(minutes=5)  # clocks of containers on one machine differ a little


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its private key, both as PEM."""

    pem: bytes
    key_pem: bytes


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that signs for servers on loopback and for their clients."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """What clients must trust."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def sign_server(self, name: str) -> Certificate:
        """A certificate for a server on 127.0.0.1; good as a client's too (etcd wants both)."""
        return self._sign(_subject(name), is_server=True)

    def sign_client(self, user: str, groups: Sequence[str]) -> Certificate:
        """A certificate that an API server reads as this user in these groups."""
        return self._sign(_subject(user, groups), is_server=False)

    def _sign(self, subject: x509.Name, *, is_server: bool) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = _builder(subject, self.certificate.subject, key)
        if is_server:
            usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
            names = [
                x509.DNSName("localhost"),
                x509.DNSName("kubernetes.default.svc"),
                x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False).sign(
            self.key, hashes.SHA256()
        )
        return Certificate(signed.public_bytes(serialization.Encoding.PEM), private_pem(key))


def create_authority(name: str) -> Authority:
    """A new authority that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name)
    certificate = (
        _builder(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def create_signing_key() -> tuple[bytes, bytes]:
    """A private and a public key, as PEM, for service-account tokens."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private_pem(key), public


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key, not encrypted: the folder's mode protects it."""
    # kube-apiserver reads EC keys of service accounts only in the traditional form.
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _VALIDITY)
    )


def _subject(name: str, organisations: Sequence[str] = ()) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    attributes += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in organisations]
    return x509.Name(attributes)
