"""The floor of rendering: render folders by the renderer alone, without engine or Git.

`python -m bench.rendering FORM ROOT FOLDER…` prints one line of JSON: the wall seconds of rendering
all folders one after the other, by a worker that is warm. Importing, starting the worker and
reading the files from the disk are not counted.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import anyio

from bench.forms import Form
from shoal.engine.folders import GuardedFolder
from shoal.hooks.host import Host
from shoal.model.manifests import Manifest
from shoal.model.trees import MemoryTree
from shoal.testing.facts import make_facts
from shoal.testing.hosts import make_host
from shoal_plugins.rendering import shoal_renderers


async def render_all(
    form: Form, root: Path, folders: Sequence[str]
) -> tuple[list[Manifest], float]:
    """What these folders hold, one after the other, and the seconds that it took."""
    tree = MemoryTree(_files(root, folders))
    with tempfile.TemporaryDirectory() as scratch:
        async with AsyncExitStack() as stack:
            host = make_host(Path(scratch), at_end=stack.push_async_callback)
            await _render(form, tree, folders[:1], host)
            started = time.monotonic()
            rendered = await _render(form, tree, folders, host)
            return rendered, time.monotonic() - started


async def _render(
    form: Form, tree: MemoryTree, folders: Sequence[str], host: Host
) -> list[Manifest]:
    renderer = _RENDERERS[form]
    rendered: list[Manifest] = []
    for name in folders:
        facts = make_facts(application=name)
        folder = GuardedFolder(tree, name)
        rendered += await renderer.render(renderer.spec(), folder, facts, host)
    return rendered


def _files(root: Path, folders: Sequence[str]) -> dict[str, bytes]:
    paths = (path for folder in folders for path in (root / folder).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


_RENDERERS = {Form(each.name): each for each in shoal_renderers()}


if __name__ == "__main__":
    _, seconds = anyio.run(render_all, Form(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
    sys.stdout.write(json.dumps({"wall": seconds}) + "\n")
