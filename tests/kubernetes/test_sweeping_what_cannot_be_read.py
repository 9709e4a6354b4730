"""A list that is none, or holds what is no object, is its kind's trouble: the others are swept."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import orjson
import pytest

from shoal.errors import ServerBusy
from shoal.model.identity import GroupKind, ObjectKey
from shoal.model.sweeps import Swept
from shoal_clusters.kubernetes.discovering import Catalogue, Resource
from shoal_clusters.kubernetes.register import Register, Unclaimed
from shoal_clusters.kubernetes.sweeping import Sweeper
from shoal_clusters.transport import Answer

ODD = Resource("", "v1", "ConfigMap", "configmaps", True)
SOUND = Resource("", "v1", "Secret", "secrets", True)
OBJECT = {"metadata": {"name": "ours", "namespace": "sea", "uid": "1"}}


def listed(*items: object) -> bytes:
    return orjson.dumps({"metadata": {"resourceVersion": "7"}, "items": items})


class Lists:
    """Answers each list with what it is given for its path."""

    cluster = "dev"

    def __init__(self, bodies: Mapping[str, bytes]) -> None:
        self._bodies = bodies

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str], accept: str
    ) -> Answer:
        return Answer(200, {}, self._bodies[path])


def nothing_is_ours(key: ObjectKey, live: Mapping[str, object]) -> Unclaimed | None:
    return None


async def swept(bodies: Mapping[str, bytes]) -> list[Swept]:
    async def refreshed(*, at_once: bool) -> Catalogue:
        return Catalogue([ODD, SOUND])

    sweeper = Sweeper(
        transport=Lists(bodies),  # type: ignore[arg-type]  # the one method that a sweep uses
        discovery=SimpleNamespace(refreshed=refreshed),  # type: ignore[arg-type]  # likewise
        register=Register({}),
        observer=SimpleNamespace(swept=nothing_is_ours),  # type: ignore[arg-type]  # likewise
        watches=SimpleNamespace(),  # type: ignore[arg-type]  # likewise
        selector="shoal.dev/fleet=demo",
    )
    return [part async for part in sweeper.sweep(())]


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"", b"[]", listed(7), listed({}), listed({"metadata": {"name": 7}}), b"\xff"],
)
async def test_what_cannot_be_read_is_told_of_its_kind_and_ends_no_sweep(body: bytes) -> None:
    odd, sound = await swept({ODD.root: body, SOUND.root: listed(OBJECT)})

    assert odd.kind == GroupKind("", "ConfigMap")
    assert isinstance(odd.error, ServerBusy)
    assert "configmaps on cluster dev" in str(odd.error)
    assert (sound.kind, sound.error, sound.is_whole) == (GroupKind("", "Secret"), None, True)
