"""Scaling: which workloads the autoscalers of a namespace name, as far as they are served."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import orjson
import pytest
from tests.kubernetes.samples import TARGET

from shoal.model.identity import ObjectKey
from shoal.model.plans import Owned, OwnedState
from shoal_clusters.kubernetes import scaling
from shoal_clusters.kubernetes.discovering import Catalogue, Resource
from shoal_clusters.kubernetes.scaling import Scaling
from shoal_clusters.transport import Answer

HPA = Resource("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True)
KEDA = Resource("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects", True)
WEB = ObjectKey("apps", "Deployment", "sea", "web")


class Cluster:
    """Serves these kinds and lists these targets; both sides of what `Scaling` asks."""

    cluster = "dev"

    def __init__(self, served: tuple[Resource, ...], **targets: dict[str, Any]) -> None:
        self._catalogue = Catalogue(served)
        self._targets = targets
        self.asked: list[str] = []
        self.refusal = 403

    async def current(self) -> Catalogue:
        return self._catalogue

    async def request(self, method: str, path: str) -> Answer:
        plural = path.rpartition("/")[2]
        self.asked.append(plural)
        if plural not in self._targets:
            return Answer(200, {}, b'{"items": []}')
        if not self._targets[plural]:
            return Answer(self.refusal, {}, b"{}")
        items = [{"spec": {"scaleTargetRef": self._targets[plural]}}]
        return Answer(200, {}, orjson.dumps({"items": items}))


async def is_scaled(cluster: Cluster, key: ObjectKey = WEB) -> bool:
    def tell(*_: object) -> None:
        raise AssertionError("nobody asked for it")

    return await Scaling(cluster, cluster, tell).is_scaled(key)  # type: ignore[arg-type]


async def test_a_scaled_object_of_keda_counts_with_its_defaults() -> None:
    cluster = Cluster((HPA, KEDA), scaledobjects={"name": "web"})

    assert await is_scaled(cluster)
    assert cluster.asked == ["horizontalpodautoscalers", "scaledobjects"]


@pytest.mark.parametrize(
    "target",
    [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"},
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web"},
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Deployment", "name": "web"},
    ],
)
async def test_an_autoscaler_of_something_else_does_not_count(target: dict[str, Any]) -> None:
    assert not await is_scaled(Cluster((HPA,), horizontalpodautoscalers=target))


async def test_what_is_not_served_is_not_asked_for() -> None:
    cluster = Cluster(())

    assert not await is_scaled(cluster)
    assert cluster.asked == []


async def test_what_may_not_be_listed_leaves_the_number_to_git() -> None:
    assert not await is_scaled(Cluster((HPA,), horizontalpodautoscalers={}))


async def test_what_the_cluster_cannot_say_just_now_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scaling, "_pause", lambda failures: 0.0)
    cluster = Cluster((HPA,), horizontalpodautoscalers={})
    cluster.refusal = 503
    told: list[bool] = []
    done = anyio.Event()

    def tell(row: Owned, live: object, is_scaled: bool) -> None:
        told.append(is_scaled)
        done.set()

    asking = Scaling(cluster, cluster, tell)  # type: ignore[arg-type]
    row = Owned(TARGET, WEB, "uid", "", "", b"", OwnedState.CONFIRMED)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(asking.run)
            asking.ask(row, {})
            while len(cluster.asked) < 3:
                await anyio.lowlevel.checkpoint()
            cluster.refusal = 403
            await done.wait()
            tasks.cancel_scope.cancel()

    assert told == [False]
