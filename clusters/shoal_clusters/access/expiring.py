"""When a credential ends, as it says itself: the `exp` of a token, the end of a certificate.

Nothing is verified here and nothing is refused: the API server decides. What cannot be read says
nothing, for a token may be of any form.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from cryptography import x509


class Lifetime(NamedTuple):
    """From when until when a credential counts; None where it does not say."""

    begins: datetime | None = None
    ends: datetime | None = None


class _Bound(msgspec.Struct):
    """What an API server adds to a Pod's token that it lets count for a year."""

    warnafter: float | None = None


class _Claims(msgspec.Struct):
    iat: float | None = None
    nbf: float | None = None
    exp: float | None = None
    bound: _Bound = msgspec.field(name="kubernetes.io", default_factory=_Bound)


def lifetime_of_token(token: str) -> Lifetime:
    """What a JSON Web Token says of itself (RFC 7519, 4.1); any other token says nothing.

    A Pod's token that a kubelet rotates ends when it should have been: a server that still takes it
    then (KEP-1205 lets it, for a year) counts whoever shows it as a client that reads no new one.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return Lifetime()
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = msgspec.json.decode(urlsafe_b64decode(padded), type=_Claims)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return Lifetime()
    begins = claims.iat if claims.iat is not None else claims.nbf
    ends = [time for time in (claims.exp, claims.bound.warnafter) if time is not None]
    return Lifetime(_time(begins), _time(min(ends, default=None)))


def lifetime_of_certificate(pem: bytes) -> Lifetime:
    """The validity of the first certificate in a file, which is the client's own."""
    try:
        found = x509.load_pem_x509_certificates(pem)[0]
    except ValueError:  # TLS says what is wrong with it
        return Lifetime()
    return Lifetime(found.not_valid_before_utc, found.not_valid_after_utc)


def shortest(lifetimes: Iterable[Lifetime]) -> Lifetime:
    """The one that ends first; what does not end does not count."""
    ending = [(each.ends, each) for each in lifetimes if each.ends is not None]
    return min(ending, key=lambda pair: pair[0])[1] if ending else Lifetime()


def _time(seconds: float | None) -> datetime | None:
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # a year that no calendar has
        return None
