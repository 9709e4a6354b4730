"""What comes out of repositories and render workers: listings, contents, modules, frames."""

from __future__ import annotations

import orjson
from tests.fuzzing.trying import Target

from shoal.engine.folders import GuardedFolder
from shoal.errors import ShoalError
from shoal.model.trees import MemoryTree
from shoal_plugins.git.addresses import parse_address, parse_server_url
from shoal_plugins.git.blobs import _answers as read_blobs
from shoal_plugins.git.listings import Listing
from shoal_plugins.git.submodules import _joined as join_submodule
from shoal_plugins.git.versions import newest, parse_range
from shoal_plugins.rendering.answering import Answers
from shoal_plugins.rendering.frames import BrokenFrame, encode, receive

_DIGEST = b"0123456789abcdef0123456789abcdef01234567"
_LISTING = b"".join(
    mode + b" " + _DIGEST + b" " + size + b"\t" + path + b"\0"
    for mode, size, path in (
        (b"100644 blob", b"      12", b"a.yaml"),
        (b"040000 tree", b"       -", b"apps"),
        (b"100755 blob", b" 1234567", b"apps/web.yaml"),
        (b"120000 blob", b"       9", b"apps/link"),
        (b"160000 commit", b"       -", b"apps/module"),
        (b"040000 tree", b"       -", b"apps/deep"),
        (b"100644 blob", b"       0", b"apps/deep/\xff\xfe.yaml"),
    )
)


class _Facts:
    async def look(self, name: str) -> object:
        return "v1.37.0"


def _read_listing(text: bytes) -> object:
    listing = Listing("digest", text)
    listing.submodules()
    for path in ("", "apps", "apps/deep", "none"):
        listing.folder(path)
    return [list(listing.following(path)) for path in ("a.yaml", "apps/link", "apps", "none")]


def _read_addresses(text: bytes) -> object:
    written = text.decode("utf-8", "surrogateescape")
    address = parse_address(written)
    return address.server, join_submodule(written, "../other")


def _read_proxy(text: bytes) -> object:
    return parse_server_url(text.decode("utf-8", "replace"), is_proxy=True)


def _read_versions(text: bytes) -> object:
    wanted, _, tags = text.decode("utf-8", "replace").partition("\n")
    return newest(tags.split("\n"), parse_range(wanted))


async def _read_frames(text: bytes) -> object:
    """What a worker sends, frame by frame, and what it is answered."""
    left = bytearray(text)

    async def exactly(size: int) -> bytes:
        if size > len(left):
            raise BrokenFrame("the worker is gone")
        taken = bytes(left[:size])
        del left[:size]
        return taken

    folder = GuardedFolder(MemoryTree({"web/a.yaml": "a", "b.yaml": "b"}), "web")
    answers = Answers(folder, "web", _Facts())
    while left:
        frame = await receive(exactly)
        sizes = frame.header.get("sizes")
        if isinstance(sizes, list) and all(isinstance(each, int) for each in sizes):
            frame.parts(sizes)
        given = await answers.answer(frame)
        encode(given.header, given.parts)
    return None


async def _read_path(text: bytes) -> object:
    """A path that somebody asks for, and a link that stands in the source."""
    path, _, link = text.decode("utf-8", "replace").partition("\n")
    tree = MemoryTree({"web/a.yaml": "a", "b.yaml": "b"}, links={"web/link": link})
    folder = GuardedFolder(tree, "web")
    await folder.find("link")
    return await folder.read(path)


SOURCE_TARGETS = (
    Target("listings", _read_listing, (ShoalError,), (_LISTING,)),
    Target(
        "contents",
        lambda text: list(read_blobs(text)),
        (ShoalError,),
        (_DIGEST + b" blob 5\nhello\n" + _DIGEST + b" blob 0\n\n", _DIGEST + b" missing\n"),
    ),
    Target(
        "addresses",
        _read_addresses,
        (ValueError,),
        (
            b"https://git.example.com:8443/a/b.git",
            b"ssh://git@git.example.com:22/~/a.git",
            b"git@git.example.com:a/b.git",
            b"file:///srv/git/a.git",
            b"./here",
            b"http://127.0.0.1:3000/a",
        ),
    ),
    Target("proxies", _read_proxy, (ValueError,), (b"http://proxy.example.com:3128",)),
    Target(
        "versions",
        _read_versions,
        (ValueError,),
        (
            b">=1.2 <2 || ~3.1.x\nv1.2.3\n1.9.0-rc.1+build\nv3.1.4",
            b"^0.2.3\n0.2.9",
            b"1.x - 2.3\n2",
        ),
    ),
    Target(
        "frames",
        _read_frames,
        (BrokenFrame, ShoalError),
        (
            encode({"ask": "find", "paths": ["a.yaml", "../b.yaml"]})
            + encode({"ask": "read", "paths": ["web/a.yaml"], "sizes": [1]}, [b"x"]),
            encode({"ask": "list", "path": "web"}) + encode({"ask": "walk", "path": ""}),
            encode({"ask": "facts", "names": ["kubernetesVersion"]}) + orjson.dumps({}),
        ),
    ),
    Target(
        "paths",
        _read_path,
        (ShoalError, FileNotFoundError),
        (b"a.yaml\n../b.yaml", b"link/../../b.yaml\n..", b"./x/../link\n../web/link"),
    ),
)
