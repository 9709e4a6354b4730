"""Drift, on a real API server: what is seen and undone, and what is never fought."""

from __future__ import annotations

import pytest
from tests.kubernetes.bodies import deployment, job
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.errors import OwnershipConflict
from shoal.model.health import HealthState
from shoal.model.identity import ObjectKey
from shoal.model.plans import Action, ResultStatus
from shoal.model.sightings import DriftKind
from shoal.testing.target_bench import Subject, bench
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log
from shoal_clusters.kubernetes import fetching
from shoal_clusters.kubernetes.marks import FLEET_LABEL, OWNER_ANNOTATION
from shoal_clusters.transport import Answer

pytestmark = pytest.mark.real


async def test_an_edit_names_the_client_and_the_way_back(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("edited", a="1"))
        await world.change(it.key("edited"), {"data": {"a": "2"}})
        sighting = await it.until_drifted("edited", missing=False)

        assert sighting.drift is not None
        assert sighting.drift.manager == "kubectl-edit"
        assert sighting.drift.managed_at is not None
        assert sighting.drift.patch == (
            {"op": "test", "path": "/data/a", "value": "2"},
            {"op": "replace", "path": "/data/a", "value": "1"},
        )


async def test_what_the_server_says_in_other_words_is_no_drift(
    subject: Subject, world: PlaneWorld
) -> None:
    """`1000m` comes back as `1`; an edit beside it is undone and leaves it as it is."""
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    body = deployment(world.namespace, "web")
    (container,) = body["spec"]["template"]["spec"]["containers"]
    container["resources"] = {"limits": {"cpu": "1000m"}}
    async with bench(subject) as it:
        await it.sync(body)
        at_once = await it.plan(body)
    async with bench(subject, it.inventory) as again:
        await again.until(lambda one: one.key == key and one.health is not None)
        after_a_restart = await again.plan(body)
        await world.change(key, {"spec": {"replicas": 7}})
        sighting = await again.until_drifted("web", missing=False)

    assert at_once.changes == after_a_restart.changes == ()
    assert sighting.drift is not None
    assert [one["path"] for one in sighting.drift.patch or ()] == ["/spec/replicas"] * 2


