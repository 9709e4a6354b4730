"""Which repository addresses are agreed to, decided before git sees them.

Git understands far more than Shoal needs: remote helpers (`ext::sh -c …`), options in the place of
a host or user, credentials inside the URL. Everything but https, ssh, http to this machine and
local paths is refused here, by one function, with a sentence that never repeats the address (it may
hold a password). What is agreed to is spelled so plainly that git, curl and ssh read it alike.
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from shoal.model.locations import is_remote
from shoal.model.loopback import is_loopback

_LONGEST = 2048  # longer than any forge makes; argv and messages stay readable
_CONTROL = re.compile(r"[\x00-\x1f\x7f]|%(?:0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)
_FORBIDDEN = re.compile(rf"[ \\]|{_CONTROL.pattern}", re.IGNORECASE)
_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")
_SCP = re.compile(r"(?P<user>[^@:/]+)@(?P<host>[^@:/]+):(?P<path>[^-:].*)")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


class Address(NamedTuple):
    """One agreed address: `text` as written, the git protocol it needs, the path when local."""

    text: str
    protocol: str
    path: str = ""
    host: str = ""
    port: int | None = None

    @property
    def is_local(self) -> bool:
        """Whether it names a folder of this machine."""
        return self.protocol == "file"

    @property
    def is_ssh(self) -> bool:
        """Whether it is reached by ssh, with a key instead of a token."""
        return self.protocol == "ssh"

    @property
    def server(self) -> str:
        """Host and port; empty for a folder of this machine."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is a server on this machine, which no proxy may stand before."""
        return is_loopback(self.host)

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
        raise ValueError("remote helpers (`name::…`) are refused; use https:// or ssh://")
    if "://" in text:
        return _parse_url(text)
    if is_remote(text):
        return _parse_scp(text)
    if _CONTROL.search(text):
        raise ValueError("an address cannot hold control characters")
    return Address(text, "file", text)


def parse_server_url(text: str, *, is_proxy: bool = False) -> SplitResult:
    """The parts of an https URL, or of an http URL to this machine; ValueError for all else.

    A proxy may be anywhere and speak plain HTTP: what goes through it is TLS from end to end.
    """
    if _FORBIDDEN.search(text):
        raise ValueError("an address cannot hold spaces, backslashes or control characters")
    parts = _split(text)
    if "@" in parts.netloc:
        raise ValueError("credentials do not belong in an address; use secretRef")
    if parts.query or parts.fragment:
        raise ValueError("an address has no query or fragment; a token belongs in secretRef")
    if parts.scheme not in ("https", "http"):
        raise ValueError("expected https://, ssh://, http:// to this machine, or a local path")
    host = _agreed_host(parts)
    if parts.scheme == "http" and not (is_proxy or is_loopback(host)):
        raise ValueError("http is allowed to this machine only; use https://")
    return parts


def _parse_url(text: str) -> Address:
    scheme = text.partition("://")[0].lower()
    if scheme == "ssh":
        return _parse_ssh(text)
    if scheme == "file":
        return _parse_file(text)
    parts = parse_server_url(text)
    return Address(text.rstrip("/"), parts.scheme, "", (parts.hostname or "").lower(), parts.port)


def _parse_ssh(text: str) -> Address:
    if _FORBIDDEN.search(text) or "%" in text:
        raise ValueError("an ssh address cannot hold spaces, control characters or %")
    parts = _split(text)
    user, separator, server = parts.netloc.rpartition("@")
    if not separator:
        raise ValueError("name the user of the ssh address, as in ssh://git@host/path.git")
    if ":" in user:
        raise ValueError("credentials do not belong in an address; use secretRef")
    if not _USER.fullmatch(user):
        raise ValueError("expected a plain user name in the ssh address, such as git")
    if parts.query or parts.fragment or "#" in text or "?" in text:
        raise ValueError("an address has no query or fragment")
    if len(parts.path) < 2:
        raise ValueError("expected the path of a repository after the host")
    host = _agreed_host(parts)
    if server.endswith(":"):
        raise ValueError("expected a port after the colon, as in ssh://git@host:22/path.git")
    return Address(text.rstrip("/"), "ssh", "", host.lower(), parts.port)


def _parse_scp(text: str) -> Address:
    if _FORBIDDEN.search(text):
        raise ValueError("an address cannot hold spaces, backslashes or control characters")
    found = _SCP.fullmatch(text)
    if not found:
        raise ValueError("expected user@host:path, or ssh://user@host:port/path.git")
    if not _USER.fullmatch(found["user"]):
        raise ValueError("expected a plain user name in the ssh address, such as git")
    if not _HOST.fullmatch(found["host"]):
        raise ValueError("expected a plain host name, such as forge.example.org")
    return Address(text.rstrip("/"), "ssh", "", found["host"].lower())


def _parse_file(text: str) -> Address:
    if _FORBIDDEN.search(text):
        raise ValueError("an address cannot hold spaces, backslashes or control characters")
    parts = _split(text)
    if parts.query or parts.fragment:
        raise ValueError("an address has no query or fragment; a token belongs in secretRef")
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ValueError("expected file:///path of this machine")
    return Address(text, "file", unquote(parts.path))


def _split(text: str) -> SplitResult:
    # urllib's own message repeats the address.
    expected = ValueError("expected an address such as https://host/path.git")
    try:
        parts = urlsplit(text)
        port = parts.port  # raises when it is no number
    except ValueError:
        raise expected from None
    if port == 0:
        raise expected
    return parts


def _agreed_host(parts: SplitResult) -> str:
    """A host name of letters, digits, dots and hyphens, or an IP address in its usual form."""
    host = parts.hostname or ""
    if parts.netloc.rpartition("@")[2].startswith("["):
        try:
            # No zone (`%eth0`), which each of git, curl and ssh writes in a way of its own.
            return str(ipaddress.IPv6Address(host.replace("%", "!")))
        except ValueError:
            raise ValueError("expected an IPv6 address between the brackets") from None
    if not _HOST.fullmatch(host):
        raise ValueError("expected a host name after the scheme, in ASCII letters and digits")
    return host
