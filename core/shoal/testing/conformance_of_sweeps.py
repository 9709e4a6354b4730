"""Promises of every target about sweeps: what carries our marks is found, whatever rows say."""

from __future__ import annotations

from shoal.model.identity import GroupKind, Ref, TargetKey
from shoal.model.plans import Action, OwnedState, ResultStatus, found
from shoal.model.sightings import DriftKind
from shoal.model.sweeps import Marked, Swept
from shoal.testing.target_bench import Bench, Subject, bench, name, statuses

CONFIG_MAP = GroupKind("", "ConfigMap")


async def parts_of(it: Bench, *swept: GroupKind) -> list[Swept]:
    """All that a sweep tells."""
    return [part async for part in it.session.sweep(swept)]


async def sweep(it: Bench) -> dict[str, Marked]:
    """What a sweep finds in the namespace of the test, by name; with the rows of an engine."""
    seen = [one for part in await parts_of(it) for one in part.found]
    here = [one for one in seen if one.key.namespace == it.world.namespace]
    for one in here:
        target = TargetKey(one.application, it.cluster)
        it.inventory.setdefault(one.key, found(target, one.key, one.uid))
    return {one.key.name: one for one in here}


class SweepConformance:
    """The marks are the truth."""

    async def test_a_sweep_finds_what_we_have_and_nothing_of_strangers(
        self, subject: Subject
    ) -> None:
        """Also what no row knows; each with its uid and its application."""
        async with bench(subject) as it:
            ours, theirs = name(), name()
            await it.sync(it.config_map(ours, a="1"))
            await it.world.create(it.config_map(theirs, a="1"))
        uid = it.inventory[it.key(ours)].uid
        async with bench(subject, {}) as again:
            seen = await sweep(again)

            assert seen[ours] == Marked(it.key(ours), uid, Ref("default", "web"))
            assert theirs not in seen

    async def test_each_kind_is_told_whole_and_those_that_were_swept_are_left_out(
        self, subject: Subject
    ) -> None:
        """A sweep that was cut off goes on where it was."""
        async with bench(subject) as it:
            every = await parts_of(it)
            rest = await parts_of(it, CONFIG_MAP)
        whole = {part.kind for part in every if part.is_whole}

        assert CONFIG_MAP in whole
        assert {part.kinds for part in every} == {len(whole)}
        assert {part.kind for part in rest} == whole - {CONFIG_MAP}

    async def test_what_was_found_and_is_wanted_is_applied_once_and_does_not_change(
        self, subject: Subject
    ) -> None:
        """The object that was found, by its uid; then its row is confirmed."""
        async with bench(subject) as it:
            body = it.config_map(name(), a="1")
            await it.sync(body)
        (key,) = it.inventory
        before = await it.world.read(key)
        async with bench(subject, {}) as again:
            await sweep(again)
            results = await again.sync(body)

            assert statuses(results) == {key.name: ResultStatus.UNCHANGED}
            assert await again.world.read(key) == before
            assert again.inventory[key] == it.inventory[key]
            assert (await again.plan(body)).changes == ()

    async def test_a_row_that_is_doubted_is_applied_once(self, subject: Subject) -> None:
        """It may be older than the object, so it does not say that nothing is to be done."""
        async with bench(subject) as it:
            body = it.config_map(name(), a="1")
            await it.sync(body)
        (key,) = it.inventory
        doubted = found(it.inventory[key].target, key, it.inventory[key].uid)
        async with bench(subject, {key: doubted}) as again:
            plan = await again.plan(body)
            results = await again.sync(body)

            assert [change.action for change in plan.changes] == [Action.UPDATE]
            assert results[key.name].status is ResultStatus.UNCHANGED
            assert again.inventory[key].state is OwnedState.CONFIRMED

    async def test_what_was_found_can_be_deleted_when_it_is_not_wanted(
        self, subject: Subject
    ) -> None:
        """When that is done is for the engine to decide."""
        async with bench(subject) as it:
            gone, kept = name(), name()
            await it.sync(it.config_map(gone, a="1"), it.config_map(kept, a="1"))
        async with bench(subject, {}) as again:
            await sweep(again)
            results = await again.sync(again.config_map(kept, a="1"))

            assert statuses(results) == {
                gone: ResultStatus.DELETED,
                kept: ResultStatus.UNCHANGED,
            }
            assert await again.world.read(again.key(gone)) is None

    async def test_what_was_found_and_is_deleted_by_somebody_is_told(
        self, subject: Subject
    ) -> None:
        """It has no application that would bring it back."""
        async with bench(subject) as it:
            gone = name()
            await it.sync(it.config_map(gone, a="1"))
        async with bench(subject, {}) as again:
            await sweep(again)
            await again.world.remove(again.key(gone))
            sighting = await again.until_drifted(gone, missing=True)

            assert sighting.drift is not None
            assert sighting.drift.kind is DriftKind.MISSING
            assert sighting.health is None
