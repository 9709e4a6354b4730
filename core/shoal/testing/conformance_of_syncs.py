"""Promises of every target about one plan: what is written, refused, pruned and left alone."""

from __future__ import annotations

from shoal.errors import MissingApi, MissingNamespace, OwnershipConflict
from shoal.hooks.targets import DescendingSession
from shoal.model.descents import Descent
from shoal.model.plans import Action, OwnedState, ResultStatus
from shoal.model.policies import PrunePolicy
from shoal.testing.target_bench import Subject, bench, name, statuses


class SyncConformance:
    """Create, update, prune; strangers, grants and what is missing."""

    async def test_what_is_new_is_created_and_then_there_is_nothing_to_do(
        self, subject: Subject
    ) -> None:
        """Create, row, empty plan."""
        async with bench(subject) as it:
            one, two = name(), name()
            bodies = it.config_map(one, a="1"), it.config_map(two, a="1")
            plan = await it.plan(*bodies)
            results = await it.sync(*bodies)

            assert [change.action for change in plan.changes] == [Action.CREATE] * 2
            assert statuses(results) == {one: ResultStatus.APPLIED, two: ResultStatus.APPLIED}
            assert it.inventory[it.key(one)].state is OwnedState.CONFIRMED
            assert (await it.world.read(it.key(one)) or {})["data"] == {"a": "1"}
            assert (await it.plan(*bodies)).changes == ()

    async def test_a_plan_is_the_same_for_another_revision_of_the_same_content(
        self, subject: Subject
    ) -> None:
        """Plan.hash holds no revision."""
        async with bench(subject) as it:
            body = it.config_map(name(), a="1")
            one = await it.session.plan(it.desired(body, revision="r1"))
            two = await it.session.plan(it.desired(body, revision="r2"))

            assert one.hash == two.hash

    async def test_a_changed_manifest_is_updated_alone(self, subject: Subject) -> None:
        """Only what differs is written."""
        async with bench(subject) as it:
            same, other = name(), name()
            await it.sync(it.config_map(same, a="1"), it.config_map(other, a="1"))
            results = await it.sync(it.config_map(same, a="1"), it.config_map(other, a="2"))

            assert statuses(results) == {other: ResultStatus.APPLIED}
            assert results[other].action is Action.UPDATE
            assert (await it.world.read(it.key(other)) or {})["data"] == {"a": "2"}

    async def test_below_what_is_no_workload_there_is_nothing(self, subject: Subject) -> None:
        """Of a session that can look there (`DescendingSession`): no Pod, and no gap either."""
        async with bench(subject) as it:
            await it.sync(it.config_map(name(), a="1"))

            if isinstance(it.session, DescendingSession):
                assert await it.session.pods(it.desired().target) == Descent()

    async def test_a_removed_manifest_is_pruned(self, subject: Subject) -> None:
        """Delete, and the row with it."""
        async with bench(subject) as it:
            kept, gone = name(), name()
            await it.sync(it.config_map(kept, a="1"), it.config_map(gone, a="1"))
            results = await it.sync(it.config_map(kept, a="1"))

            assert statuses(results) == {gone: ResultStatus.DELETED}
            assert await it.world.read(it.key(gone)) is None
            assert await it.world.read(it.key(kept)) is not None
            assert (await it.plan(it.config_map(kept, a="1"))).changes == ()

    async def test_nothing_is_pruned_when_the_policy_says_never(self, subject: Subject) -> None:
        """`prune: Never` plans no deletion."""
        async with bench(subject) as it:
            kept, gone = it.config_map(name(), a="1"), it.config_map(name(), a="1")
            await it.sync(kept, gone)

            assert (await it.plan(kept, prune=PrunePolicy.NEVER)).changes == ()

    async def test_an_object_of_a_stranger_is_never_touched(self, subject: Subject) -> None:
        """The stranger's object stays as it is, byte for byte, and is named."""
        async with bench(subject) as it:
            taken, free = name(), name()
            await it.world.create(it.config_map(taken, mine="yes"))
            before = await it.world.read(it.key(taken))
            results = await it.sync(it.config_map(taken, a="1"), it.config_map(free, a="1"))

            assert statuses(results) == {taken: ResultStatus.FAILED, free: ResultStatus.APPLIED}
            assert isinstance(results[taken].error, OwnershipConflict)
            assert taken in str(results[taken].error)
            assert await it.world.read(it.key(taken)) == before

    async def test_an_object_of_another_application_is_never_touched(
        self, subject: Subject
    ) -> None:
        """Refused at planning, by the application's name, so that nothing is even intended."""
        async with bench(subject) as it:
            shared = name()
            await it.sync(it.config_map(shared, a="1"))
            it.application = "other"
            plan = await it.plan(it.config_map(shared, a="2"))

            error = plan.refused[it.key(shared)]
            assert plan.changes == ()
            assert isinstance(error, OwnershipConflict)
            assert "default/web" in str(error)
            assert (await it.world.read(it.key(shared)) or {})["data"] == {"a": "1"}

    async def test_nothing_is_written_once_the_grant_is_gone(self, subject: Subject) -> None:
        """What is left ends REVOKED."""
        async with bench(subject) as it:
            late = name()
            results = await it.sync(it.config_map(late, a="1"), granted=lambda: False)

            assert statuses(results) == {late: ResultStatus.REVOKED}
            assert await it.world.read(it.key(late)) is None

    async def test_nothing_is_deleted_when_a_write_failed(self, subject: Subject) -> None:
        """A conflict keeps the prune waiting."""
        async with bench(subject) as it:
            old, taken = name(), name()
            await it.sync(it.config_map(old, a="1"))
            await it.world.create(it.config_map(taken, mine="yes"))
            results = await it.sync(it.config_map(taken, a="1"))

            assert statuses(results) == {old: ResultStatus.WAITING, taken: ResultStatus.FAILED}
            assert await it.world.read(it.key(old)) is not None

    async def test_a_namespace_that_is_not_there_is_waited_for(self, subject: Subject) -> None:
        """One clear sentence, and the rest goes on."""
        async with bench(subject) as it:
            lost, well = it.config_map(name(), a="1"), it.config_map(name(), a="1")
            lost["metadata"]["namespace"] = "no-such-namespace"
            results = await it.sync(lost, well)

            result = results[lost["metadata"]["name"]]
            assert result.status is ResultStatus.WAITING
            assert isinstance(result.error, MissingNamespace)
            assert "no-such-namespace" in str(result.error)
            assert results[well["metadata"]["name"]].status is ResultStatus.APPLIED

    async def test_a_kind_that_is_not_served_is_refused_by_name(self, subject: Subject) -> None:
        """The others are planned."""
        async with bench(subject) as it:
            odd = {
                "apiVersion": "example.test/v1",
                "kind": "Odd",
                "metadata": {"name": "odd", "namespace": it.world.namespace},
            }
            plan = await it.plan(odd, it.config_map(name(), a="1"))

            (error,) = plan.refused.values()
            assert isinstance(error, MissingApi)
            assert "Odd" in str(error)
            assert len(plan.changes) == 1

    async def test_a_plan_for_some_objects_leaves_the_others_out(self, subject: Subject) -> None:
        """`only` restricts creates and deletes alike."""
        async with bench(subject) as it:
            old, new, meant = name(), name(), name()
            await it.sync(it.config_map(old, a="1"))
            desired = it.desired(it.config_map(new, a="1"), it.config_map(meant, a="1"))
            plan = await it.session.plan(desired, only=frozenset({it.key(meant)}))

            assert [change.key.name for change in plan.changes] == [meant]

    async def test_an_object_that_is_gone_already_is_pruned_without_complaint(
        self, subject: Subject
    ) -> None:
        """Deleting what is not there succeeds."""
        async with bench(subject) as it:
            gone = name()
            await it.sync(it.config_map(gone, a="1"))
            await it.world.remove(it.key(gone))
            results = await it.sync()

            assert statuses(results) == {gone: ResultStatus.DELETED}
            assert it.inventory == {}

    async def test_a_probe_says_who_the_cluster_is(self, subject: Subject) -> None:
        """The identity is stable."""
        async with bench(subject) as it:
            facts = await it.session.probe()

            assert facts.uid
            assert facts.version
            again = await it.session.probe()
            assert (again.uid, again.version) == (facts.uid, facts.version)
