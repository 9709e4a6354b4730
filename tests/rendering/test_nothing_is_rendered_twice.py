"""The memo: rendering happens again when, and only when, something that was read has changed."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shoal.engine.rendering import Rendering
from shoal.errors import BinaryUnavailable, InvalidManifest, PluginFailed, ShoalError
from shoal.model.identity import Ref
from shoal.model.trees import MemoryTree
from shoal.testing.facts import make_facts

FILES = {"web/a.yaml": "a", "web/sub/b.yaml": "b", "base/c.yaml": "c", "other/d.yaml": "d"}


async def read_all(folder):
    """Everything below the folder, the file beside it, and one that is not there."""
    found = {"../base/c.yaml": await folder.read("../base/c.yaml")}
    for entry in await folder.list(""):
        if entry.kind == "file":
            found[entry.name] = await folder.read(entry.name)
    try:
        found["?"] = await folder.read("../extra.yaml")
    except FileNotFoundError:
        found["?"] = None
    return {name: content and content.decode() for name, content in found.items()}


@pytest.fixture
def twice(told, parameters, artifact, host):
    """Renders two trees after one another with one memo: the renderer, and both outputs."""

    async def render(first, second, *, does=read_all, path="web", second_source="web"):
        renderer, rendering = told(does), Rendering()
        one = await rendering.render(
            renderer, parameters(), artifact(first), path, make_facts(), host
        )
        changed = artifact(second, revision="2" * 40, source=second_source)
        two = await rendering.render(renderer, parameters(), changed, path, make_facts(), host)
        assert rendering.renders == len(renderer.calls)
        assert rendering.hits == 2 - rendering.renders
        return renderer, one.manifests, two.manifests

    return render


async def test_an_unrelated_commit_renders_nothing(twice):
    renderer, one, two = await twice(MemoryTree(FILES), MemoryTree({**FILES, "other/d.yaml": "!"}))

    assert len(renderer.calls) == 1
    assert two is one


@pytest.mark.parametrize(
    "changed",
    [
        {"web/a.yaml": "changed"},
        {"web/new.yaml": "new"},
        {"base/c.yaml": "outside the folder"},
        {"extra.yaml": "looked for, and not there before"},
    ],
)
async def test_a_change_of_what_was_read_renders_again(twice, changed):
    renderer, one, two = await twice(MemoryTree(FILES), MemoryTree({**FILES, **changed}))

    assert len(renderer.calls) == 2
    assert one[0].body != two[0].body


async def test_a_removed_file_renders_again(twice):
    fewer = {path: content for path, content in FILES.items() if path != "web/a.yaml"}

    renderer, _, two = await twice(MemoryTree(FILES), MemoryTree(fewer))

    assert len(renderer.calls) == 2
    assert "a.yaml" not in two[0].body["did"]


async def test_a_retargeted_link_renders_again(twice):
    async def read_link(folder):
        return (await folder.read("../link")).decode()

    before = MemoryTree(FILES, links={"link": "web/a.yaml"})
    after = MemoryTree(FILES, links={"link": "base/c.yaml"})
    _, one, two = await twice(before, after, does=read_link)

    assert (one[0].body["did"], two[0].body["did"]) == ("a", "c")


async def test_a_change_in_the_folder_that_was_not_read_renders_nothing(twice):
    async def read_one(folder):
        return (await folder.read("a.yaml")).decode()

    renderer, one, two = await twice(
        MemoryTree(FILES), MemoryTree({**FILES, "web/sub/b.yaml": "!"}), does=read_one
    )

    assert len(renderer.calls) == 1
    assert two is one


async def test_two_sources_with_the_same_content_share_the_output(twice):
    renderer, one, two = await twice(MemoryTree(FILES), MemoryTree(FILES), second_source="fork")

    assert len(renderer.calls) == 1
    assert two is one


async def test_parameters_and_version_belong_to_the_key(told, parameters, artifact, host):
    rendering, tree = Rendering(), artifact(MemoryTree(FILES))
    old, new = told(read_all), told(read_all, version="2")
    for renderer, value in ((old, ""), (old, "x"), (new, ""), (old, "")):
        await rendering.render(renderer, parameters(value=value), tree, "web", make_facts(), host)

    assert (old.calls, new.calls) == (["", "x"], [""])


async def test_two_revisions_that_take_turns_are_rendered_once_each(
    told, parameters, artifact, host
):
    renderer, rendering = told(read_all), Rendering()
    trees = [artifact(MemoryTree({**FILES, "web/a.yaml": text})) for text in ("old", "new") * 3]

    for each in trees:
        await rendering.render(renderer, parameters(), each, "web", make_facts(), host)

    assert len(renderer.calls) == 2


async def test_equal_work_at_the_same_time_renders_once(told, parameters, artifact, host):
    renderer, rendering = told(read_all), Rendering()
    tree = artifact(MemoryTree(FILES))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(
                rendering.render, renderer, parameters(), tree, "web", make_facts(), host
            )

    assert (rendering.renders, rendering.hits) == (1, 4)


async def test_renders_at_once_are_bounded(told, parameters, artifact, host):
    running: list[int] = []

    async def count(folder):
        running.append(1)
        most.append(len(running))
        await anyio.lowlevel.checkpoint()
        running.pop()

    most: list[int] = []
    renderer, rendering = told(count), Rendering(at_once=2)
    async with anyio.create_task_group() as group:
        for value in range(6):
            work = parameters(value=str(value))
            tree = artifact(MemoryTree(FILES))
            group.start_soon(rendering.render, renderer, work, tree, "web", make_facts(), host)

    assert max(most) == 2


async def test_a_failure_of_the_input_is_remembered_until_the_input_changes(
    told, parameters, artifact, host
):
    async def fail_on_a(folder):
        if await folder.read("a.yaml") == b"a":
            raise InvalidManifest("a.yaml:1: bad")
        return "fine"

    renderer, rendering = told(fail_on_a), Rendering()

    async def render(**changed):
        tree = artifact(MemoryTree({**FILES, **changed}))
        return await rendering.render(renderer, parameters(), tree, "web", make_facts(), host)

    for other in ("one", "two", "three"):
        with pytest.raises(InvalidManifest, match=r"a\.yaml:1: bad"):
            await render(**{"other/d.yaml": other})
    assert rendering.renders == 1

    rendering.try_again(Ref("default", "web"))
    with pytest.raises(InvalidManifest):
        await render()
    made = await render(**{"web/a.yaml": "good"})

    assert rendering.renders == 3
    assert made.manifests[0].body["did"] == "fine"


@pytest.mark.parametrize("error", [PluginFailed("gone"), BinaryUnavailable("no worker")])
async def test_a_failure_that_is_not_the_inputs_is_not_remembered(
    told, parameters, artifact, host, error
):
    outcomes = [error, None]

    async def fail_once(folder):
        if (error := outcomes.pop(0)) is not None:
            raise error
        return "fine"

    renderer, rendering = told(fail_once), Rendering()
    tree = artifact(MemoryTree(FILES))
    with pytest.raises(type(error)):
        await rendering.render(renderer, parameters(), tree, "web", make_facts(), host)
    made = await rendering.render(renderer, parameters(), tree, "web", make_facts(), host)

    assert made.manifests[0].body["did"] == "fine"


async def test_a_renderer_that_hangs_is_named(told, parameters, artifact, host):
    async def hang(folder):
        await anyio.sleep_forever()

    rendering = Rendering(deadline_seconds=0.01)
    with pytest.raises(PluginFailed, match="renderer told did not answer for web"):
        await rendering.render(
            told(hang), parameters(), artifact(MemoryTree(FILES)), "web", make_facts(), host
        )


async def test_the_memo_is_bounded_and_can_forget(told, parameters, artifact, host):
    renderer, rendering = told(read_all), Rendering(kept=1)
    one, two = (artifact(MemoryTree(FILES), source=name) for name in ("one", "two"))

    await rendering.render(renderer, parameters(), one, "web", make_facts(), host)
    await rendering.render(renderer, parameters(value="x"), two, "web", make_facts(), host)
    await rendering.render(renderer, parameters(), one, "web", make_facts(), host)
    rendering.forget(Ref("default", "one"))
    rendering.forget(Ref("default", "two"))
    await rendering.render(renderer, parameters(), one, "web", make_facts(), host)

    assert rendering.renders == 4


async def test_origins_are_paths_in_the_source(told, parameters, artifact, host):
    tree = artifact(MemoryTree(FILES))
    made = await Rendering().render(
        told(read_all), parameters(), tree, "./web/", make_facts(), host
    )

    assert made.manifests[0].origin == "web/told.yaml:1"


# Small trees over few names, so that changes hit what was read; any change must be seen.
NAMES = st.sampled_from(["web/a", "web/b", "web/s/a", "base/a", "base/s/b", "x", "web/l", "l"])
TARGETS = st.sampled_from(["../base/a", "../base", "a", "s", "web", "base", "..", "../..", "none"])
TREES = st.tuples(
    st.dictionaries(NAMES, st.sampled_from(["0", "1"]), max_size=6),
    st.dictionaries(st.sampled_from(["web/k", "web/l", "k", "l", "base/s"]), TARGETS, max_size=3),
)
LOOKS = st.lists(
    st.tuples(
        st.sampled_from(["read", "list"]),
        st.lists(st.sampled_from(["..", "a", "b", "s", "k", "l", "base", "web"]), max_size=4).map(
            "/".join
        ),
    ),
    max_size=4,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=500,  # a hundred did not find that reading a folder went unnoticed
)
@example(one=({"s/a": "0"}, {}), two=({}, {"s": "a"}), looks=[("read", "s")], path="")
@example(
    one=({"s/b": "0"}, {}), two=({"web/a": "0"}, {"s": "web"}), looks=[("read", "s/a")], path=""
)
@given(one=TREES, two=TREES, looks=LOOKS, path=st.sampled_from(["", "web", "k"]))
async def test_no_change_of_an_input_is_missed(
    told, parameters, artifact, host, one, two, looks, path
):
    """The memo answers as rendering anew does, whatever was looked at and whatever changed."""
    before, after = (artifact(_tree(*each)) for each in (one, two))
    memo = Rendering()
    await _outcome(memo, told(_looker(looks)), parameters(), before, path, host)
    remembered = await _outcome(memo, told(_looker(looks)), parameters(), after, path, host)
    anew = await _outcome(Rendering(), told(_looker(looks)), parameters(), after, path, host)

    assert remembered == anew


def _tree(files, links) -> MemoryTree:
    """A tree of what fits together: nothing stands below a file or a link."""
    leaves = {**files, **links}
    fitting = {
        path
        for path in leaves
        if not any(other != path and path.startswith(f"{other}/") for other in leaves)
    }
    return MemoryTree(
        {path: text for path, text in files.items() if path in fitting and path not in links},
        links={path: target for path, target in links.items() if path in fitting},
    )


def _looker(looks):
    async def does(folder):
        seen = []
        for verb, path in looks:
            try:
                found = await getattr(folder, verb)(path)
            except (ShoalError, FileNotFoundError) as error:
                seen.append(type(error).__name__)
            else:
                seen.append(found)
        return seen

    return does


async def _outcome(rendering, renderer, parameters, tree, path, host):
    try:
        made = await rendering.render(renderer, parameters, tree, path, make_facts(), host)
    except (ShoalError, FileNotFoundError) as error:
        return type(error)
    return [(each.body, each.origin) for each in made.manifests]
