"""The one path resolver against the kernel's: what is read is what realpath leads to, and inside.

Every tree stands in memory and on the disk. Outside of it lie files that must never be read, one of
them in a folder whose name begins as the source's does.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shoal.engine.folders import GuardedFolder
from shoal.engine.working_copies import working_copy
from shoal.errors import ShoalError, UnsafePath
from shoal.model.identity import Ref
from shoal.model.trees import MemoryTree
from shoal.testing.hosts import make_host

FILES = {"apps/web/a.yaml": "a", "apps/web2/b.yaml": "b", "base/c.yaml": "c", "d.yaml": "d"}
OUTSIDE = ("../secret", "../source-2/d.yaml", "../apps/web/a.yaml")
_PART = st.sampled_from(
    [
        *("..", ".", "", "a.yaml", "b.yaml", "c.yaml", "d.yaml", "web", "web2", "apps", "base"),
        *("l", "m", "n", "secret", "source", "source-2", "none", "A.YAML"),
    ]
)
PATHS = st.lists(_PART, min_size=1, max_size=8).map("/".join)
LINKS = st.dictionaries(
    st.sampled_from(["l", "apps/l", "apps/web/l", "apps/web/m", "base/m", "m", "base/n"]),
    PATHS.filter(lambda text: text != ""),
    max_size=5,
)


def written(folder: Path, links: dict[str, str]) -> Path:
    """The tree on the disk, as `source`, and around it what is none of its business."""
    root = folder / "source"
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    for path in OUTSIDE:
        outside = Path(os.path.normpath(root / path))
        outside.parent.mkdir(parents=True, exist_ok=True)
        outside.write_text("a secret")
    for path, target in links.items():
        (root / path).symlink_to(target)
    return root


def kernel_reads(root: Path, start: str, path: str) -> str | None:
    """What the kernel reads there, when it is a file of the source; None for all else."""
    try:
        real = Path(os.path.realpath(root / start / path, strict=True))
        with open(root / start / path) as file:
            content = file.read()
    except OSError:
        return None
    return content if real.is_relative_to(root) else None


def leaves_on_the_way(root: Path, start: str, path: str) -> bool:
    """Whether some step of it stands outside: to come back afterwards does not make it right."""
    at, rest, links = root, (start + "/" + path).split("/"), 0
    while rest and links < 41:
        part = rest.pop(0)
        at = Path(os.path.normpath(at / part)) if part == ".." else at / part
        if at.is_symlink():
            rest, links = [*os.readlink(at).split("/"), *rest], links + 1
            at = at.parent
        if not at.is_relative_to(root):
            return True
    return False


@settings(max_examples=60)
@given(start=st.sampled_from(["", "apps/web", "apps", "base"]), path=PATHS, links=LINKS)
@example(start="apps/web", path="../../../source-2/d.yaml", links={})
@example(start="", path="l/d.yaml", links={"l": "../source-2"})
@example(start="", path="l/source/d.yaml", links={"l": ".."})
@example(start="", path="l", links={"l": "m", "m": "l"})
@example(start="apps/web", path="l/../a.yaml", links={"apps/web/l": "../web2"})
async def test_what_is_read_is_what_the_kernel_reads_and_nothing_outside(
    start: str, path: str, links: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(os.path.realpath(made))
        root = written(folder, links)
        expected = kernel_reads(root, start, path)
        host = make_host(folder / "host")
        copy = await working_copy(root, Ref("default", "apps"), host.run_in_thread)
        for tree in (MemoryTree(FILES, links=links), copy.tree):
            try:
                content = (await GuardedFolder(tree, start).read(path)).decode()
            except UnsafePath:
                outside = expected is None or leaves_on_the_way(root, start, path)
                assert outside, f"{path} is refused, and the kernel reads {expected}"
            except (ShoalError, FileNotFoundError):
                # The kernel forgives a slash behind a link to a file; nobody needs that.
                assert expected is None or path.endswith(("/", "/."))
            else:
                assert content == expected
