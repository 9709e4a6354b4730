"""The renderer of the simulation: a file is a manifest, and one of them may be no manifest."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from tests.engine.fakes import FakeRenderer, ValuesSpec

from shoal.errors import InvalidManifest
from shoal.hooks.host import Host
from shoal.hooks.renderers import ClusterFacts, Folder
from shoal.model.manifests import Manifest


class SimulatedRenderer(FakeRenderer):
    """Reads `*.json`; what is `broken` cannot be rendered."""

    async def render(
        self, parameters: ValuesSpec, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        made: list[Manifest] = []
        for entry in await folder.list(""):
            if not entry.name.endswith(".json"):
                continue
            body = orjson.loads(await folder.read(entry.name))
            if "broken" in body:
                raise InvalidManifest(f"{entry.name}: it has no kind")
            made.append(Manifest(body, entry.name))
        return made