async def test_a_correction_costs_one_request(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(subject) as it:
        bodies = it.config_map("edited", a="1"), it.config_map("deleted", a="1")
        await it.sync(*bodies)
        await world.change(it.key("edited"), {"data": {"a": "2"}})
        await world.remove(it.key("deleted"))
        await it.until_drifted("edited", missing=False)
        await it.until_drifted("deleted", missing=True)
        start = await audit_position(plane.audit_log)
        await it.sync(*bodies)

        entries = await read_audit_log(plane.audit_log, since=start)
        assert [one.verb for one in entries if one.user == "shoal"] == ["patch", "patch"]


async def test_fields_that_controllers_add_are_no_drift(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = it.config_map("shared", a="1")
        await it.sync(body)
        async with world.plane.client() as admin:
            patch = {"data": {"theirs": "2"}}
            await admin.patch(path_of(it.key("shared")), patch, fieldManager="acme-controller")
        await world.change(it.key("shared"), {"data": {"a": "2"}})
        sighting = await it.until_drifted("shared", missing=False)
        await it.sync(body)

        assert sighting.drift is not None
        assert (await world.read(it.key("shared")) or {})["data"] == {"a": "1", "theirs": "2"}


async def test_lost_ownership_is_told_and_taken_back_by_one_apply(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(subject) as it:
        body = it.config_map("shared", a="1")
        await it.sync(body)
        for value in ("2", "1"):
            await world.change(it.key("shared"), {"data": {"a": value}})
        sighting = await it.until(lambda one: one.is_lost)
        start = await audit_position(plane.audit_log)
        plan = await it.plan(body)
        await it.sync(body)

        entries = await read_audit_log(plane.audit_log, since=start)
        assert sighting.drift is None
        assert [one.cause for one in plan.changes] == [
            "other clients took its fields over, unchanged"
        ]
        assert [one.verb for one in entries if one.user == "shoal"] == ["patch"]
        assert (await it.plan(body)).changes == ()


@pytest.mark.parametrize("value", [None, "other"], ids=["taken off", "another"])
async def test_a_label_taken_off_is_told_as_that_and_put_back(
    subject: Subject, world: PlaneWorld, value: str | None
) -> None:
    """To a watch by label it looks like a deletion."""
    async with bench(subject) as it:
        body = it.config_map("unmarked", a="1")
        await it.sync(body)
        await world.change(it.key("unmarked"), {"metadata": {"labels": {FLEET_LABEL: value}}})
        sighting = await it.until(lambda one: one.drift is not None)
        uid = it.inventory[it.key("unmarked")].uid
        plan = await it.plan(body)
        results = await it.sync(body)

        live = await world.read(it.key("unmarked")) or {}
        assert sighting.drift is not None
        assert sighting.drift.kind is DriftKind.UNMARKED
        assert sighting.drift.manager == ("kubectl-edit" if value else "")
        assert "marks were taken off" in plan.changes[0].cause
        assert results["unmarked"].error is None
        assert live["metadata"]["uid"] == uid
        assert live["metadata"]["labels"][FLEET_LABEL] == "test"


async def test_a_label_taken_off_while_nobody_watched_is_told_as_that(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("unmarked", a="1"))
    await world.change(it.key("unmarked"), {"metadata": {"labels": {FLEET_LABEL: None}}})
    async with bench(subject, it.inventory) as again:
        sighting = await again.until(lambda one: one.drift is not None)

    assert sighting.drift is not None
    assert sighting.drift.kind is DriftKind.UNMARKED


async def test_what_may_not_be_read_is_gone_when_the_watch_says_so(
    subject: Subject, world: PlaneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it only lost its label nobody can see then; the correction finds out."""

    async def forbidden(*arguments: object) -> Answer:
        return Answer(403, {}, b"")

    async with bench(subject) as it:
        await it.sync(it.config_map("deleted", a="1"))
        monkeypatch.setattr(fetching, "look", forbidden)
        await world.remove(it.key("deleted"))
        sighting = await it.until_drifted("deleted", missing=True)

    assert sighting.health is not None
    assert sighting.health.state is HealthState.MISSING


async def test_an_object_that_another_fleet_took_with_its_labels_is_named_and_left(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body, key = it.config_map("taken", a="1"), it.key("taken")
        await it.sync(body)
        mark = f"other/default/shop:/ConfigMap:{world.namespace}/taken"
        marks = {"annotations": {OWNER_ANNOTATION: mark}, "labels": {FLEET_LABEL: "other"}}
        await world.change(key, {"metadata": marks})
        sighting = await it.until(lambda one: one.drift is not None)
        before = await world.read(key)
        refusal = (await it.plan(body)).refused[key]
        results = await it.sync(body)

        assert sighting.drift is not None
        assert sighting.drift.kind is DriftKind.TAKEN
        assert isinstance(refusal, OwnershipConflict)
        assert "Shoal fleet other" in str(refusal)
        assert not results
        assert await world.read(key) == before


async def test_what_another_fleet_took_and_deleted_is_found_gone_when_it_is_planned_again(
    subject: Subject, world: PlaneWorld
) -> None:
    """Without our label no watch tells of its end."""
    async with bench(subject) as it:
        body, key = it.config_map("taken", a="1"), it.key("taken")
        await it.sync(body)
        mark = f"other/default/shop:/ConfigMap:{world.namespace}/taken"
        marks = {"annotations": {OWNER_ANNOTATION: mark}, "labels": {FLEET_LABEL: "other"}}
        await world.change(key, {"metadata": marks})
        await it.until(lambda one: one.drift is not None)
        await world.remove(key)
        await it.plan(body)
        await it.until_drifted("taken", missing=True)
        results = await it.sync(body)

        assert results["taken"].status is ResultStatus.APPLIED


async def test_replicas_written_through_scale_are_left_alone(
    subject: Subject, world: PlaneWorld
) -> None:
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    async with bench(subject) as it:
        await it.sync(deployment(world.namespace, "web", replicas=2))
        async with world.plane.client() as client:
            await client.patch(f"{path_of(key)}/scale", {"spec": {"replicas": 5}})
        await it.until(lambda one: one.key == key and one.owned is not None)
        plan = await it.plan(deployment(world.namespace, "web", replicas=2))
        await it.sync(deployment(world.namespace, "web", image="app:2", replicas=2))

        live = await world.read(key) or {}
        assert plan.changes == ()
        assert live["spec"]["replicas"] == 5
        assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "app:2"


async def test_what_somebody_scales_comes_back_with_the_replicas_of_git(
    subject: Subject, world: PlaneWorld
) -> None:
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    body = deployment(world.namespace, "web", replicas=3)
    async with bench(subject) as it:
        await it.sync(body)
        async with world.plane.client() as client:
            await client.patch(f"{path_of(key)}/scale", {"spec": {"replicas": 5}})
            await it.until(lambda one: one.key == key and one.owned is not None)
            await client.delete(path_of(key))
        await it.until_drifted("web", missing=True)
        await it.sync(body)

        assert (await world.read(key) or {})["spec"]["replicas"] == 3


async def test_a_finished_job_that_is_deleted_is_no_drift(
    subject: Subject, world: PlaneWorld
) -> None:
    key = ObjectKey("batch", "Job", world.namespace, "once")
    async with bench(subject) as it:
        await it.sync(job(world.namespace, "once"))
        await _finish(world, key)
        await it.until(lambda one: one.key == key and one.owned is not None)
        await world.remove(key)
        # The ConfigMap's drift, which comes after, shows that the Job's end was seen.
        await it.sync(job(world.namespace, "once"), it.config_map("witness", a="1"))
        await world.remove(it.key("witness"))
        await it.until_drifted("witness", missing=True)
        plan = await it.plan(job(world.namespace, "once"), it.config_map("witness", a="1"))

        assert [change.key.name for change in plan.changes] == ["witness"]
    async with bench(subject, it.inventory) as again:
        await again.until_drifted("witness", missing=True)
        plan = await again.plan(job(world.namespace, "once"), it.config_map("witness", a="1"))

        assert [change.key.name for change in plan.changes] == ["witness"]


async def _finish(world: PlaneWorld, key: ObjectKey) -> None:
    """What the Job controller does."""
    at = "2026-01-01T00:00:00Z"
    status = {
        "startTime": at,
        "completionTime": at,
        "succeeded": 1,
        "conditions": [
            {"type": "SuccessCriteriaMet", "status": "True", "lastTransitionTime": at},
            {"type": "Complete", "status": "True", "lastTransitionTime": at},
        ],
    }
    async with world.plane.client() as client:
        await client.patch(f"{path_of(key)}/status", {"status": status})
        live = await client.get(path_of(key))
        # A Job is deleted in the foreground by default; without a collector that never ends.
        finalizers = live["metadata"].get("finalizers")
        if finalizers:
            await client.patch(path_of(key), {"metadata": {"finalizers": None}})


async def test_an_edit_right_after_our_write_is_not_lost(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = it.config_map("raced", a="1")
        for at in range(10):
            await it.sync(body)
            await world.change(it.key("raced"), {"data": {"a": f"edit-{at}"}})
            it.seen.clear()
            while not (await it.plan(body)).changes:
                await it.until(lambda one: one.drift is not None)

        assert [one.action for one in (await it.plan(body)).changes] == [Action.CORRECT]


async def test_health_that_changes_is_sighted(subject: Subject, world: PlaneWorld) -> None:
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    async with bench(subject) as it:
        await it.sync(deployment(world.namespace, "web", replicas=1))
        await it.until(
            lambda one: one.health is not None and one.health.state is HealthState.PROGRESSING
        )
        counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 1)
        async with world.plane.client() as client:
            status = {"observedGeneration": 1, "readyReplicas": 1, **counts}
            await client.patch(f"{path_of(key)}/status", {"status": status})
        sighting = await it.until(
            lambda one: one.health is not None and one.health.state is HealthState.HEALTHY
        )

        assert sighting.drift is None
