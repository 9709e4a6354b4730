"""A controller whose memory was lost, or is older than its cluster: it finds what is there."""

from __future__ import annotations

import base64
import shutil
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.fleet.harness import (
    FleetUnderTest,
    Writes,
    complete,
    config_map,
    deployment,
    eventually,
    job,
    path_of,
)

from shoal.model.records import Deed
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import Entry
from shoal_clusters.controlplane.client import Client

CLUSTER = "cluster dev"


def secret(namespace: str) -> Any:
    data = {"key": base64.b64encode(b"a value").decode()}
    return {**config_map("token", namespace), "kind": "Secret", "data": data}


async def versions(admin: Client, *manifests: Any) -> dict[str, tuple[str, str]]:
    """Uid and resourceVersion of what is there, by path."""
    live = {path_of(each): await admin.find(path_of(each)) for each in manifests}
    return {
        path: (found["metadata"]["uid"], found["metadata"]["resourceVersion"])
        for path, found in live.items()
        if found is not None
    }


async def sent_at_least(writes: Writes, count: int) -> list[Entry]:
    """The writes, once there are so many, without those that were only tried out."""

    async def look() -> list[Entry] | None:
        sent = await writes.seen()
        return sent if len(sent) >= count else None

    found = await eventually(look, f"{count} writes")
    assert found is not None
    return found


async def test_the_database_is_deleted_while_the_controller_is_down(
    small_fleet: FleetUnderTest,
    namespace: str,
    admin: Client,
    clusters: Mapping[str, ControlPlane],
) -> None:
    """With the key of the installation: what is there is applied once and stays as it is."""
    fleet, repository = small_fleet, small_fleet.repository
    left = config_map("left", namespace)
    kept = [
        *(config_map(name, namespace) for name in ("one", "two")),
        deployment("web", namespace),
        job("once", namespace),
        secret(namespace),
    ]
    gone = config_map("gone", namespace)
    repository.write("shop/all.yaml", left, *kept)
    repository.write("other/all.yaml", gone)
    fleet.declare_application("other")
    revision = repository.commit("Open the shop")
    async with fleet.running():
        await fleet.until_revision(revision)
        await fleet.until_revision(revision, "other")
        await complete(admin, job("once", namespace))
    before = await versions(admin, left, gone, *kept)
    shutil.rmtree(fleet.folder / "state")
    fleet.remove("application-other.yaml")
    repository.write("shop/all.yaml", *kept)
    revision = repository.commit("Take one out, while nobody looks")
    writes = await Writes.since_now(clusters["dev"], namespace)
    async with fleet.running():
        await fleet.until_recorded(Deed.CLUSTER_RECOVERED, CLUSTER)
        await fleet.until(lambda: len(fleet.controller.holds()) == 2, "two holds")
        holds = {each.subject: each for each in fleet.controller.holds()}
        sent = await sent_at_least(writes, len(kept))
        after = await versions(admin, left, gone, *kept)
        for hold in holds.values():
            await fleet.controller.approve(hold.id, who="Ana", reason="they go")
        await fleet.until(lambda: not fleet.controller.holds(), "no hold")
        await fleet.until_revision(revision)

        async def is_gone() -> bool:
            return len(await versions(admin, left, gone)) == 0

        await eventually(is_gone, "the orphans are deleted")

    assert after == before
    names = [each["metadata"]["name"] for each in kept]
    assert Counter(each.name for each in sent) == Counter(names)
    assert {(each.verb, each.code) for each in sent} == {("patch", 200)}
    assert {each.cause for each in holds.values()} == {"Orphaned"}
    assert "ConfigMap" in holds["default/shop@dev"].reason
    assert f"{namespace}/left" in holds["default/shop@dev"].reason
    assert f"{namespace}/gone" in holds["default/other@dev"].reason
    assert await versions(admin, *kept) == {path: before[path] for path in map(path_of, kept)}


async def test_the_database_is_replaced_by_an_older_copy(
    small_fleet: FleetUnderTest,
    namespace: str,
    admin: Client,
    clusters: Mapping[str, ControlPlane],
) -> None:
    """Taken two commits and a removal earlier: no older revision is written, nothing comes back."""
    fleet, repository, state = small_fleet, small_fleet.repository, small_fleet.folder / "state"
    old, *rest = (config_map(each, namespace, color="blue") for each in ("old", "a", "b", "c"))
    repository.write("shop/all.yaml", old, job("once", namespace), *rest)
    revision = repository.commit("Open the shop")
    async with fleet.running():
        await fleet.until_revision(revision)
        await complete(admin, job("once", namespace))
    shutil.copytree(state, fleet.folder / "copy")
    green = [{**each, "data": {"color": "green"}} for each in (*rest, config_map("new", namespace))]
    repository.write("shop/all.yaml", old, job("once", namespace), *green)
    repository.commit("Paint it green")
    async with fleet.running():
        await fleet.until_revision(repository.git("rev-parse", "HEAD"))
    repository.write("shop/all.yaml", job("once", namespace), *green)
    revision = repository.commit("Take the old one out")
    async with fleet.running():
        await fleet.until_revision(revision)
    wanted = [job("once", namespace), *green]
    before = await versions(admin, old, *wanted)
    for file in state.glob("shoal.db*"):
        file.unlink()
    for file in (fleet.folder / "copy").glob("shoal.db*"):
        shutil.copy(file, state)
    writes = await Writes.since_now(clusters["dev"], namespace)
    async with fleet.running():
        await fleet.until_recorded(Deed.CLUSTER_RECOVERED, CLUSTER)
        await fleet.until_revision(revision)
        await fleet.until(
            lambda: (
                len(fleet.controller.clusters()) == 1
                and fleet.controller.clusters()[0].objects == len(wanted)
            ),
            "a row for each object",
        )
        sent = await sent_at_least(writes, len(wanted))
        holds = fleet.controller.holds()

    assert await versions(admin, old, *wanted) == before
    assert path_of(old) not in before
    applied = Counter(each.name for each in sent if (each.verb, each.code) == ("patch", 200))
    assert applied == Counter(each["metadata"]["name"] for each in wanted)
    # The row of what was pruned since says that it is there: its deletion finds nothing.
    others = {(each.verb, each.name, each.code) for each in sent if each.verb != "patch"}
    assert others <= {("delete", "old", 404)}
    assert holds == []
