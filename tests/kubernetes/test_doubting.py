"""A list that lost more than half of a kind: believed when the missing are gone, and only then.

What would follow from believing it is told in fluxcd/flux2#2421 and argoproj/argo-cd#7412: all of
an application was deleted, and nobody had wanted it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from shoal.errors import ServerBusy
from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.doubting import doubt
from shoal_clusters.transport import Answer

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", True)
KEYS = [ObjectKey("", "ConfigMap", "sea", name) for name in "abcde"]
GONE = Answer(404, {}, b"{}")


def labelled(labels: Mapping[str, str]) -> Answer:
    return Answer(200, {}, orjson.dumps({"metadata": {"labels": labels}}))


class Cluster:
    cluster = "dev"

    def __init__(self, **answers: Answer) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def request(self, method: str, path: str, *, accept: str) -> Answer:
        name = path.rpartition("/")[2]
        self.asked.append(name)
        return self._answers.get(name, GONE)


async def doubted(cluster: Any) -> None:
    await doubt(cluster, CONFIG_MAPS, KEYS, "ocean")


async def test_a_sample_that_is_gone_is_believed() -> None:
    cluster = Cluster()
    await doubted(cluster)

    assert cluster.asked == ["a", "b", "c"]


async def test_an_object_that_lost_its_label_is_gone_from_the_list_too() -> None:
    await doubted(Cluster(a=labelled({"shoal.dev/fleet": "another"}), b=labelled({})))


@pytest.mark.parametrize("answer", [labelled({"shoal.dev/fleet": "ocean"}), Answer(503, {}, b"{}")])
async def test_one_that_is_there_or_cannot_be_asked_for_is_enough_to_disbelieve(
    answer: Answer,
) -> None:
    with pytest.raises(ServerBusy, match="listed configmaps without ConfigMap sea/b"):
        await doubted(Cluster(b=answer))
