"""What runs once, on a real API server: it never runs again by itself, and anew when it is told."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.bodies import crd, job
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.errors import InvalidObject
from shoal.model.identity import GroupKind, ObjectKey
from shoal.model.plans import Action, ResultStatus
from shoal.testing.target_bench import Bench, Subject, bench
from shoal_clusters.kubernetes.completing import is_finished, is_run_to_completion

pytestmark = pytest.mark.real
_AT = "2026-01-02T03:04:05Z"


def key_of(world: PlaneWorld, name: str = "once") -> ObjectKey:
    return ObjectKey("batch", "Job", world.namespace, name)


async def finish(it: Bench, world: PlaneWorld, kind: str = "Complete") -> None:
    """End a Job as its controller would, and let the session see it."""
    first = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[kind]
    conditions = [
        {"type": one, "status": "True", "lastTransitionTime": _AT} for one in (first, kind)
    ]
    status: dict[str, Any] = {"startTime": _AT, "conditions": conditions}
    if kind == "Complete":
        status |= {"completionTime": _AT, "succeeded": 1}
    async with world.plane.client() as client:
        await client.patch(f"{path_of(key_of(world))}/status", {"status": status})
    await it.until(lambda one: one.key == key_of(world) and one.owned is not None)


async def uid_of(world: PlaneWorld) -> str:
    live = await world.read(key_of(world)) or {}
    return str(live["metadata"]["uid"])


@pytest.mark.parametrize("end", ["Complete", "Failed"])
async def test_a_finished_job_that_is_deleted_is_no_drift_and_runs_no_more(
    subject: Subject, world: PlaneWorld, end: str
) -> None:
    body = job(world.namespace, "once")
    async with bench(subject) as it:
        await it.sync(body, it.config_map("canary", a="1"))
        await finish(it, world, end)
        await world.remove(key_of(world))
        await world.remove(it.key("canary"))
        await it.until_drifted("canary", missing=True)

        assert [change.key.name for change in (await it.plan(body)).changes] == ["canary"]


@pytest.mark.parametrize("is_finished_first", [True, False])
async def test_a_new_digest_runs_it_again_also_while_the_old_one_runs(
    subject: Subject, world: PlaneWorld, is_finished_first: bool
) -> None:
    async with bench(subject) as it:
        await it.sync(job(world.namespace, "once"))
        before = await uid_of(world)
        if is_finished_first:
            await finish(it, world)
        results = await it.sync(job(world.namespace, "once", image="app:2"))
        after = await world.read(key_of(world)) or {}

        assert (results["once"].action, results["once"].status) == (
            Action.RECREATE,
            ResultStatus.APPLIED,
        )
        assert after["metadata"]["uid"] != before
        assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "app:2"
        assert (await it.plan(job(world.namespace, "once", image="app:2"))).changes == ()


async def test_what_was_tidied_up_runs_again_with_a_new_digest(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(job(world.namespace, "once"))
        await finish(it, world)
        await world.remove(key_of(world))
        await it.sync(job(world.namespace, "once", image="app:2"))

        assert await world.read(key_of(world)) is not None


async def test_a_finished_job_runs_again_when_it_is_asked_to(
    subject: Subject, world: PlaneWorld
) -> None:
    body = job(world.namespace, "once")
    async with bench(subject) as it:
        await it.sync(body)
        running = await it.sync(body, rerun=True)
        await finish(it, world)
        before = await uid_of(world)
        results = await it.sync(body, rerun=True)

        assert running == {}
        assert results["once"].action is Action.RECREATE
        assert await uid_of(world) != before


async def test_a_job_whose_end_hangs_waits_by_name_and_stays_ours(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(job(world.namespace, "once"))
        await world.change(key_of(world), {"metadata": {"finalizers": ["example.test/hold"]}})
        waiting = await it.sync(job(world.namespace, "once", image="app:2"))
        await world.change(key_of(world), {"metadata": {"finalizers": None}})
        done = await it.sync(job(world.namespace, "once", image="app:2"))

        assert waiting["once"].status is ResultStatus.WAITING
        assert "example.test/hold" in waiting["once"].note
        assert done["once"].error is None
        live = await world.read(key_of(world)) or {}
        assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "app:2"


async def test_a_job_that_cannot_be_created_again_is_intended_and_created_later(
    subject: Subject, world: PlaneWorld
) -> None:
    wrong = job(world.namespace, "once")
    wrong["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    async with bench(subject) as it:
        await it.sync(job(world.namespace, "once"))
        failed = await it.sync(wrong)
        plan = await it.plan(job(world.namespace, "once"))
        await it.sync(job(world.namespace, "once"))

        assert isinstance(failed["once"].error, InvalidObject)
        assert [change.action for change in plan.changes] == [Action.CREATE]
        assert await world.read(key_of(world)) is not None


async def test_a_job_of_somebody_else_is_not_deleted_to_run_ours(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        await it.sync(job(world.namespace, "once"))
        await world.remove(key_of(world))
        async with world.plane.client() as client:
            collection = path_of(key_of(world)).rpartition("/")[0]
            await client.create(collection, job(world.namespace, "once", image="theirs:1"))
        before = await uid_of(world)
        results = await it.sync(job(world.namespace, "once", image="app:2"))

        assert results["once"].error is not None
        assert await uid_of(world) == before


async def test_a_workflow_runs_again_with_a_new_digest(subject: Subject, world: PlaneWorld) -> None:
    # The real group: what runs once is known by its name.
    definition = crd("argoproj.io", "Workflow")
    key = ObjectKey("argoproj.io", "Workflow", world.namespace, "flow")

    def flow(size: int) -> dict[str, Any]:
        return {
            "apiVersion": "argoproj.io/v1",
            "kind": "Workflow",
            "metadata": {"name": "flow", "namespace": world.namespace},
            "spec": {"size": size},
        }

    async with bench(subject) as it:
        await it.sync(definition, flow(1))
        before = await world.read(key) or {}
        results = await it.sync(definition, flow(2))
        after = await world.read(key) or {}
        await it.sync()

        assert results["flow"].action is Action.RECREATE
        assert after["metadata"]["uid"] != before["metadata"]["uid"]


@pytest.mark.parametrize(
    ("kind", "status", "has_ended"),
    [
        (("batch", "Job"), {"conditions": [{"type": "Complete", "status": "True"}]}, True),
        (("batch", "Job"), {"conditions": [{"type": "Failed", "status": "True"}]}, True),
        (("batch", "Job"), {"conditions": [{"type": "Suspended", "status": "True"}]}, False),
        (("batch", "Job"), {}, False),
        (("", "Pod"), {"phase": "Succeeded"}, True),
        (("", "Pod"), {"phase": "Failed"}, True),
        (("", "Pod"), {"phase": "Running"}, False),
        (("argoproj.io", "Workflow"), {"phase": "Error"}, True),
        (("argoproj.io", "Workflow"), {"phase": "Running"}, False),
        (
            ("tekton.dev", "PipelineRun"),
            {"conditions": [{"type": "Succeeded", "status": "False"}]},
            True,
        ),
        (
            ("tekton.dev", "TaskRun"),
            {"conditions": [{"type": "Succeeded", "status": "Unknown"}]},
            False,
        ),
        (("apps", "Deployment"), {"conditions": [{"type": "Complete", "status": "True"}]}, False),
    ],
)
def test_each_kind_says_in_its_own_words_that_it_has_ended(
    kind: tuple[str, str], status: Any, has_ended: bool
) -> None:
    assert is_finished({"status": status}, GroupKind(*kind)) is has_ended
    assert is_run_to_completion(GroupKind(*kind)) is (kind[1] != "Deployment")
