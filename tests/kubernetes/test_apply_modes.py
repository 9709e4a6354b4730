"""Apply modes, on a real API server: what a manifest may ask for and a live object may not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.bodies import asking, crd, widget
from tests.kubernetes.planes import PlaneWorld
from tests.kubernetes.shapes import by_helm

from shoal.errors import InvalidManifest
from shoal.model.plans import Action, ResultStatus
from shoal.testing.target_bench import Bench, Subject, bench, statuses
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log

pytestmark = pytest.mark.real


async def verbs_of(plane: ControlPlane, since: int) -> list[str]:
    entries = await read_audit_log(plane.audit_log, since=since)
    return [one.verb for one in entries if one.user == "shoal"]


async def edited(it: Bench, world: PlaneWorld, name: str, **data: str) -> None:
    """An edit that the session has seen."""
    await world.change(it.key(name), {"data": data})
    await it.until(
        lambda one: one.key.name == name and one.drift is not None and one.drift.kind == "edited"
    )


async def seen_after(it: Bench, world: PlaneWorld) -> None:
    """Until the session has seen an event that came later than all before."""
    await it.until(lambda one: one.key.name == "canary" and one.drift is not None)


# -- IfNotPresent ------------------------------------------------------------------------------


async def test_what_is_created_once_is_never_updated_nor_corrected_and_its_drift_is_no_drift(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        canary = it.config_map("canary", a="1")
        results = await it.sync(asking(it.config_map("once", a="1"), "IfNotPresent"), canary)
        await world.change(it.key("once"), {"data": {"a": "theirs", "b": "theirs"}})
        await world.change(it.key("canary"), {"data": {"a": "2"}})
        await seen_after(it, world)
        plan = await it.plan(asking(it.config_map("once", a="2"), "IfNotPresent"), canary)

        assert results["once"].action is Action.CREATE
        assert [change.key.name for change in plan.changes] == ["canary"]
        assert not [one for one in it.seen if one.key.name == "once" and one.drift is not None]
        assert (await world.read(it.key("once")) or {})["data"] == {"a": "theirs", "b": "theirs"}


async def test_what_is_created_once_is_created_again_when_it_is_missing(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = asking(it.config_map("once", a="1"), "IfNotPresent")
        await it.sync(body)
        await world.remove(it.key("once"))
        await it.until_drifted("once", missing=True)
        await it.sync(body)

        assert (await world.read(it.key("once")) or {})["data"] == {"a": "1"}


async def test_what_is_created_once_is_deleted_when_it_leaves_git(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(asking(it.config_map("once", a="1"), "IfNotPresent"))
        await it.sync()

        assert await world.read(it.key("once")) is None


async def test_what_is_created_once_is_left_to_whom_it_belongs(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        async with world.plane.client() as client:
            await by_helm(client, it.config_map("theirs", a="theirs"))
        before = await world.read(it.key("theirs"))
        results = await it.sync(asking(it.config_map("theirs", a="1"), "IfNotPresent"))
        await it.sync()

        assert statuses(results) == {"theirs": ResultStatus.FORGOTTEN}
        assert "Helm release default/shop" in results["theirs"].note
        assert await world.read(it.key("theirs")) == before


async def test_what_becomes_created_once_stays_as_it_is_and_can_become_ordinary_again(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("turned", a="1"))
        await it.sync(asking(it.config_map("turned", a="2"), "IfNotPresent"))
        kept = (await world.read(it.key("turned")) or {})["data"]
        nothing = await it.plan(asking(it.config_map("turned", a="3"), "IfNotPresent"))
        await it.sync(it.config_map("turned", a="4"))

        assert kept == {"a": "1"}
        assert nothing.changes == ()
        assert (await world.read(it.key("turned")) or {})["data"] == {"a": "4"}


# -- Replace -----------------------------------------------------------------------------------


def doubled(group: str, namespace: str, *names: str) -> dict[str, Any]:
    """A custom resource that server-side apply cannot hold: a map list with one key twice."""
    body = widget(group, namespace, size=1)
    body["spec"]["parts"] = [{"name": name} for name in names]
    return body


def loose_crd(group: str) -> dict[str, Any]:
    body = crd(group)
    item = {"type": "object", "properties": {"name": {"type": "string"}}}
    schema = body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["parts"] = {"type": "array", "items": item}
    found: dict[str, Any] = body
    return found


async def test_what_is_replaced_is_sent_whole_and_nothing_of_others_is_left(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(subject) as it:
        body = asking(it.config_map("whole", a="1", b="1"), "Replace")
        first = await it.sync(body)
        await world.change(it.key("whole"), {"data": {"c": "theirs"}})
        start = await audit_position(plane.audit_log)
        again = await it.sync(asking(it.config_map("whole", a="2"), "Replace"))
        live = await world.read(it.key("whole")) or {}

        assert first["whole"].status is ResultStatus.APPLIED
        assert again["whole"].status is ResultStatus.APPLIED
        assert live["data"] == {"a": "2"}
        assert (await verbs_of(plane, start)).count("update") == 1
        assert (await it.plan(asking(it.config_map("whole", a="2"), "Replace"))).changes == ()


async def test_what_is_replaced_is_healed_pruned_and_never_taken_from_others(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = asking(it.config_map("whole", a="1"), "Replace")
        await world.create(it.config_map("taken", theirs="yes"))
        results = await it.sync(body, asking(it.config_map("taken", a="1"), "Replace"))
        await edited(it, world, "whole", a="2")
        await it.sync(body)
        healed = await world.read(it.key("whole")) or {}
        await it.sync()

        assert statuses(results)["taken"] is ResultStatus.FAILED
        assert (await world.read(it.key("taken")) or {})["data"] == {"theirs": "yes"}
        assert healed["data"] == {"a": "1"}
        assert await world.read(it.key("whole")) is None


async def test_what_the_system_keeps_of_an_object_outlives_its_replacement(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(asking(it.config_map("held", a="1"), "Replace"))
        await world.change(it.key("held"), {"metadata": {"finalizers": ["example.test/hold"]}})
        await it.sync(asking(it.config_map("held", a="2"), "Replace"))
        live = await world.read(it.key("held")) or {}

        assert live["metadata"]["finalizers"] == ["example.test/hold"]
        assert live["data"] == {"a": "2"}
        await world.change(it.key("held"), {"metadata": {"finalizers": None}})


async def test_a_session_that_lost_its_rows_knows_what_it_replaced(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = asking(it.config_map("whole", a="1"), "Replace")
        await it.sync(body)
    async with bench(subject, {}) as again:
        results = await again.sync(body)

        assert results["whole"].error is None


# -- JSONPatch ---------------------------------------------------------------------------------


async def test_a_correction_by_patch_changes_exactly_what_differs(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(subject) as it:
        body = asking(it.config_map("shared", a="1", b="1"), "JSONPatch")
        await it.sync(body)
        await edited(it, world, "shared", a="2")
        results = await it.sync(body)
        live = await world.read(it.key("shared")) or {}
        entries = live["metadata"]["managedFields"]

        assert results["shared"].action is Action.CORRECT
        assert live["data"] == {"a": "1", "b": "1"}
        # Of what was edited only the one field was written, and nothing else changed hands.
        updates = [
            one for one in entries if (one["manager"], one["operation"]) == ("shoal", "Update")
        ]
        assert updates[0]["fieldsV1"] == {"f:data": {"f:a": {}}}
        assert (await it.plan(body)).changes == ()


async def test_what_was_corrected_by_patch_is_still_looked_after(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = asking(it.config_map("shared", a="1", b="1"), "JSONPatch")
        await it.sync(body)
        await edited(it, world, "shared", a="2")
        await it.sync(body)
        it.seen.clear()
        await edited(it, world, "shared", a="3")
        await it.sync(body)

        assert (await world.read(it.key("shared")) or {})["data"] == {"a": "1", "b": "1"}


# -- Ignore ------------------------------------------------------------------------------------


async def test_what_is_ignored_is_neither_created_updated_nor_pruned(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("left", a="1"))
        results = await it.sync(
            asking(it.config_map("left", a="2"), "Ignore"),
            asking(it.config_map("new", a="1"), "Ignore"),
        )
        await it.sync()

        assert statuses(results) == {"left": ResultStatus.FORGOTTEN}
        assert "Ignore" in results["left"].note
        assert (await world.read(it.key("left")) or {})["data"] == {"a": "1"}
        assert await world.read(it.key("new")) is None


# -- all of them -------------------------------------------------------------------------------


async def test_a_mode_on_a_live_object_has_no_effect(subject: Subject, world: PlaneWorld) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("ours", a="1"))
        annotations = {"shoal.dev/apply": "Ignore"}
        await world.change(it.key("ours"), {"metadata": {"annotations": annotations}})
        await it.sync(it.config_map("ours", a="2"))
        await it.sync()

        assert await world.read(it.key("ours")) is None


async def test_an_unknown_mode_is_refused_with_what_was_meant(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        plan = await it.plan(
            asking(it.config_map("typo", a="1"), "IfNotPresnt"),
            asking(it.config_map("odd", a="1"), "Carefully"),
        )
        typo, odd = plan.refused[it.key("typo")], plan.refused[it.key("odd")]

        assert isinstance(typo, InvalidManifest)
        assert "did you mean IfNotPresent?" in str(typo)
        assert "expected one of" in str(odd)
