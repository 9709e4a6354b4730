"""Promises of every target about what changes behind its back, and about health."""

from __future__ import annotations

from shoal.model.health import HealthState
from shoal.model.health_rules import HealthRule
from shoal.model.plans import Action, ResultStatus
from shoal.model.policies import DriftPolicy
from shoal.model.sightings import DriftKind
from shoal.testing.target_bench import Subject, bench, name


class DriftConformance:
    """What is sighted, what is corrected, and what is only reported."""

    async def test_an_edit_is_sighted_and_corrected(self, subject: Subject) -> None:
        """Drift, correction, silence."""
        async with bench(subject) as it:
            edited = name()
            body = it.config_map(edited, a="1")
            await it.sync(body)
            await it.world.change(it.key(edited), {"data": {"a": "2"}})
            await it.until_drifted(edited, missing=False)
            results = await it.sync(body)

            assert results[edited].action is Action.CORRECT
            assert (await it.world.read(it.key(edited)) or {})["data"] == {"a": "1"}
            assert (await it.plan(body)).changes == ()

    async def test_a_deletion_is_sighted_and_corrected(self, subject: Subject) -> None:
        """The object comes back."""
        async with bench(subject) as it:
            deleted = name()
            body = it.config_map(deleted, a="1")
            await it.sync(body)
            await it.world.remove(it.key(deleted))
            await it.until_drifted(deleted, missing=True)
            results = await it.sync(body)

            assert results[deleted].action is Action.CORRECT
            assert results[deleted].status is ResultStatus.APPLIED
            assert await it.world.read(it.key(deleted)) is not None

    async def test_a_field_added_by_hand_is_sighted_and_removed(self, subject: Subject) -> None:
        """What is ours stays as it is; the drift says that nothing of it was edited."""
        async with bench(subject) as it:
            added = name()
            body = it.config_map(added, a="1")
            await it.sync(body)
            await it.world.change(it.key(added), {"data": {"more": "2"}})
            sighting = await it.until(
                lambda one: one.drift is not None and one.drift.kind is DriftKind.ADDED
            )
            results = await it.sync(body)

            assert sighting.drift is not None
            assert sighting.drift.patch == ({"op": "remove", "path": "/data/more"},)
            assert results[added].action is Action.CORRECT
            assert (await it.world.read(it.key(added)) or {})["data"] == {"a": "1"}
            assert (await it.plan(body)).changes == ()

    async def test_what_is_live_can_be_taken_into_git(self, subject: Subject) -> None:
        """The patch leads from what is desired to what is live, additions and removals too."""
        async with bench(subject) as it:
            edited, equal, gone = name(), name(), name()
            bodies = (
                it.config_map(edited, a="1", b="2"),
                *(it.config_map(each, a="1") for each in (equal, gone)),
            )
            await it.sync(*bodies)
            await it.world.change(it.key(edited), {"data": {"a": "3", "b": None, "c": "4"}})
            await it.world.remove(it.key(gone))
            keys = frozenset(it.key(each) for each in (edited, equal, gone))
            target = it.desired().target
            found = await it.session.differences(target, keys)

            assert found.keys() == {it.key(edited), it.key(equal)}
            assert found[it.key(equal)] == ()
            assert sorted(found[it.key(edited)], key=lambda one: str(one["path"])) == [
                {"op": "replace", "path": "/data/a", "value": "3"},
                {"op": "remove", "path": "/data/b"},
                {"op": "add", "path": "/data/c", "value": "4"},
            ]

    async def test_drift_that_is_only_reported_is_not_planned(self, subject: Subject) -> None:
        """`whenDrifted: Report` is sighted and left."""
        async with bench(subject) as it:
            edited = name()
            body = it.config_map(edited, a="1")
            await it.sync(body)
            await it.world.change(it.key(edited), {"data": {"a": "2"}})
            await it.until_drifted(edited, missing=False)

            assert (await it.plan(body, when_drifted=DriftPolicy.REPORT)).changes == ()

    async def test_a_drift_that_was_undone_by_hand_is_forgotten(self, subject: Subject) -> None:
        """A sighting without drift follows, and no value is corrected."""
        async with bench(subject) as it:
            edited = name()
            body = it.config_map(edited, a="1")
            await it.sync(body)
            await it.world.change(it.key(edited), {"data": {"a": "2"}})
            await it.until_drifted(edited, missing=False)
            it.seen.clear()
            await it.world.change(it.key(edited), {"data": {"a": "1"}})
            sighting = await it.until(lambda one: one.key.name == edited and one.drift is None)

            assert sighting.drift is None
            assert all(
                # Taking the fields back is not a correction of values.
                change.before_digest == change.after_digest
                for change in (await it.plan(body)).changes
            )

    async def test_health_is_sighted(self, subject: Subject) -> None:
        """A ConfigMap that is there is healthy."""
        async with bench(subject) as it:
            healthy = name()
            await it.sync(it.config_map(healthy, a="1"))
            sighting = await it.until(
                lambda one: one.key.name == healthy and one.health is not None
            )

            assert sighting.health is not None
            assert sighting.health.state is HealthState.HEALTHY

    async def test_health_is_judged_by_the_rules_of_the_application(self, subject: Subject) -> None:
        """They come before the target's own, also when the object changes."""
        async with bench(subject) as it:
            ruled = name()
            it.judge.given = (rule(is_ready="yes"),)
            await it.sync(it.config_map(ruled, a="1"))
            await it.until_health(ruled, HealthState.PROGRESSING)
            await it.world.change(it.key(ruled), {"metadata": {"annotations": {"ready": "yes"}}})
            sighting = await it.until_health(ruled, HealthState.HEALTHY)

            assert sighting.key == it.key(ruled)

    async def test_health_is_judged_anew_when_its_rules_change(self, subject: Subject) -> None:
        """A plan by other rules is enough; nothing need be written."""
        async with bench(subject) as it:
            ruled = name()
            body = it.config_map(ruled, a="1")
            await it.sync(body)
            await it.until_health(ruled, HealthState.HEALTHY)
            it.seen.clear()
            it.judge.given = (rule(is_ready="yes"),)
            plan = await it.plan(body)
            sighting = await it.until_health(ruled, HealthState.PROGRESSING)

            assert plan.changes == ()
            assert sighting.drift is None


def rule(*, is_ready: str) -> HealthRule:
    """A ConfigMap is healthy when its annotation `ready` says so."""
    return HealthRule.model_validate(
        {
            "target": {"kind": "ConfigMap"},
            "healthy": f"object.metadata.annotations.ready == '{is_ready}'",
        }
    )
