"""Alerts over the whole engine: of which applications, clusters and events one tells, and since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.engine.harness import config_map, make_engine
from tests.engine.troubles import MINUTE, refuse, watched
from tests.engine.virtual_time import in_virtual_time

from shoal.model.identity import Ref
from shoal.model.records import Deed


@pytest.mark.parametrize(
    ("spec", "is_told"),
    [
        ({"applications": {"names": ["sh*"]}}, True),
        ({"applications": {"names": ["web"]}}, False),
        ({"applications": {"selector": {"matchLabels": {"tier": "gold"}}}}, True),
        ({"applications": {"selector": {"matchLabels": {"tier": "tin"}}}}, False),
        ({"clusters": {"selector": {"matchLabels": {"env": "prod"}}}}, True),
        ({"clusters": {"names": ["two"]}}, False),
        ({"when": 'application.labels.tier == "gold" && cluster.labels.env == "prod"'}, True),
        ({"when": 'event.message.contains("quota")'}, False),
        ({"when": 'cluster.labels.region == "eu"'}, False),  # it has no such label
        ({"when": "event.revision + 1 == 2"}, True),  # cannot be evaluated: rather too many
        ({"events": ["Held", "Drifted"]}, False),
    ],
)
@in_virtual_time
async def test_an_alert_is_about_what_it_selects(
    tmp_path: Path, spec: dict[str, Any], is_told: bool
) -> None:
    engine = watched(tmp_path, "one", **spec)
    engine.declare_cluster("one", env="prod")
    shop = {"source": {"ref": "apps", "path": "shop"}, "placement": {"clusterSelector": {}}}
    engine.documents.write("Application", "shop", shop, labels={"tier": "gold"})

    async with engine.running():
        await engine.until_synced("1")
        refuse(engine)
        engine.source.commit(shop__settings=config_map(color="green"))
        await engine.until_recorded(Deed.TARGET_FAILED)
        await anyio.sleep(MINUTE)

    assert bool(engine.notifier.sent) is is_told


@in_virtual_time
async def test_an_alert_of_another_namespace_says_so_to_hear_of_all(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.source.commit(shop__settings=config_map(color="blue"))
    quick = {"to": [{"noting": {}}], "events": ["Synced"], "groupFor": "1s"}
    engine.documents.write("Alert", "own", quick, namespace="other")
    everyone = {**quick, "applications": {"namespaces": "All"}}
    engine.documents.write("Alert", "all", everyone, namespace="other")

    async with engine.running():
        await engine.until_synced("1")
        await anyio.sleep(MINUTE)

    assert [batch.alert for batch in engine.notifier.sent] == [Ref("other", "all")]
    assert engine.notifier.titles == ["default/shop was synced on one"]


@in_virtual_time
async def test_an_alert_begins_with_what_happens_from_then_on(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        engine.declare_alert(events=["Synced"], groupFor="1s")
        await anyio.sleep(MINUTE)
        titles = engine.notifier.titles
        engine.source.commit(shop__settings=config_map(color="green"))
        await engine.until_synced("2")
        await anyio.sleep(5)

    assert titles == []
    assert [batch.events[0].revision for batch in engine.notifier.sent] == ["2"]
