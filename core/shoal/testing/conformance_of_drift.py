"""Promises of every target about what changes behind its back, and about health."""

from __future__ import annotations

from shoal.model.health import HealthState
from shoal.model.health_rules import HealthRule
from shoal.model.plans import Action, ResultStatus
from shoal.model.policies import DriftPolicy
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
