"""What every renderer must do, as tests: subclass `RendererConformance` and give it fixtures.

    class TestMine(RendererConformance):
        @pytest.fixture
        def renderer(self):
            return MyRenderer()

        @pytest.fixture
        def files(self):                     # the application's folder
            return {"web.mine": "…"}

        @pytest.fixture
        def broken(self):                    # a folder that cannot be rendered
            return {"web.mine": "…"}

`parameters` (as people write them), `facts`, `secrets` and `host` may be given too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from shoal.engine import answers
from shoal.engine.facts import NotedFacts
from shoal.engine.folders import GuardedFolder
from shoal.errors import Permanent
from shoal.hooks.host import Host
from shoal.hooks.renderers import ANY_FOLDER, Renderer
from shoal.model.manifests import Manifest
from shoal.model.trees import MemoryTree
from shoal.testing.facts import make_facts
from shoal.testing.hosts import make_host
from shoal.testing.seam_conformance import (
    Caller,
    SeamConformance,
    Secrets,
    check_name,
    check_spec,
    read_spec,
)

Files = Mapping[str, str | bytes]
_FOLDER = "apps/web"


class Rendering(Caller):
    """Renders what a test has written down."""

    async def render(
        self, files: Files, parameters: Mapping[str, Any], facts: NotedFacts
    ) -> Sequence[Manifest]:
        """As the engine does; the answer is one that it takes."""
        return answers.manifests(await self.ask(lambda: self.begun(files, parameters, facts)))

    async def begun(
        self, files: Files, parameters: Mapping[str, Any], facts: NotedFacts
    ) -> Sequence[Manifest]:
        """One call, through the guarded folder and the noted facts of the core."""
        tree = MemoryTree({f"{_FOLDER}/{path}": content for path, content in files.items()})
        spec = read_spec(self.plugin.spec, parameters)
        made: Sequence[Manifest] = await self.plugin.render(
            spec, GuardedFolder(tree, _FOLDER), facts, self.host
        )
        return made


class RendererConformance(SeamConformance):
    """The suite; every test is a promise of `Renderer`."""

    @pytest.fixture
    async def host(self, tmp_path: Path, secrets: Secrets) -> AsyncIterator[Host]:
        """A host that ends, with the test, what the renderer has started."""
        async with AsyncExitStack() as stack:
            yield make_host(tmp_path / "host", secrets=secrets, at_end=stack.push_async_callback)

    @pytest.fixture
    def parameters(self) -> Mapping[str, Any]:
        """The renderer's part of a document."""
        return {}

    @pytest.fixture
    def facts(self) -> NotedFacts:
        """What is known of the cluster."""
        return make_facts()

    @pytest.fixture
    def rendering(self, renderer: Renderer[Any], host: Host, secrets: Secrets) -> Rendering:
        """Renders by the renderer under test."""
        return Rendering(renderer, host, secrets)

    def test_its_name_version_markers_and_spec_fit_documents(self, renderer: Renderer[Any]) -> None:
        """A key, a text for the memo, names of files, and a model whose fields have defaults."""
        check_name(renderer.name)
        check_spec(renderer.spec)
        assert renderer.spec() is not None
        assert isinstance(renderer.version, str)
        assert renderer.version
        assert isinstance(renderer.markers, tuple)
        for marker in renderer.markers:
            assert marker == ANY_FOLDER or "/" not in marker, f"{marker} is no name of a file"

    async def test_the_same_input_gives_the_same_output(
        self,
        rendering: Rendering,
        files: Files,
        broken: Files,
        parameters: Mapping[str, Any],
        facts: NotedFacts,
    ) -> None:
        """Whatever was rendered between: the memo gives out what an earlier render made."""
        first = await rendering.render(files, parameters, facts)
        with pytest.raises(Permanent):
            await rendering.render(broken, parameters, facts)
        again = await rendering.render(files, parameters, facts)

        assert first, "give files that make an object"
        assert sorted(each.text for each in again) == sorted(each.text for each in first)

    async def test_every_object_says_where_it_comes_from(
        self,
        rendering: Rendering,
        files: Files,
        parameters: Mapping[str, Any],
        facts: NotedFacts,
    ) -> None:
        """A file of the folder, for messages; a line may follow it."""
        for manifest in await rendering.render(files, parameters, facts):
            path = manifest.origin.partition(":")[0]
            assert path in files, f"{manifest.key} comes from {manifest.origin!r}, which is no file"

    async def test_what_cannot_be_rendered_is_an_error_that_names_the_file(
        self, rendering: Rendering, broken: Files, parameters: Mapping[str, Any], facts: NotedFacts
    ) -> None:
        """Permanent: the same input fails the same way, so it is not tried again."""
        with pytest.raises(Permanent) as failed:
            await rendering.render(broken, parameters, facts)

        assert any(path in str(failed.value) for path in broken), str(failed.value)

    async def test_a_render_that_is_cancelled_ends_and_the_next_one_works(
        self, rendering: Rendering, files: Files, parameters: Mapping[str, Any], facts: NotedFacts
    ) -> None:
        """At any step of it."""
        await rendering.cancel(lambda: rendering.render(files, parameters, facts))

        assert await rendering.render(files, parameters, facts)

    async def test_many_folders_are_rendered_at_once(
        self, rendering: Rendering, files: Files, parameters: Mapping[str, Any], facts: NotedFacts
    ) -> None:
        """One object serves all applications; no output has anything of another."""
        found = await rendering.ask(
            lambda: asyncio.gather(*(rendering.begun(files, parameters, facts) for _ in range(4)))
        )

        assert len({tuple(sorted(each.text for each in one)) for one in found}) == 1
