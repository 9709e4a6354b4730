"""Which repository addresses are agreed to, decided before git sees them.

Git understands far more than Shoal needs: remote helpers (`ext::sh -c …`), ssh with options in the
host name, credentials inside the URL. Everything but https, http to this machine and local paths is
refused here, by one function, with a sentence that never repeats the address (it may hold a
password).
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

_LONGEST = 2048  # longer than any forge makes; argv and messages stay readable
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f]|%(?:0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)
_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")
_SCP_LIKE = re.compile(r"[^/]*:")


class Address(NamedTuple):
    """One agreed address: `text` as written, the git protocol it needs, the path when local."""

    text: str
    protocol: str
    path: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it names a folder of this machine."""
        return self.protocol == "file"

    @property
    def server(self) -> str:
        """Host and port; empty for a folder of this machine."""
        return "" if self.is_local else urlsplit(self.text).netloc.lower()

    @property
    def is_loopback(self) -> bool:
        """Whether it is a server on this machine, which no proxy may stand before."""
        return not self.is_local and _is_loopback(urlsplit(self.text).hostname or "")

    def location(self, base: Path) -> str:
        """What is handed to git: the URL, or an absolute path starting from `base`."""
        if not self.is_local:
            return self.text
        return os.path.normpath(base / self.path)


def parse_address(text: str) -> Address:
    """Agree to an address or raise ValueError; never echoes it, never touches the network."""
    if not text or len(text) > _LONGEST:
        raise ValueError("expected a repository address")
    if text.startswith("-"):
        raise ValueError("an address cannot start with a hyphen, git would take it for an option")
    if _HELPER.match(text):
        raise ValueError("remote helpers (`name::…`) are refused; use https://")
    if "://" in text:
        return _parse_url(text)
    if _SCP_LIKE.match(text):
        raise ValueError("ssh addresses are not supported; use https:// and secretRef")
    if _FORBIDDEN.search(text.replace(" ", "")):
        raise ValueError("an address cannot hold control characters")
    return Address(text, "file", text)


def _parse_url(text: str) -> Address:
    if _FORBIDDEN.search(text):
        raise ValueError("an address cannot hold spaces or control characters")
    parts = _split(text)
    if "@" in parts.netloc:
        raise ValueError("credentials do not belong in an address; use secretRef")
    if parts.query or parts.fragment:
        raise ValueError("an address has no query or fragment; a token belongs in secretRef")
    if parts.scheme == "file":
        return _parse_file(text, parts)
    if parts.scheme not in ("https", "http"):
        raise ValueError("expected https://, http:// to this machine, or a local path")
    host = parts.hostname or ""
    if not host or host.startswith("-"):
        raise ValueError("expected a host name after the scheme")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("http is allowed to this machine only; use https://")
    return Address(text.rstrip("/"), parts.scheme)


def _parse_file(text: str, parts: SplitResult) -> Address:
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ValueError("expected file:///path of this machine")
    return Address(text, "file", unquote(parts.path))


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises when it is no number
    except ValueError:
        # urllib's own message repeats the address.
        raise ValueError("expected an address such as https://host/path.git") from None
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
