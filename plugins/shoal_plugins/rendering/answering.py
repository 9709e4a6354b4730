"""What a render worker is told when it asks: files of the source, facts of the cluster.

The worker has no files, no network and no memory of other renders: all that it knows, it asks for
here, and all of it goes through the core's guards, which keep paths inside the source, count what
is read, and note each look for the memo. An error of a guard ends the render: the worker is told
that it was refused, and the guard's own error is what the caller gets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import Any, NamedTuple

from shoal.errors import MissingFact, ShoalError
from shoal.hooks.renderers import ClusterFacts, Folder
from shoal.model.artifacts import Entry
from shoal.model.facts import ASKED_FOR
from shoal.model.secret_values import values_among, without
from shoal.model.yaml import NotYaml, read_yaml
from shoal_plugins.rendering.frames import BrokenFrame, Frame
from shoal_plugins.rendering.walking import walk

_MOST_VALUES = 1 << 20  # bytes of value files that are looked through when a render failed


class Answer(NamedTuple):
    """The header and the parts of the body of an answer."""

    header: Mapping[str, Any]
    parts: Sequence[bytes] = ()


class Answers:
    """Answers the asks of one render. `refusal` is the error that ended it, if one did.

    What it has read is kept as far as it may be a file of values: see `without_secrets`.
    """

    def __init__(self, folder: Folder, root: str, facts: ClusterFacts) -> None:
        self.refusal: ShoalError | None = None
        self._values: list[bytes] = []
        self._room = _MOST_VALUES
        self._folder = folder
        self._root = root
        self._facts = facts

    async def answer(self, ask: Frame) -> Answer:
        """What the worker is told; never raises an error of a guard."""
        header = ask.header
        try:
            match header.get("ask"):
                case "find":
                    return await self._find(_texts(header, "paths"))
                case "list":
                    return await self._list(_text(header, "path"))
                case "walk":
                    return await self._walk(_text(header, "path"))
                case "read":
                    return await self._read(_texts(header, "paths"))
                case "facts":
                    return await self._tell(_texts(header, "names"))
                case other:
                    raise BrokenFrame(f"a worker asks for {other!r}")
        except ShoalError as error:
            self.refusal = error
            return Answer({"refused": error.message})

    def _inside(self, path: str) -> str:
        """A path of the source as the application's folder sees it."""
        parts, root = (text.split("/") if text else [] for text in (path, self._root))
        pairs = zip(parts, root, strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        return "/".join([".."] * (len(root) - shared) + parts[shared:])

    async def _find(self, paths: Sequence[str]) -> Answer:
        found = [await self._folder.find(self._inside(path)) for path in paths]
        return Answer({"found": [each and _described(each, "path") for each in found]})

    async def _list(self, path: str) -> Answer:
        try:
            entries = await self._folder.list(self._inside(path))
        except FileNotFoundError:
            return Answer({"entries": None})
        return Answer({"entries": [_described(each, "name") for each in entries]})

    async def _walk(self, path: str) -> Answer:
        try:
            entries = await walk(self._folder, self._inside(path))
        except FileNotFoundError:
            return Answer({"entries": None})
        return Answer({"entries": [_described(each, "name") for each in entries]})

    async def _read(self, paths: Sequence[str]) -> Answer:
        contents: list[bytes | None] = []
        for path in paths:
            try:
                content = await self._folder.read(self._inside(path))
                self._keep_values(path, content)
                contents.append(content)
            except FileNotFoundError:
                contents.append(None)
        sizes = [-1 if each is None else len(each) for each in contents]
        return Answer({"sizes": sizes}, [each for each in contents if each is not None])

    def _keep_values(self, path: str, content: bytes) -> None:
        if path.endswith((".yaml", ".yml")) and "/templates/" not in path:
            self._room -= len(content)
            if self._room >= 0:
                self._values.append(content)

    def without_secrets(self, message: str, parameters: Mapping[str, Any]) -> str:
        """A message of the worker without the values that are called a password.

        The author of a chart may have said them (`fail`), or used one as a name.
        """
        secrets = set(values_among(parameters.get("values")))
        for content in self._values:
            with suppress(NotYaml):
                for document in read_yaml(content):
                    secrets.update(values_among(document.value))
        return without(message, secrets)

    async def _tell(self, names: Sequence[str]) -> Answer:
        told: dict[str, Any] = {}
        for name in ASKED_FOR.intersection(names):
            # Without a cluster, as `shoal render` is, the worker takes its library's default.
            with suppress(MissingFact):
                told[name] = await self._facts.look(name)
        return Answer({"facts": told})


def _text(header: Mapping[str, Any], name: str) -> str:
    given = header.get(name)
    if not isinstance(given, str):
        raise BrokenFrame(f"a worker asks without a {name}")
    return given


def _texts(header: Mapping[str, Any], name: str) -> Sequence[str]:
    given = header.get(name)
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise BrokenFrame(f"a worker asks without {name}")
    return given


def _described(entry: Entry, name: str) -> dict[str, Any]:
    return {name: entry.name, "kind": entry.kind.value, "size": entry.size}
