"""Pruning, on a real API server: one request, and never an object that is not ours any more."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.kubernetes.bodies import crd, deployment, widget
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.model.identity import ObjectKey
from shoal.model.plans import ResultStatus
from shoal.testing.target_bench import Subject, bench, statuses
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log
from shoal_clusters.kubernetes import discovering

pytestmark = pytest.mark.real


async def test_a_prune_is_one_request_also_after_the_status_changed(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    key = ObjectKey("apps", "Deployment", world.namespace, "web")
    async with bench(subject) as it:
        await it.sync(deployment(world.namespace, "web"), it.config_map("old", a="1"))
        async with plane.client() as client:
            await client.patch(f"{path_of(key)}/status", {"status": {"observedGeneration": 1}})
        await world.change(it.key("old"), {"data": {"theirs": "1"}})
        # A drift that comes later in the same watch shows that the event before it was seen.
        await world.change(it.key("old"), {"data": {"a": "2"}})
        await it.until_drifted("old", missing=False)
        await it.until(lambda one: one.key == key and one.health is not None)
        start = await audit_position(plane.audit_log)
        results = await it.sync()

        entries = await read_audit_log(plane.audit_log, since=start)
        verbs = [one.verb for one in entries if one.user == "shoal"]
        assert statuses(results) == {"web": ResultStatus.DELETED, "old": ResultStatus.DELETED}
        assert verbs.count("delete") == 2
        assert it.inventory == {}


async def test_what_was_gone_before_is_not_said_to_be_deleted_now(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("removed", a="1"), it.config_map("pruned", a="1"))
        await world.remove(it.key("removed"))
        results = await it.sync()

        assert set(statuses(results).values()) == {ResultStatus.DELETED}
        assert {name: result.note for name, result in results.items()} == {
            "removed": "it was gone before",
            "pruned": "",
        }


async def test_an_object_handed_over_to_another_owner_is_forgotten_and_stays(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("handed", a="1"))
        owner = f"test/default/other:/ConfigMap:{world.namespace}/handed"
        labels = {"shoal.dev/application": "default.other"}
        marks = {"labels": labels, "annotations": {"shoal.dev/owner": owner}}
        await world.change(it.key("handed"), {"metadata": marks})
        results = await it.sync()

        assert statuses(results) == {"handed": ResultStatus.FORGOTTEN}
        assert "default/other" in results["handed"].note
        assert await world.read(it.key("handed")) is not None
        assert it.inventory == {}


async def test_a_stranger_in_the_place_of_our_object_is_not_deleted(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("replaced", a="1"))
        await world.remove(it.key("replaced"))
        await world.create(it.config_map("replaced", theirs="yes"))
        results = await it.sync()

        assert statuses(results) == {"replaced": ResultStatus.FORGOTTEN}
        assert (await world.read(it.key("replaced")) or {})["data"] == {"theirs": "yes"}


async def test_an_object_annotated_never_to_be_pruned_is_kept_and_let_go(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("precious", a="1"))
        await world.change(
            it.key("precious"), {"metadata": {"annotations": {"shoal.dev/prune": "Never"}}}
        )
        results = await it.sync()

        assert statuses(results) == {"precious": ResultStatus.FORGOTTEN}
        assert "shoal.dev/prune" in results["precious"].note
        assert await world.read(it.key("precious")) is not None


def unanswered_api(group: str) -> dict[str, Any]:
    """An API that nobody answers for: the server says what it serves all but this."""
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1.{group}"},
        "spec": {
            "group": group,
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 1,
            "insecureSkipTLSVerify": True,
            "service": {"namespace": "default", "name": "nowhere"},
        },
    }


async def test_nothing_is_pruned_while_the_cluster_does_not_say_all_that_it_serves(
    subject: Subject, world: PlaneWorld, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set may be short only because a chart asked for an API that did not answer."""
    monkeypatch.setattr(discovering, "REFRESH_SECONDS", 0.0)
    services, group = "/apis/apiregistration.k8s.io/v1/apiservices", f"silent.{world.namespace}"
    async with bench(subject) as it:
        await it.sync(it.config_map("kept", a="1"), it.config_map("other", a="1"))
    async with plane.client() as client:
        await client.create(services, unanswered_api(group))
        async with bench(subject, it.inventory) as again:
            try:
                silent = await again.sync(again.config_map("other", a="2"))
            finally:
                await client.delete(f"{services}/v1.{group}")
            heard = await again.sync(again.config_map("other", a="2"))

        assert statuses(silent) == {"kept": ResultStatus.WAITING, "other": ResultStatus.APPLIED}
        assert group in silent["kept"].note
        assert statuses(heard) == {"kept": ResultStatus.DELETED}


