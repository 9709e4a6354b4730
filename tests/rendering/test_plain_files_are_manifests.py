"""The renderer `plain`: every YAML and JSON file below the folder, and nothing that is neither."""

from __future__ import annotations

import pytest

from shoal.engine.folders import GuardedFolder
from shoal.errors import InvalidManifest, ShoalError, UnsafePath
from shoal.model.trees import MemoryTree
from shoal.testing.facts import make_facts
from shoal_plugins.rendering.plain import PlainRenderer, PlainSpec

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\n"


@pytest.fixture
def render(host, workers):
    """Renders the root of a tree in memory."""

    async def rendered(files, path="", **made):
        folder = GuardedFolder(MemoryTree(files, **made), path)
        manifests = await PlainRenderer(workers).render(PlainSpec(), folder, make_facts(), host)
        return [(each.key.name, each.origin) for each in manifests]

    return rendered


async def test_every_yaml_and_json_file_is_read_in_order(render):
    files = {
        "b.yml": MAP.format("b"),
        "a/z.yaml": MAP.format("z"),
        "c.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}',
        "README.md": "# no manifest",
        ".github/workflows/ci.yaml": "on: push",
        ".hidden.yaml": "on: push",
    }

    assert await render(files) == [("z", "a/z.yaml:1"), ("b", "b.yml:1"), ("c", "c.json:1")]


async def test_documents_have_their_lines_and_empty_ones_are_skipped(render):
    text = f"# about\n---\n{MAP.format('one')}---\n---\n# nothing\n---\n{MAP.format('two')}"

    assert await render({"a.yaml": text, "empty.yaml": "", "empty.json": " "}) == [
        ("one", "a.yaml:3"),
        ("two", "a.yaml:11"),
    ]


async def test_documents_of_shoal_are_skipped(render):
    ours = "apiVersion: shoal.dev/v1alpha1\nkind: Fleet\nmetadata: {name: x}\n"

    assert await render({"fleet.yaml": ours, "a.yaml": MAP.format("a")}) == [("a", "a.yaml:1")]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("values.yaml", "replicas: 3\n", r"values\.yaml:1: not a Kubernetes manifest: apiVersion"),
        ("kind.yaml", "apiVersion: v1\n", r"kind\.yaml:1: not a Kubernetes manifest: kind is"),
        ("list.yaml", "\n- a\n", r"list\.yaml:2: not a Kubernetes manifest: expected a mapping"),
        ("text.yaml", MAP.format("a") + "---\nhello\n", r"text\.yaml:6: not a Kubernetes"),
        ("bad.yaml", "a: [1\n", r"bad\.yaml:1: not valid YAML"),
        ("tab.yaml", "a:\n\tb: 1\n", r"tab\.yaml:2: not valid YAML: a tab"),
        ("twice.yaml", MAP.format("a") + "kind: Secret\n", r"twice\.yaml:5: the key kind"),
        ("bad.json", '{"a": 1,\n"b"}', r"bad\.json:2: not valid JSON"),
        ("number.yaml", "apiVersion: 1\nkind: ConfigMap\n", "apiVersion is missing or not text"),
        ("meta.yaml", "apiVersion: v1\nkind: A\nmetadata: [a]\n", "metadata is not a mapping"),
        (
            "labels.yaml",
            "apiVersion: v1\nkind: A\nmetadata: {labels: [a]}\n",
            "metadata.labels is not a mapping",
        ),
        ("utf16.yaml", "a: 1\n".encode("utf-16"), r"utf16\.yaml:1: not valid YAML: not UTF-8"),
        ("bomb.yaml", "a: &a [x, x]\n" + "b: [" + "*a, " * 60000 + "]\n", "aliases stand for"),
        ("deep.yaml", "[" * 200, "nested deeper than"),
        ("deep.json", "[" * 5000, r"deep\.json:1: not valid JSON"),
    ],
)
async def test_a_file_that_is_no_manifest_is_named_with_its_line(render, name, text, told):
    with pytest.raises(ShoalError, match=told):
        await render({"ok.yaml": MAP.format("ok"), name: text})


async def test_a_key_may_override_a_merged_one_and_stands_once(host, workers):
    text = MAP.format("a") + "x: &x {a: 1, b: 1}\nown: {<<: *x, b: 2}\n"
    folder = GuardedFolder(MemoryTree({"a.yaml": text}), "")

    (manifest,) = await PlainRenderer(workers).render(PlainSpec(), folder, make_facts(), host)

    assert manifest.body["own"] == {"a": 1, "b": 2}


async def test_only_the_key_that_stands_twice_is_told(render):
    text = MAP.format("a") + "x: &x {a: 1, b: 1}\nown: {<<: *x, b: 2}\nz: [{c: 1, c: 2}]\n"

    with pytest.raises(InvalidManifest) as refused:
        await render({"a.yaml": text})

    assert str(refused.value) == "a.yaml:7: the key c stands here twice"


async def test_a_document_may_end_more_than_once(render):
    text = f"{MAP.format('a')}...\n# nothing\n...\n---\n{MAP.format('b')}"

    assert await render({"a.yaml": text}) == [("a", "a.yaml:1"), ("b", "a.yaml:9")]


async def test_a_byte_order_mark_is_no_content(render):
    json = '\ufeff{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "j"}}'
    files = {"a.yaml": "\ufeff" + MAP.format("a"), "j.json": json}

    assert await render(files) == [("a", "a.yaml:1"), ("j", "j.json:1")]


async def test_values_of_a_bad_file_are_not_told(render):
    with pytest.raises(InvalidManifest) as refused:
        await render({"secret.yaml": "password: canary-5f1d\n"})

    assert "canary" not in str(refused.value)


async def test_linked_files_are_read_and_bad_links_refused(render):
    files = {"base/a.yaml": MAP.format("a"), "web/b.yaml": MAP.format("b")}

    assert await render(files, "web", links={"web/a.yaml": "../base/a.yaml"}) == [
        ("a", "a.yaml:1"),
        ("b", "b.yaml:1"),
    ]
    with pytest.raises(UnsafePath, match="leads out of the source"):
        await render(files, "web", links={"web/a.yaml": "../../a.yaml"})


@pytest.mark.parametrize("name", ["a.yaml", "folder"])
async def test_a_broken_link_is_an_error_because_its_objects_would_be_pruned(render, name):
    with pytest.raises(InvalidManifest, match=f"{name} is a link that leads nowhere"):
        await render({"web/b.yaml": MAP.format("b")}, "web", links={f"web/{name}": "none"})


async def test_a_submodule_is_an_error_because_it_is_not_read(render):
    with pytest.raises(UnsafePath, match="module is neither a file nor a folder"):
        await render({"b.yaml": MAP.format("b")}, others=["module"])


@pytest.mark.parametrize("target", [".", "..", "../sub"])
async def test_links_in_circles_are_refused(render, target):
    files = {"web/sub/b.yaml": MAP.format("b")}

    with pytest.raises(InvalidManifest, match="is a link to a folder that it stands in"):
        await render(files, "web", links={"web/sub/round": target})
