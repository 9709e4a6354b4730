"""`shoal diff`: what would change where, and that nothing does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest
from tests.engine.harness import EngineUnderTest, config_map, data_in, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.diffing import DiffRequest
from shoal.engine.sent_files import SentFiles, pack
from shoal.engine.views.changes import DiffView, MissingFiles
from shoal.errors import InvalidSource, UnknownName
from shoal.model.identity import Ref
from shoal.model.trees import MemoryTree

SHOP = Ref("default", "shop")


async def diff(engine: EngineUnderTest, **asked: Any) -> DiffView:
    found = await engine.controller.diff(DiffRequest(SHOP, "ana", **asked))
    assert isinstance(found, DiffView)
    return found


def told(found: DiffView) -> list[tuple[str, str, list[str]]]:
    return [(one.action, one.object, list(one.clusters)) for one in found.differences]


SETTINGS, EXTRA = "ConfigMap default/settings", "ConfigMap default/extra"


@in_virtual_time
async def test_what_git_has_now_is_told_once_for_all_clusters_that_would_change_alike(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one", "two", "three")
    revision = engine.source.commit(
        shop__settings=config_map(a="1"), shop__extra=config_map("extra")
    )
    async with engine.running():
        await engine.until_synced(revision)
        newer = engine.source.commit(shop__settings=config_map(a="2"))

        found = await diff(engine)

    everywhere = ["one", "three", "two"]
    assert (found.revision, found.clusters, found.answered) == (newer, 3, 3)
    assert told(found) == [("delete", EXTRA, everywhere), ("update", SETTINGS, everywhere)]


@in_virtual_time
async def test_a_diff_writes_grants_and_remembers_nothing(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.documents.write("Source", "apps", {"memory": {}, "interval": "1h"})
    revision = engine.source.commit(shop__settings=config_map(a="1"))
    async with engine.running():
        await engine.until_synced(revision)
        writes, entries = list(engine.clusters["one"].writes), len(engine.store.entries)
        before = (engine.target("one"), dict(engine.state.grants))
        engine.source.commit(shop__settings=config_map(a="2"))

        await diff(engine)
        await anyio.sleep(60)

        assert (engine.target("one"), dict(engine.state.grants)) == before
    assert engine.clusters["one"].writes == writes
    assert len(engine.store.entries) == entries
    assert data_in(engine.clusters["one"]) == {"a": "1"}


@in_virtual_time
async def test_what_is_equal_is_no_difference(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map(a="1"))
    async with engine.running():
        await engine.until_synced(revision)

        found = await diff(engine)

    assert (found.answered, found.differences) == (1, [])


@in_virtual_time
async def test_a_revision_is_found_by_any_of_its_names(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map(a="1"))
    engine.source.branches["topic"] = {"shop/settings.json": config_map(a="9")}
    async with engine.running():
        await engine.until_synced(revision)

        found = await diff(engine, revision="topic")
        with pytest.raises(InvalidSource, match="source default/apps has no revision nope"):
            await diff(engine, revision="nope")

    assert (found.revision, told(found)) == ("topic", [("update", SETTINGS, ["one"])])


@in_virtual_time
async def test_clusters_can_be_named_and_an_unknown_one_is_said(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    engine.source.commit(shop__settings=config_map(a="1"))
    async with engine.running():
        await engine.until(lambda: len(engine.state.targets) == 2, "two targets")

        found = await diff(engine, clusters=frozenset({"two"}))
        with pytest.raises(UnknownName, match="no cluster of default/shop named tow") as error:
            await diff(engine, clusters=frozenset({"tow"}))

    assert (found.clusters, found.answered) == (1, 1)
    assert "two" in error.value.next_step


@in_virtual_time
async def test_a_cluster_without_an_answer_is_named_and_holds_up_no_other(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one", "slow", "away")
    revision = engine.source.commit(shop__settings=config_map(a="1"))
    async with engine.running():
        await engine.until_synced(revision)
        engine.clusters["away"].unreachable = True
        engine.clusters["slow"].gate = anyio.Event()
        engine.source.commit(shop__settings=config_map(a="2"))

        found = await diff(engine, seconds=2.0)

    assert (found.clusters, found.answered) == (3, 1)
    assert [each.cluster for each in found.unanswered] == ["away", "slow"]
    assert "within 2 s" in found.unanswered[1].message
    assert told(found) == [("update", SETTINGS, ["one"])]


@in_virtual_time
async def test_an_override_that_does_not_fit_fails_its_cluster_only(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    engine.declare_cluster("two", tier="odd")
    operations = [{"op": "replace", "path": "/data/none", "value": "x"}]
    override = {
        "clusterSelector": {"matchLabels": {"tier": "odd"}},
        "patches": [{"target": {}, "operations": operations}],
    }
    engine.declare_application("shop", overrides=[override])
    engine.source.commit(shop__settings=config_map(a="1"))
    async with engine.running():
        await engine.until_cluster("one", lambda view: view.reachable == "True", "answers")

        found = await diff(engine)

    assert [(each.cluster, each.reason) for each in found.failed] == [("two", "OverrideFailed")]
    assert found.answered == 1


@in_virtual_time
async def test_what_is_not_there_yet_is_shown_whole_and_secrets_are_masked(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": "default"},
        "stringData": {"password": "canary"},
    }
    async with engine.running():
        await engine.until_cluster("one", lambda view: view.reachable == "True", "answers")
        files = await pack(MemoryTree({"shop/login.json": orjson.dumps(secret)}), ["shop"])

        (one,) = (await diff(engine, files=files)).differences

    assert (one.action, one.patch[0]["op"], one.patch[0]["path"]) == ("create", "add", "")
    assert one.patch[0]["value"]["metadata"]["name"] == "login"
    assert "canary" not in str(one)


@in_virtual_time
async def test_an_object_that_cannot_be_applied_is_told_with_its_reason(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_application("other")
    engine.source.commit(shop__settings=config_map(a="1"))
    async with engine.running():
        await engine.until_synced("1", "one")
        body = {**config_map("odd"), "apiVersion": "odd.example/v1", "kind": "Odd"}
        files = await pack(MemoryTree({"shop/odd.json": orjson.dumps(body)}), ["shop"])

        found = await diff(engine, files=files)

    refused = [one for one in found.differences if one.action == "refuse"]
    assert [(one.object, one.reason) for one in refused] == [
        ("Odd.odd.example default/odd", "MissingApi")
    ]
    assert not refused[0].cause.startswith("one:")


@in_virtual_time
async def test_a_working_copy_is_compared_with_what_is_live(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map(a="1"))
    async with engine.running():
        await engine.until_synced(revision)
        copy = MemoryTree({"shop/settings.json": orjson.dumps(config_map(a="7"))})

        found = await diff(engine, files=await pack(copy, ["shop"]))
        same = await diff(engine)

    assert (found.revision, told(found)) == ("working copy", [("update", SETTINGS, ["one"])])
    assert told(same) == []


@in_virtual_time
async def test_what_was_not_sent_is_asked_for(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    async with engine.running():
        await engine.until_cluster("one", lambda view: view.reachable == "True", "answers")

        found = await engine.controller.diff(DiffRequest(SHOP, "ana", files=SentFiles([], [])))

    assert found == MissingFiles(["shop"])


@in_virtual_time
async def test_a_diff_renders_beside_the_memo_of_what_clusters_have(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map(a="1"))
    async with engine.running():
        await engine.until_synced(revision)
        calls = engine.renderer.calls

        await diff(engine)
        assert engine.renderer.calls == calls
        copy = MemoryTree({"shop/settings.json": orjson.dumps(config_map(a="7"))})
        await diff(engine, files=await pack(copy, ["shop"]))
        await diff(engine)

    assert engine.renderer.calls == calls + 1
