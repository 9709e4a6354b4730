"""What is sent in the place of a live object: the manifest, and what the system keeps there."""

from __future__ import annotations

from typing import Any

import orjson
from tests.kubernetes.samples import applied, config_map, deployment, edited_by, ours, prepared

from shoal_clusters.kubernetes.preparing import PreparedObject
from shoal_clusters.kubernetes.replacement import replacement

BY_SCALE = edited_by("hpa", {"f:spec": {"f:replicas": {}}}, subresource="scale")


def only(body: dict[str, Any]) -> PreparedObject:
    ((one),) = prepared(body).objects.values()
    return one


def sent(body: dict[str, Any], live: dict[str, Any]) -> Any:
    return orjson.loads(replacement(only(body), live))


def test_the_whole_manifest_is_bound_to_the_version_that_was_seen() -> None:
    wanted = only(config_map())
    live = applied(ours(config_map(other="value")), uid="uid-3", version=11)

    body = sent(config_map(), live)

    assert body["data"] == wanted.body["data"]
    assert body["metadata"] == {
        **wanted.body["metadata"],
        "uid": "uid-3",
        "resourceVersion": "11",
    }


def test_finalizers_and_owners_stay_unless_the_manifest_names_its_own() -> None:
    live = applied(ours(config_map()))
    kept = {"finalizers": ["a.io/hold"], "ownerReferences": [{"uid": "u"}]}
    live["metadata"] |= {**kept, "generateName": "x-"}
    named = config_map()
    named["metadata"]["finalizers"] = ["b.io/hold"]

    metadata = sent(config_map(), live)["metadata"]

    assert {name: metadata[name] for name in kept} == kept
    assert "generateName" not in metadata
    assert sent(named, live)["metadata"]["finalizers"] == ["b.io/hold"]


def test_replicas_that_somebody_scales_stay_as_they_are() -> None:
    scaled = applied(ours(deployment(replicas=7)), entries=(BY_SCALE,))
    unscaled = applied(ours(deployment(replicas=7)))
    without = deployment()
    del without["spec"]["replicas"]

    assert sent(deployment(), scaled)["spec"] == {**only(deployment()).body["spec"], "replicas": 7}
    assert sent(without, scaled)["spec"]["replicas"] == 7
    assert sent(deployment(), unscaled)["spec"]["replicas"] == 3


def test_what_is_scaled_and_has_no_replicas_gets_none() -> None:
    live = applied(ours(config_map()), entries=(BY_SCALE,))

    assert "spec" not in sent(config_map(), live)
    assert "spec" not in sent(config_map(), {**live, "spec": None})
