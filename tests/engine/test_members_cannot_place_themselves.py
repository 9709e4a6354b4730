"""Invariant 8: nothing that a cluster says of itself changes which applications it gets."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.harness import EngineUnderTest, config_map, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.model.identity import ObjectKey
from shoal.testing.fake_cluster import FakeCluster, FakeObject

GOLD = {"clusterSelector": {"matchLabels": {"tier": "gold"}}}
texts = st.sampled_from(["gold", "tier", "tier=gold", "matchLabels", "v9.9.9", "*", ""])
labels = st.dictionaries(st.sampled_from(["tier", "env", "kubernetes.io/metadata.name"]), texts)


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    """Whatever a cluster may say when it is asked who and what it is."""
    return {
        "version": draw(st.sampled_from(["v1.37.0", "v1.23.0", "v1.30.2+gold"])),
        "limits": tuple(draw(st.lists(texts, max_size=2))),
        "labels": draw(labels),
    }


def claim_to_be(cluster: FakeCluster, said: dict[str, Any]) -> None:
    """A cluster that says so in its answers and in each object that could be read for it."""
    cluster.version, cluster.limits = said["version"], said["limits"]
    for kind, name in (("Namespace", "kube-system"), ("ConfigMap", "cluster-info")):
        scope = "" if kind == "Namespace" else "default"
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **said}}
        cluster.objects[ObjectKey("", kind, scope, name)] = FakeObject(body, "a-stranger", 1, None)


def make_fleet(folder: Path) -> EngineUnderTest:
    engine = make_engine(folder, "chosen", "other")
    engine.declare_cluster("chosen", tier="gold")
    engine.declare_cluster("other", tier="lead")
    engine.declare_application("shop", placement=GOLD)
    return engine


@given(answers(), answers())
@settings(max_examples=8)
def test_whatever_clusters_say_applications_go_where_documents_say(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    @in_virtual_time
    async def check() -> None:
        with tempfile.TemporaryDirectory() as folder:
            engine = make_fleet(Path(folder))
            claim_to_be(engine.clusters["chosen"], one)
            claim_to_be(engine.clusters["other"], other)
            engine.source.commit(shop__settings=config_map())
            async with engine.running():
                await engine.until_cluster("other", lambda view: view.last_contact, "answers")
                await anyio.sleep(30)
                targets = [view.cluster for view in engine.controller.targets()]

            assert targets == ["chosen"]
            assert not engine.clusters["other"].writes

    check()
