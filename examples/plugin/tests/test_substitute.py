"""The renderer `substitute`: what Shoal asks of every renderer, and what is its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from shoal.errors import InvalidManifest
from shoal.testing.facts import make_facts
from shoal.testing.renderer_conformance import RendererConformance
from shoal_example.substitute import SubstituteRenderer

WEB = """
kind: ConfigMap
metadata: {name: "web-${REGION}"}
data: {replicas: "${REPLICAS}", region: "in ${REGION}, ${OTHER} stays"}
"""


class TestSubstitute(RendererConformance):
    """The promises of every renderer."""

    @pytest.fixture
    def renderer(self) -> SubstituteRenderer:
        return SubstituteRenderer()

    @pytest.fixture
    def files(self) -> Mapping[str, str]:
        return {"web.yaml": WEB.replace("${OTHER}", "$OTHER"), "notes.txt": "${NOTHING}"}

    @pytest.fixture
    def parameters(self) -> Mapping[str, Any]:
        return {"values": {"REPLICAS": 3, "REGION": "${cluster.labels.region}"}}

    @pytest.fixture
    def facts(self) -> Any:
        return make_facts(labels={"region": "eu"})

    @pytest.fixture
    def broken(self) -> Mapping[str, str]:
        return {"web.yaml": "kind: ["}

    async def test_a_reference_becomes_the_value_and_inside_a_text_its_words(
        self, rendering, files, parameters, facts
    ) -> None:
        """A number stays a number; a fact of the cluster stands where a value names it."""
        (web,) = await rendering.render(files, parameters, facts)

        assert web.key.name == "web-eu"
        assert web.body["data"] == {"replicas": 3, "region": "in eu, $OTHER stays"}
        assert set(facts.looks) == {"labels.region"}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("kind: X\na: ${REGIOM}", r"web\.yaml:1 refers to the value REGIOM.*mean REGION\?"),
            ("kind: X\na: ${ZZZZ}", r"web\.yaml:1 .*; give it under render\.substitute"),
            ("- a", r"web\.yaml:1 is no object"),
            ("a: 1\na: 2", r"web\.yaml: line 2: the key a stands here twice"),
        ],
    )
    async def test_a_mistake_is_named_with_its_place(
        self, rendering, parameters, facts, text: str, message: str
    ) -> None:
        """And with what was meant, where that can be guessed."""
        with pytest.raises(InvalidManifest, match=message):
            await rendering.render({"web.yaml": text}, parameters, facts)
