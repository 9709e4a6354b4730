"""A fleet in a repository: what a link hides is not taken for removed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from shoal.engine.fleet import RepositoryReader
from shoal.engine.guarding import Guard
from shoal.errors import InvalidSource, UnsafePath
from shoal.hooks.host import Host
from shoal.model.artifacts import Artifact, Tree
from shoal.model.choice import Spec
from shoal.model.identity import Ref
from shoal.model.trees import MemoryTree
from shoal.testing.hosts import make_host


@dataclass
class OneTree:
    """A source that always is this tree."""

    tree: Tree
    name: str = "memory"
    spec: type[Spec] = Spec

    async def fetch(
        self, source: Ref, spec: Spec, previous: Artifact | None, host: Host
    ) -> Artifact:
        return previous or Artifact(source, "1", self.tree.digest, self.tree)


def reader_of(folder: Path, **links: str) -> RepositoryReader:
    files = {"fleet.yaml": b"fleet", "teams/shop.yaml": b"shop"}
    tree = MemoryTree(files, links={f"{name}.yaml": to for name, to in links.items()})
    return RepositoryReader(
        source_type=OneTree(tree),
        spec=Spec(),
        location="memory",
        path="",
        host=make_host(folder),
        guard=Guard(),
    )


async def test_a_link_to_a_document_is_read(tmp_path: Path) -> None:
    found = await reader_of(tmp_path, web="teams/shop.yaml").read(None)

    assert found is not None
    assert found.files["web.yaml"] == b"shop"


async def test_a_link_to_nowhere_is_no_document_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(InvalidSource, match=r"web\.yaml is a link that leads nowhere"):
        await reader_of(tmp_path, web="teams/gone.yaml").read(None)


async def test_a_link_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafePath, match="leads out of the source"):
        await reader_of(tmp_path, web="../web.yaml").read(None)
