"""Whose an object is decides whether it may be adopted at all, whatever the policy says."""

from __future__ import annotations

import pytest
from tests.kubernetes.planes import PlaneWorld
from tests.kubernetes.shapes import with_marks

from shoal.errors import OwnershipConflict
from shoal.model.plans import Action, ResultStatus
from shoal.model.policies import ExistingPolicy
from shoal.testing.target_bench import Subject, bench, statuses

pytestmark = pytest.mark.real
ADOPT = ExistingPolicy.ADOPT
IF_NO_DIFF = ExistingPolicy.ADOPT_IF_NO_DIFF


async def test_an_object_that_a_controller_made_is_never_adopted(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = it.config_map("made", a="1")
        owner = {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u", "controller": True}
        await world.create({**body, "metadata": {**body["metadata"], "ownerReferences": [owner]}})
        before = await world.read(it.key("made"))
        results = await it.sync(body, when_already_exists=ADOPT)

        assert isinstance(results["made"].error, OwnershipConflict)
        assert "its controller Node n" in str(results["made"].error)
        assert await world.read(it.key("made")) == before


async def test_an_object_of_another_fleet_is_never_adopted_unless_its_marks_are_gone(
    subject: Subject, world: PlaneWorld
) -> None:
    async with bench(subject) as it:
        body = it.config_map("theirs", a="1")
        owner = {"shoal.dev/owner": f"other/default/shop:/ConfigMap:{world.namespace}/theirs"}
        await world.create(with_marks(body, {"shoal.dev/fleet": "other"}, owner))
        before = await world.read(it.key("theirs"))
        first = await it.sync(body, when_already_exists=ADOPT)
        unchanged = await world.read(it.key("theirs"))
        gone = {"labels": None, "annotations": None}
        await world.change(it.key("theirs"), {"metadata": gone})
        second = await it.sync(body, when_already_exists=ADOPT)

        assert "fleet other" in str(first["theirs"].error)
        assert unchanged == before
        assert second["theirs"].action is Action.ADOPT


@pytest.mark.parametrize("policy", [ExistingPolicy.FAIL, ADOPT])
async def test_an_object_that_is_being_deleted_is_waited_for(
    subject: Subject, world: PlaneWorld, policy: ExistingPolicy
) -> None:
    async with bench(subject) as it:
        body = it.config_map("leaving", a="1")
        held = {**body, "metadata": {**body["metadata"], "finalizers": ["example.test/hold"]}}
        await world.create(held)
        await world.remove(it.key("leaving"))
        (tried,) = (await it.prove(body, when_already_exists=policy)).changes
        results = await it.sync(body, when_already_exists=policy)

        assert tried.cause.startswith("it waits until the object of ")
        assert statuses(results) == {"leaving": ResultStatus.WAITING}
        assert "being deleted" in results["leaving"].note


@pytest.mark.parametrize("application", ["web", "gone"])
async def test_marks_that_shoal_did_not_write_make_an_object_nobodys(
    subject: Subject, world: PlaneWorld, application: str
) -> None:
    async with bench(subject) as it:
        body = it.config_map("restored", a="1")
        fleet = subject.host.fleet
        mark = f"{fleet}/default/{application}:/ConfigMap:{world.namespace}/restored"
        await world.create(with_marks(body, {"shoal.dev/fleet": fleet}, {"shoal.dev/owner": mark}))
        before = await world.read(it.key("restored"))
        refused = await it.sync(body)
        untouched = await world.read(it.key("restored"))
        adopted = await it.sync(body, when_already_exists=IF_NO_DIFF)

        assert f"marks of Shoal application default/{application}" in str(refused["restored"].error)
        assert untouched == before
        assert adopted["restored"].action is Action.ADOPT