async def test_nothing_is_pruned_while_an_object_of_the_revision_is_refused(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("kept", a="1"))
        by_us = await it.sync({**it.config_map("wrong"), "sops": {"mac": "x"}})
        by_the_server = await it.sync({**it.config_map("typo", a="1"), "dta": {}})
        mended = await it.sync(it.config_map("typo", a="1"))

        assert statuses(by_us) == {"kept": ResultStatus.WAITING}
        assert statuses(by_the_server) == {
            "kept": ResultStatus.WAITING,
            "typo": ResultStatus.FAILED,
        }
        assert statuses(mended) == {"kept": ResultStatus.DELETED, "typo": ResultStatus.APPLIED}


async def test_what_was_edited_since_it_was_seen_is_read_again_and_is_still_ours_to_delete(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("edited", a="1"))
        row = it.inventory[it.key("edited")]
    await world.change(it.key("edited"), {"data": {"theirs": "1"}})
    async with bench(subject, {row.key: row}) as again:
        start = await audit_position(plane.audit_log)
        results = await again.sync()
        entries = await read_audit_log(plane.audit_log, since=start)

        verbs = [one.verb for one in entries if one.user == "shoal" and one.name == "edited"]
        assert statuses(results) == {"edited": ResultStatus.DELETED}
        assert verbs in (["delete"], ["delete", "get", "delete"])


async def test_a_deletion_that_hangs_names_its_finalizer_and_stays_ours(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(it.config_map("hanging", a="1"))
        await world.change(it.key("hanging"), {"metadata": {"finalizers": ["example.test/hold"]}})
        results = await it.sync()

        assert statuses(results) == {"hanging": ResultStatus.WAITING}
        assert "the controller of example.test" in results["hanging"].note
        assert "kubectl patch configmap hanging" in results["hanging"].next_step
        assert it.key("hanging") in it.inventory

        started = anyio.current_time()
        again = await it.sync()
        assert statuses(again) == {"hanging": ResultStatus.WAITING}
        assert anyio.current_time() - started < 1, "it was waited for once"

        await world.change(it.key("hanging"), {"metadata": {"finalizers": None}})
        results = await it.sync()
        assert statuses(results) == {"hanging": ResultStatus.DELETED}


async def test_a_finalizer_that_is_removed_in_time_ends_the_wait(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it, anyio.create_task_group() as tasks:
        await it.sync(it.config_map("leaving", a="1"))
        await world.change(it.key("leaving"), {"metadata": {"finalizers": ["example.test/hold"]}})

        async def release() -> None:
            while not (await world.read(it.key("leaving")) or {"metadata": {}})["metadata"].get(
                "deletionTimestamp"
            ):
                await anyio.sleep(0.02)
            await world.change(it.key("leaving"), {"metadata": {"finalizers": None}})

        tasks.start_soon(release)
        results = await it.sync()

        assert statuses(results) == {"leaving": ResultStatus.DELETED}


async def test_custom_resources_are_deleted_before_their_definition(
    subject: Subject, world: PlaneWorld
) -> None:
    group = f"gone.{world.namespace}.test"
    async with bench(subject) as it:
        await it.sync(crd(group), widget(group, world.namespace, size=1))
        results = await it.sync()

        assert list(results) == ["one", f"widgets.{group}"]
        assert results["one"].status is ResultStatus.DELETED
