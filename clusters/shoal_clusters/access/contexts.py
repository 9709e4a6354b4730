"""One context of a kubeconfig file, read strictly: text is text, and nothing is passed over.

A kubeconfig often comes from somebody else. So it is read by the one YAML reader, within bounds;
what would change who we are or where our requests go, and is not carried out (another user to act
as, a proxy), is refused instead of being left out.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from shoal.errors import AccessDenied, InvalidDocument
from shoal.model.yaml import NotYaml, YamlLimits, read_yaml

_LIMITS = YamlLimits(bytes=4 * 1024 * 1024, documents=1, depth=20, aliased=10_000)
"""A kubeconfig holds a few kilobytes per context; more than this is not one."""

_MOST_BYTES = 1024 * 1024  # of a token or a certificate
_TOKEN = re.compile(r"[\x21-\x7e]+")
_HIDDEN = re.compile(r"[\x00-\x20\x7f]")
_ACTS_AS = ("as", "as-uid", "as-groups", "as-user-extra")


@dataclass(frozen=True, slots=True)
class Context:
    """One context of a file: its cluster's and its user's part."""

    path: Path
    name: str
    cluster: Mapping[str, Any]
    user: Mapping[str, Any]

    def __str__(self) -> str:
        return f"context {self.name} of {self.path}"

    @property
    def runs_program(self) -> bool:
        """Whether its credential comes from a program, not from a file."""
        return bool(self.user.get("exec") or self.user.get("auth-provider"))

    @property
    def server(self) -> str:
        """The API server's address; a login in it would be shown in messages, and is refused."""
        address = self.text(self.cluster, "server")
        found = _split(address)
        if found is None or found.scheme != "https" or not found.hostname:
            raise InvalidDocument(
                f"{self} has no server with an https:// address",
                next_step="write the API server's address as clusters[].cluster.server",
            )
        if found.username is not None or found.query or found.fragment:
            raise InvalidDocument(
                f"the server of {self} is more than an address: it has a login, a query or a #",
                next_step="write https://HOST:PORT, and give its user a token or a certificate",
            )
        return address

    def refuse_what_is_not_carried_out(self) -> None:
        """Raise AccessDenied when requests would go elsewhere, or as another user, than it says."""
        if self.cluster.get("insecure-skip-tls-verify"):
            raise AccessDenied(
                f"{self} asks for insecure-skip-tls-verify",
                next_step="give the cluster's CA as certificate-authority-data instead",
            )
        if self.cluster.get("proxy-url"):
            raise AccessDenied(
                f"{self} asks for proxy-url, and clusters are reached without a proxy",
                next_step="give an address of the API server that can be reached from here",
            )
        if acting := [field for field in _ACTS_AS if self.user.get(field)]:
            raise AccessDenied(
                f"the user of {self} acts as somebody else ({', '.join(acting)})",
                next_step="give a credential of the user that is meant, with that user's rights",
            )

    def text(self, part: Mapping[str, Any], field: str) -> str:
        """The text of a field; empty when it is not there."""
        value = part.get(field)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise InvalidDocument(
                f"{field} in {self} is not text", next_step=f"put the value of {field} in quotes"
            )
        return value

    def content(self, part: Mapping[str, Any], field: str) -> bytes:
        """What `field-data` holds, in base64; nothing when it is not there."""
        inline = self.text(part, f"{field}-data")
        try:
            return base64.b64decode(inline, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidDocument(
                f"{field}-data in {self} is not base64",
                next_step="encode the PEM file with base64, without line breaks",
            ) from error

    def beside(self, named: str) -> Path:
        """A file that it names; a relative path starts at the kubeconfig's folder."""
        if "\0" in named:
            raise InvalidDocument(f"{self} names a file with a NUL in its path")
        return self.path.parent / Path(named).expanduser()

    def token(self) -> str:
        """The user's token, from its file if it has one, as client-go does: that is renewed."""
        named = self.text(self.user, "tokenFile")
        token = self.text(self.user, "token")
        where = "token"
        if named:
            where, file = f"tokenFile {named}", self.beside(named)
            try:
                token = read_bounded(file).decode("ascii").strip()
            except OSError as error:
                raise AccessDenied(f"{where} of {self} cannot be read: {error.strerror}") from error
            except ValueError as error:
                raise self._no_token(where) from error
        if token and not is_token(token):
            raise self._no_token(where)
        return token

    def _no_token(self, where: str) -> AccessDenied:
        """A file that is no token must not be sent to a server, whole or in part."""
        return AccessDenied(
            f"{where} of {self} is no token: a token is one line of plain characters",
            next_step="name the file that holds the token alone",
        )


def is_token(text: str) -> bool:
    """Whether it can stand in a header: anything else is a mistake, or another secret."""
    return _TOKEN.fullmatch(text) is not None


def read_context(path: Path, wanted: str | None) -> Context:
    """The context with this name, or the file's current one."""
    document = _read_file(path)
    current = document.get("current-context")
    name = wanted or (current if isinstance(current, str) else "")
    if not name:
        raise InvalidDocument(
            f"kubeconfig {path} has no current-context, and the Cluster names none",
            next_step=f"write context: one of {', '.join(_names(document, 'contexts'))}",
        )
    found = _named(path, document, "contexts", name)
    bare = Context(path, name, {}, {})
    cluster = _named(path, document, "clusters", bare.text(found, "cluster"))
    user = bare.text(found, "user")
    return Context(path, name, cluster, _named(path, document, "users", user) if user else {})


def read_bounded(file: Path, most_bytes: int = _MOST_BYTES) -> bytes:
    """The bytes of a file. OSError, also when it is too large, or a pipe or device.

    To open a pipe that nobody writes to, or to read some devices, would hold the thread for ever.
    """
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(None, "it is no file")
        with open(handle, "rb", closefd=False) as opened:
            content = opened.read(most_bytes + 1)
    finally:
        os.close(handle)
    if len(content) > most_bytes:
        raise OSError(None, f"it is larger than {most_bytes >> 20} MiB")
    return content


def _split(address: str) -> SplitResult | None:
    if _HIDDEN.search(address):
        return None
    try:
        found = urlsplit(address)
        _ = found.port
    except ValueError:  # a port that is no number, brackets that do not match
        return None
    return found


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        content = read_bounded(path, _LIMITS.bytes)
    except OSError as error:
        raise InvalidDocument(
            f"kubeconfig {path} cannot be read: {error.strerror}",
            next_step="correct the Cluster's access.kubeconfig.path, or put the file there",
        ) from error
    try:
        documents = read_yaml(content, limits=_LIMITS)
    except NotYaml as error:
        raise InvalidDocument(f"kubeconfig {path} is not YAML: {error}") from error
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        raise InvalidDocument(f"{path} is not a kubeconfig file")
    if problems := documents[0].problems:
        raise InvalidDocument(f"kubeconfig {path}, line {problems[0].line}: {problems[0].message}")
    return documents[0].value


def _named(path: Path, document: Mapping[str, Any], group: str, name: str) -> Mapping[str, Any]:
    """What an entry of a list holds: `contexts` hold `context`, and so on."""
    what = group.removesuffix("s")
    for entry in _entries(document, group):
        if entry.get("name") != name:
            continue
        held = entry.get(what)
        if isinstance(held, dict):
            return held
        if held is None and group == "users":
            return {}
        raise InvalidDocument(f"{group} entry {name} of kubeconfig {path} is empty")
    known = _names(document, group)
    near = difflib.get_close_matches(name, known, n=1)
    raise InvalidDocument(
        f"kubeconfig {path} has no {what} {name}",
        next_step=f"did you mean {near[0]}?" if near else f"it has: {', '.join(known) or 'none'}",
    )


def _entries(document: Mapping[str, Any], group: str) -> Sequence[Mapping[str, Any]]:
    entries = document.get(group)
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _names(document: Mapping[str, Any], group: str) -> list[str]:
    names = (entry.get("name") for entry in _entries(document, group))
    return [name for name in names if isinstance(name, str)]
