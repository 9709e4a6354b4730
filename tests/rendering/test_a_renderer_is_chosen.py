"""By the document, else by the marker in the folder, else the one for any folder."""

from __future__ import annotations

import pytest

from shoal.engine.rendering import Rendering
from shoal.errors import InvalidSource
from shoal.hooks.renderers import ANY_FOLDER
from shoal.model.choice import Choice
from shoal.model.trees import MemoryTree


@pytest.fixture
def choose(told, artifact):
    """Chooses for a tree among `plain`, two renderers with markers, and one without."""
    renderers = {
        name: told(None, name=name, markers=markers)
        for name, markers in (
            ("stranger", ()),
            ("plain", (ANY_FOLDER,)),
            ("kustomize", ("kustomization.yaml",)),
            ("helm", ("Chart.yaml",)),
        )
    }

    async def chosen(tree, path="web", choice=None):
        renderer, _ = await Rendering().choose(renderers, choice, artifact(tree), path)
        return renderer.name

    return chosen


async def test_a_marker_chooses(choose):
    assert await choose(MemoryTree({"web/kustomization.yaml": "", "web/a.yaml": ""})) == "kustomize"


async def test_without_a_marker_it_is_the_one_for_any_folder(choose):
    assert await choose(MemoryTree({"web/a.yaml": "", "web/sub/Chart.yaml": ""})) == "plain"
    assert await choose(MemoryTree({"web/Chart.yaml": "", "web/*": ""})) == "helm"


async def test_a_renderer_without_markers_is_used_only_by_its_name(choose, parameters):
    choice = Choice("stranger", parameters())

    assert await choose(MemoryTree({"web/a.yaml": ""}), choice=choice) == "stranger"


async def test_two_matches_are_an_error_that_names_both(choose):
    tree = MemoryTree({"web/kustomization.yaml": "", "web/Chart.yaml": ""})

    with pytest.raises(InvalidSource, match="web fits two renderers, kustomize and helm; name one"):
        await choose(tree)


async def test_the_document_has_the_last_word(choose, parameters):
    choice = Choice("helm", parameters())

    assert await choose(MemoryTree({"web/a.yaml": ""}), choice=choice) == "helm"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("web/bck", r"no folder web/bck at revision 111111111111; did you mean web/back\?"),
        ("webb", r"no folder webb at revision 111111111111; did you mean web\?"),
        ("zzzzzz/a/b", r"no folder zzzzzz/a/b at revision 111111111111; there is base, web"),
        ("web/a.yaml", r"no folder web/a\.yaml at"),
    ],
)
async def test_a_missing_folder_is_named_with_its_neighbours(choose, path, message):
    tree = MemoryTree({"web/a.yaml": "", "web/back/b.yaml": "", "base/c.yaml": ""})

    with pytest.raises(InvalidSource, match=message):
        await choose(tree, path)
