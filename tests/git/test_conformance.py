"""The source `git` keeps every promise of a source."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from tests.git.conftest import Repository

from shoal.testing.source_conformance import RememberingSourceConformance, RevisedSourceConformance
from shoal_clusters.demo.git_server import GitServer
from shoal_plugins.git import GitSource


class TestGitSource(RevisedSourceConformance, RememberingSourceConformance):
    """Of a server on loopback."""

    @pytest.fixture
    def source(self) -> GitSource:
        return GitSource()

    @pytest.fixture
    async def spec(self, server: GitServer, repository: Repository) -> Mapping[str, Any]:
        await repository.commit({"web/a.yaml": "a: 1\n", "base/b.yaml": "b: 1\n"})
        return {"url": server.url("apps"), "branch": "main"}

    @pytest.fixture
    def move(self, repository: Repository) -> Callable[[], Awaitable[str]]:
        return lambda: repository.commit({"web/a.yaml": "a: 2\n"})

    @pytest.fixture
    def missing(self, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**spec, "branch": "nowhere"}
