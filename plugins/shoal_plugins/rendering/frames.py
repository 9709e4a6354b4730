"""Frames: how the controller and a render worker talk over a pair of pipes.

Two lengths of four bytes (big-endian), a header in JSON, a body of bytes: contents of files and
rendered objects travel in the body as they are, whatever bytes they hold. The other end is
`plugins/render-worker/frames.go`; its README.md says which frames there are. Used by `processes`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import orjson

_LENGTHS = struct.Struct(">II")
# More than any budget lets through; what is longer is not a frame of ours.
_LONGEST_HEADER = 16 << 20
_LONGEST_BODY = 256 << 20


class BrokenFrame(Exception):
    """What came is not a frame."""


class Receives(Protocol):
    """Gives exactly so many bytes; raises when the other end is gone."""

    async def __call__(self, size: int, /) -> bytes:
        """The next bytes."""
        ...


class Frame(NamedTuple):
    """One message. The body's parts have no borders: the header says where they are."""

    header: Mapping[str, Any]
    body: bytes = b""

    def parts(self, sizes: Iterable[int]) -> list[bytes]:
        """The body cut into parts of these sizes; BrokenFrame when they do not fill it."""
        found: list[bytes] = []
        start = 0
        for size in sizes:
            found.append(self.body[start : start + size])
            start += size
        if start != len(self.body):
            raise BrokenFrame(f"a body of {len(self.body)} bytes is said to have {start}")
        return found


def encode(header: Mapping[str, Any], parts: Sequence[bytes] = ()) -> bytes:
    """A frame as bytes."""
    text = orjson.dumps(header)
    return b"".join((_LENGTHS.pack(len(text), sum(map(len, parts))), text, *parts))


async def receive(exactly: Receives) -> Frame:
    """Read one frame; BrokenFrame for what is none, and whatever `exactly` raises."""
    header_length, body_length = _LENGTHS.unpack(await exactly(_LENGTHS.size))
    if not 0 < header_length <= _LONGEST_HEADER or body_length > _LONGEST_BODY:
        raise BrokenFrame(f"lengths of {header_length} and {body_length} bytes")
    text = await exactly(header_length)
    body = await exactly(body_length) if body_length else b""
    try:
        header = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BrokenFrame("a header that is not JSON") from error
    if not isinstance(header, dict):
        raise BrokenFrame("a header that is not a mapping")
    return Frame(header, body)
