"""The renderer `substitute`: manifests in which `${NAME}` stands for a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shoal.errors import InvalidManifest
from shoal.hooks.host import Host
from shoal.hooks.renderers import ClusterFacts, Folder, ValuedSpec
from shoal.model.artifacts import EntryKind
from shoal.model.choice import nearest
from shoal.model.facts import references, substituted
from shoal.model.manifests import Manifest
from shoal.model.yaml import NotYaml, YamlDocument, read_yaml

_REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*)\}")


class SubstituteSpec(ValuedSpec):
    """Replaces `${NAME}` by the value NAME in each *.yaml of the folder, not of those below it."""


class SubstituteRenderer:
    """Chosen only by its name under `render`: its files have no name of their own."""

    name = "substitute"
    version = "1"
    spec = SubstituteSpec
    markers = ()

    async def render(
        self, parameters: SubstituteSpec, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        """The objects of all files, every reference replaced."""
        known = {name: await facts.look(name) for name in sorted(references(parameters.values))}
        values = substituted(parameters.values, known.__getitem__)
        made: list[Manifest] = []
        for entry in await folder.list(""):
            if entry.kind is EntryKind.FILE and entry.name.endswith(".yaml"):
                content = await folder.read(entry.name)
                made += await host.run_in_thread(_manifests, entry.name, content, values)
        return made


def _manifests(path: str, content: bytes, values: Mapping[str, Any]) -> list[Manifest]:
    """Runs in a thread: a megabyte of YAML would hold up every cluster in the event loop."""
    try:
        return [_manifest(path, document, values) for document in read_yaml(content)]
    except NotYaml as error:
        raise InvalidManifest(f"{path}: {error}", next_step=error.problem.next_step) from None


def _manifest(path: str, document: YamlDocument, values: Mapping[str, Any]) -> Manifest:
    origin = f"{path}:{document.line}"
    if document.problems:
        raise NotYaml(document.problems[0])
    if not isinstance(document.value, dict):
        raise InvalidManifest(f"{origin} is no object")
    return Manifest(_filled(document.value, lambda name: _value(name, values, origin)), origin)


def _filled(part: Any, value_of: Callable[[str], Any]) -> Any:
    """A text that is one reference becomes the value itself, a number for instance."""
    if isinstance(part, dict):
        return {key: _filled(each, value_of) for key, each in part.items()}
    if isinstance(part, list):
        return [_filled(each, value_of) for each in part]
    if not isinstance(part, str):
        return part
    if whole := _REFERENCE.fullmatch(part):
        return value_of(whole[1])
    return _REFERENCE.sub(lambda found: str(value_of(found[1])), part)


def _value(name: str, values: Mapping[str, Any], origin: str) -> Any:
    if name not in values:
        meant = nearest(name, values)
        raise InvalidManifest(
            f"{origin} refers to the value {name}, which is not given",
            next_step=f"did you mean {meant}?" if meant else "give it under render.substitute",
        )
    return values[name]
