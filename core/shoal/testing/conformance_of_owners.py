"""Promises of every target about objects of others: adopted, handed over, or left alone."""

from __future__ import annotations

from shoal.errors import OwnershipConflict
from shoal.model.health import HealthState
from shoal.model.plans import Action, Proof, ResultStatus
from shoal.model.policies import ExistingPolicy
from shoal.testing.target_bench import Subject, bench, name, statuses


class OwnersConformance:
    """Strangers' objects by policy; objects of other applications by what these want."""

    async def test_what_exists_is_adopted_when_the_policy_says_so(self, subject: Subject) -> None:
        """ADOPT is the action of the result, the note says that it had an owner."""
        async with bench(subject) as it:
            taken = name()
            await it.world.create(it.config_map(taken, a="theirs"))
            body = it.config_map(taken, a="1")
            results = await it.sync(body, when_already_exists=ExistingPolicy.ADOPT)

            assert results[taken].action is Action.ADOPT
            assert "taken over from" in results[taken].note
            assert (await it.world.read(it.key(taken)) or {})["data"] == {"a": "1"}
            assert (await it.plan(body, when_already_exists=ExistingPolicy.ADOPT)).changes == ()

    async def test_what_exists_is_adopted_if_nothing_but_marks_would_change(
        self, subject: Subject
    ) -> None:
        """An equal object, and one that differs."""
        async with bench(subject) as it:
            equal, differs = name(), name()
            await it.world.create(it.config_map(equal, a="1"))
            await it.world.create(it.config_map(differs, a="theirs"))
            before = await it.world.read(it.key(differs))
            results = await it.sync(
                it.config_map(equal, a="1"),
                it.config_map(differs, a="1"),
                when_already_exists=ExistingPolicy.ADOPT_IF_NO_DIFF,
            )

            assert results[equal].action is Action.ADOPT
            assert isinstance(results[differs].error, OwnershipConflict)
            assert await it.world.read(it.key(differs)) == before

    async def test_an_object_is_handed_over_to_the_application_that_wants_it(
        self, subject: Subject
    ) -> None:
        """The one takes it over, the other forgets it; it is neither deleted nor made anew."""
        async with bench(subject) as it:
            moved, stays = name(), name()
            await it.sync(it.config_map(moved, a="1"), it.config_map(stays, a="1"))
            uid = it.inventory[it.key(moved)].uid
            await it.want("other", it.config_map(moved, a="1"))
            giving = await it.sync(it.config_map(stays, a="1"))
            still_there = await it.world.read(it.key(moved))
            it.application = "other"
            taking = await it.sync(it.config_map(moved, a="1"))
            it.application = "web"
            after = await it.plan(it.config_map(stays, a="1"))

            assert statuses(giving) == {moved: ResultStatus.WAITING}
            assert giving[moved].action is Action.HAND_OVER
            assert still_there is not None
            assert taking[moved].action is Action.ADOPT
            assert "default/web" in taking[moved].note
            assert it.inventory[it.key(moved)].uid == uid
            assert it.inventory[it.key(moved)].target.application.name == "other"
            assert after.changes == ()

    async def test_an_object_is_taken_over_before_who_had_it_was_planned(
        self, subject: Subject
    ) -> None:
        """The other order: who wants it comes first, and who let it go then has nothing to do."""
        async with bench(subject) as it:
            moved, stays = name(), name()
            await it.sync(it.config_map(moved, a="1"), it.config_map(stays, a="1"))
            await it.want("web", it.config_map(stays, a="1"))
            it.application = "other"
            plan = await it.plan(it.config_map(moved, a="2"))
            taking = await it.sync(it.config_map(moved, a="2"))
            it.application = "web"
            giving = await it.sync(it.config_map(stays, a="1"))

            assert [change.action for change in plan.changes] == [Action.ADOPT]
            assert "default/web" in plan.changes[0].cause
            assert statuses(taking) == {moved: ResultStatus.APPLIED}
            assert giving == {}
            assert (await it.world.read(it.key(moved)) or {})["data"] == {"a": "2"}

    async def test_an_object_that_two_applications_want_stays_where_it_is(
        self, subject: Subject
    ) -> None:
        """A conflict, by the name of the one that has it."""
        async with bench(subject) as it:
            shared = name()
            await it.sync(it.config_map(shared, a="1"))
            it.application = "other"
            results = await it.plan(it.config_map(shared, a="2"))

            assert isinstance(results.refused[it.key(shared)], OwnershipConflict)

    async def test_while_nobody_knows_what_all_want_nothing_is_deleted_or_taken_over(
        self, subject: Subject
    ) -> None:
        """After a restart: it waits, and says so."""
        async with bench(subject) as it:
            gone, moved = name(), name()
            await it.sync(it.config_map(gone, a="1"), it.config_map(moved, a="1"))
            await it.session.learn(None)
            for application, bodies in (("web", ()), ("other", (it.config_map(moved, a="1"),))):
                it.application = application
                desired = it.desired(*bodies)
                plan = await it.session.plan(desired)
                async for result in it.session.apply(plan, desired, granted=lambda: True):
                    assert result.status is ResultStatus.WAITING
                    assert result.note

            assert await it.world.read(it.key(gone)) is not None
            assert it.inventory[it.key(moved)].target.application.name == "web"

    async def test_what_an_unknown_application_has_is_not_taken_from_it(
        self, subject: Subject
    ) -> None:
        """Its document cannot be read: what it has stays its own."""
        async with bench(subject) as it:
            moved = name()
            await it.sync(it.config_map(moved, a="1"))
            target = it.inventory[it.key(moved)].target
            it.application = "other"
            desired = it.desired(it.config_map(moved, a="1"))
            await it.session.learn((desired,), (target,))
            plan = await it.session.plan(desired)
            async for result in it.session.apply(plan, desired, granted=lambda: True):
                assert result.status is ResultStatus.WAITING

            assert it.inventory[it.key(moved)].target == target

    async def test_a_plan_that_is_tried_out_changes_nothing_and_says_what_would(
        self, subject: Subject
    ) -> None:
        """Creates, updates, deletions, adoptions and refusals; equal objects are left out."""
        async with bench(subject) as it:
            new, edited, same, gone, taken = name(), name(), name(), name(), name()
            kept = it.config_map(same, a="1")
            await it.sync(kept, it.config_map(edited, a="1"), it.config_map(gone, a="1"))
            await it.world.create(it.config_map(taken, a="1"))
            before = [await it.world.read(it.key(each)) for each in (edited, gone, taken)]
            wanted = [kept, it.config_map(edited, a="2"), it.config_map(new, a="1")]
            wanted.append(it.config_map(taken, a="1"))
            refused = await it.prove(*wanted)
            plan = await it.prove(*wanted, when_already_exists=ExistingPolicy.ADOPT)

            assert plan.proven is Proof.DRY_RUN
            assert {one.key.name: one.action for one in plan.changes} == {
                new: Action.CREATE,
                edited: Action.UPDATE,
                gone: Action.DELETE,
                taken: Action.ADOPT,
            }
            patches = {one.key.name: list(one.patch or ()) for one in plan.changes}
            assert patches[edited] == [
                {"op": "test", "path": "/data/a", "value": "1"},
                {"op": "replace", "path": "/data/a", "value": "2"},
            ]
            assert isinstance(refused.refused[it.key(taken)], OwnershipConflict)
            assert await it.world.read(it.key(new)) is None
            assert [await it.world.read(it.key(each)) for each in (edited, gone, taken)] == before

    async def test_a_namespace_of_the_same_set_makes_what_is_in_it_unverified(
        self, subject: Subject
    ) -> None:
        """It cannot be tried in a namespace that is not there, and is not refused for that."""
        async with bench(subject) as it:
            place = f"{it.world.namespace}-of-{name()}"
            inside = it.config_map(name(), a="1")
            inside["metadata"]["namespace"] = place
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
            plan = await it.prove(namespace, inside)

            assert {key.name for key in plan.unverified} == {inside["metadata"]["name"]}
            assert not plan.refused

    async def test_what_ran_to_its_end_runs_again_when_it_is_asked_to_or_has_changed(
        self, subject: Subject
    ) -> None:
        """RECREATE: another object of the same name."""
        async with bench(subject) as it:
            once = name()
            await it.sync(it.job(once, "tool:1"))
            key = it.job_key(once)
            uids = [it.inventory[key].uid]
            assert await it.sync(it.job(once, "tool:1"), rerun=True) == {}
            await it.world.finish(key)
            await it.until_health(once, HealthState.HEALTHY)
            again = await it.sync(it.job(once, "tool:1"), rerun=True)
            uids.append(it.inventory[key].uid)
            changed = await it.sync(it.job(once, "tool:2"))
            uids.append(it.inventory[key].uid)

            assert [again[once].action, changed[once].action] == [Action.RECREATE] * 2
            assert len(set(uids)) == 3
