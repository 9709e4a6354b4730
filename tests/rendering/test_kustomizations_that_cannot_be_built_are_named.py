"""A kustomization that is broken, leaves the source, or wants a network: one sentence says why."""

from __future__ import annotations

import json

import pytest

from shoal.engine.folders import GuardedFolder
from shoal.errors import ShoalError
from shoal.model.trees import MemoryTree
from shoal.testing.facts import make_facts
from shoal_plugins.rendering.kustomize import KustomizeRenderer, KustomizeSpec

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
REMOTE = "is remote, and Shoal fetches nothing while rendering"


def plugin(api_version: str, kind: str, function: str = "") -> str:
    annotations = {"config.kubernetes.io/function": function} if function else {}
    metadata = {"name": "g", "annotations": annotations}
    return json.dumps({"apiVersion": api_version, "kind": kind, "metadata": metadata})


@pytest.fixture
def build(host, workers):
    """Builds a kustomization (a value, or its text) beside these files."""

    async def built(kustomization, files=None, **made):
        text = kustomization if isinstance(kustomization, str) else json.dumps(kustomization)
        content = {"kustomization.yaml": text, "a.yaml": MAP, **(files or {})}
        tree = MemoryTree({f"apps/web/{path}": each for path, each in content.items()}, **made)
        folder = GuardedFolder(tree, "apps/web")
        return await KustomizeRenderer(workers).render(KustomizeSpec(), folder, make_facts(), host)

    return built


@pytest.mark.parametrize(
    "kustomization",
    [
        {"resources": ["https://example.com/a.yaml"]},
        {"resources": ["github.com/org/repo//path?ref=v1"]},
        {"resources": ["git@github.com:org/repo.git"]},
        {"resources": ["ssh://git@example.com/repo"]},
        {"resources": ["git::https://example.com/repo"]},
        {"bases": ["https://github.com/org/repo"]},
        {"components": ["https://github.com/org/repo"]},
        {"configMapGenerator": [{"name": "a", "files": ["x=https://example.com/a"]}]},
        {"secretGenerator": [{"name": "a", "envs": ["https://example.com/a"]}]},
        {"resources": ["a.yaml"], "patches": [{"path": "https://example.com/p.yaml"}]},
        {"resources": ["a.yaml"], "patchesStrategicMerge": ["https://example.com/p.yaml"]},
        {"resources": ["a.yaml"], "openapi": {"path": "https://example.com/p.json"}},
        {"resources": ["a.yaml"], "configurations": ["https://example.com/c.yaml"]},
        {"resources": ["a.yaml"], "crds": ["https://example.com/c.yaml"]},
        {"resources": ["a.yaml"], "replacements": [{"path": "https://example.com/r.yaml"}]},
        {"resources": ["a.yaml"], "transformers": ["https://example.com/t"]},
        {"generators": ["https://example.com/g"]},
        {"resources": ["a.yaml"], "validators": ["https://example.com/v"]},
    ],
)
async def test_whatever_is_remote_is_refused_by_name(build, kustomization):
    with pytest.raises(ShoalError, match=REMOTE):
        await build(kustomization)


async def test_a_remote_name_in_a_base_is_found_too(build):
    base = json.dumps({"resources": ["https://example.com/a.yaml"]})

    with pytest.raises(ShoalError, match=rf"base/kustomization\.yaml: .*{REMOTE}"):
        await build({"resources": ["base"]}, {"base/kustomization.yaml": base})


@pytest.mark.parametrize(
    ("kustomization", "files", "reason"),
    [
        ({"helmCharts": [{"name": "x", "repo": "https://x"}]}, {}, "would be inflated by a helm"),
        (
            {"generators": ["g.yaml"]},
            {"g.yaml": plugin("builtin", "HelmChartInflationGenerator")},
            "helm",
        ),
        (
            {"generators": ["g.yaml"]},
            {"g.yaml": plugin("x/v1", "G", "exec: {path: ./evil.sh}")},
            "the plugin G is none of Kustomize's own",
        ),
        (
            {"resources": ["a.yaml"], "transformers": ["g.yaml"]},
            {"g.yaml": plugin("x/v1", "G", "container: {image: evil}")},
            "the plugin G is none of Kustomize's own",
        ),
        ({"resources": ["../../../../etc"]}, {}, "which leads out of the source"),
        ({"resources": ["/etc/passwd"]}, {}, "which leads out of the source"),
        (
            {"resources": ["b"]},
            {"b/kustomization.yaml": "resources: [../]"},
            "leads back to itself",
        ),
        ({"resources": ["."]}, {}, "which leads back to itself: apps/web → apps/web"),
        ({"resources": ["nope.yaml"]}, {}, r"resources names nope\.yaml, which does not exist"),
        ({"resourcez": ["a.yaml"]}, {}, "Kustomize knows no field resourcez"),
        ("resources: [\n", {}, r"^kustomization\.yaml:1: not valid YAML"),
        ("just text", {}, r"^kustomization\.yaml: not a kustomization"),
        ("", {}, r"^kustomization\.yaml: .*is empty"),
        ({"resources": ["b.yaml"]}, {"b.yaml": "a: [\n"}, r"^b\.yaml:1: not valid YAML"),
        ({"resources": ["b.yaml"]}, {"b.yaml": b"a: \xff\n"}, r"b\.yaml"),
        (
            {"resources": ["a.yaml", "b.yaml"]},
            {"b.yaml": MAP},
            "already registered id: ConfigMap.*/a",
        ),
        (
            {
                "resources": ["a.yaml"],
                "patches": [{"target": {"kind": "ConfigMap"}, "patch": "- {op: remove, path: /x}"}],
            },
            {},
            "nonexistent key: x",
        ),
    ],
)
async def test_what_is_wrong_is_named_with_its_file(build, kustomization, files, reason):
    with pytest.raises(ShoalError, match=reason):
        await build(kustomization, files)


async def test_a_file_outside_of_the_kustomizations_own_folder_is_not_loaded(host, workers):
    kustomization = {"resources": ["a.yaml"], "patches": [{"path": "../other.yaml"}]}
    files = {"web/kustomization.yaml": json.dumps(kustomization), "web/a.yaml": MAP}
    folder = GuardedFolder(MemoryTree({**files, "other.yaml": MAP}), "web")

    with pytest.raises(ShoalError, match=r"\.\./other\.yaml, a file outside of the kustomization"):
        await KustomizeRenderer(workers).render(KustomizeSpec(), folder, make_facts(), host)


async def test_a_bomb_of_aliases_ends_before_it_goes_off(build):
    levels = ["a: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"k{n}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]" for n in range(9)]

    with pytest.raises(ShoalError, match=r"b\.yaml"):
        await build({"resources": ["b.yaml"]}, {"b.yaml": MAP + "\n".join(levels)})


async def test_only_files_that_kustomize_reads_are_inputs(host, workers):
    files = {
        "web/kustomization.yaml": "resources: [a.yaml, ../base]",
        "web/a.yaml": MAP,
        "web/unread.yaml": MAP,
        "base/kustomization.yaml": "resources: [b.yaml]",
        "base/b.yaml": MAP.replace("name: a", "name: b"),
        "base/unread.yaml": MAP,
    }
    folder = GuardedFolder(MemoryTree(files), "web")
    await KustomizeRenderer(workers).render(KustomizeSpec(), folder, make_facts(), host)

    assert {"web/a.yaml", "base/b.yaml", "base/kustomization.yaml"} <= set(folder.looks)
    assert not [path for path in folder.looks if "unread" in path]
