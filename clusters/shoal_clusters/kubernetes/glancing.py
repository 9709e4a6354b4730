"""What lists and watches say, read no deeper than is needed to tell one object from another.

The bytes of an object are kept as they came: most are only the echo of what is known, and the rest
of those is never read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from shoal.errors import ServerBusy
from shoal_clusters.kubernetes.discovering import Resource

T = TypeVar("T")

PAGE = 500
"""Objects asked for at once in a list."""


class Glance(msgspec.Struct):
    """What is read of an object before it is decided whether to read the rest."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""


class Seen(msgspec.Struct):
    """One object as it came: a glance at its metadata, and its bytes."""

    metadata: Glance


class Event(msgspec.Struct):
    """A line of a watch: what happened, and to which object."""

    type: str
    object: msgspec.Raw


class PageMetadata(msgspec.Struct):
    """Where a list goes on; empty at its end."""

    resourceVersion: str = ""
    next: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct):
    """A part of a list."""

    metadata: PageMetadata
    # null, when a list as metadata alone has none
    items: tuple[msgspec.Raw, ...] | None = None


class Status(msgspec.Struct):
    """Why a watch ended, in its last line."""

    code: int = 0
    message: str = ""


read_event = msgspec.json.Decoder(Event).decode
read_page = msgspec.json.Decoder(Page).decode
read_seen = msgspec.json.Decoder(Seen).decode
read_status = msgspec.json.Decoder(Status).decode


def read(decode: Callable[[bytes], T], text: bytes, *, of: Resource, cluster: str) -> T:
    """Read it; ServerBusy for what is no object, which stalls who asked and nobody else."""
    try:
        return decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ServerBusy(f"{of.plural} on cluster {cluster} are not what is read") from error
