"""The renderers `plain`, `kustomize` and `helm` keep every promise of a renderer."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from shoal.testing.renderer_conformance import RendererConformance
from shoal_plugins.rendering import HelmRenderer, KustomizeRenderer, PlainRenderer
from shoal_plugins.rendering.worker import Workers

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: '1'}\n"
BROKEN = "kind: [\n"


class TestPlain(RendererConformance):
    """Files as they are."""

    @pytest.fixture
    def renderer(self, workers: Workers) -> PlainRenderer:
        return PlainRenderer(workers)

    @pytest.fixture
    def files(self) -> Mapping[str, str]:
        return {"a.yaml": f"{MAP}---\n{MAP.replace('web', 'shop')}", "notes.txt": "x"}

    @pytest.fixture
    def broken(self) -> Mapping[str, str]:
        return {"a.yaml": BROKEN}


class TestKustomize(RendererConformance):
    """A kustomization with a generator."""

    @pytest.fixture
    def renderer(self, workers: Workers) -> KustomizeRenderer:
        return KustomizeRenderer(workers)

    @pytest.fixture
    def files(self) -> Mapping[str, str]:
        return {"kustomization.yaml": "resources: [a.yaml]\nnamePrefix: my-\n", "a.yaml": MAP}

    @pytest.fixture
    def broken(self) -> Mapping[str, str]:
        return {"kustomization.yaml": "resources: [nowhere.yaml]\n"}


class TestHelm(RendererConformance):
    """A chart."""

    @pytest.fixture
    def renderer(self, workers: Workers) -> HelmRenderer:
        return HelmRenderer(workers)

    @pytest.fixture
    def files(self) -> Mapping[str, str]:
        chart = "apiVersion: v2\nname: web\nversion: 0.1.0\n"
        return {"Chart.yaml": chart, "templates/a.yaml": MAP.replace("'1'", "{{ .Values.a }}")}

    @pytest.fixture
    def parameters(self) -> Mapping[str, object]:
        return {"values": {"a": "one"}}

    @pytest.fixture
    def broken(self, files: Mapping[str, str]) -> Mapping[str, str]:
        return {**files, "templates/a.yaml": "{{ .Values.a.b.c }}"}
