"""A fleet that is a local folder may name local repositories, relative to itself."""

from __future__ import annotations

import pytest

from shoal.errors import InvalidSource


@pytest.mark.parametrize("shape", ["../served/apps.git", "absolute", "file"])
async def test_a_local_repository_is_read(repository, local_reader, shape):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    url = {"absolute": str(repository.bare), "file": f"file://{repository.bare}"}.get(shape, shape)

    artifact = await local_reader.fetch(url, branch="main")

    assert artifact.revision == commit
    assert await artifact.tree.read("a.yaml") == b"a: 1\n"


async def test_a_working_copy_is_read_at_its_last_commit(repository, local_reader):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    (repository.work / "a.yaml").write_text("a: 2\n")

    artifact = await local_reader.fetch("../apps.work")

    assert artifact.revision == commit
    assert await artifact.tree.read("a.yaml") == b"a: 1\n"


async def test_a_folder_without_a_repository_is_an_error(local_reader, tmp_path):
    (tmp_path / "fleet").mkdir()

    with pytest.raises(InvalidSource, match=r"there is no Git repository at \.,"):
        await local_reader.fetch(".")
