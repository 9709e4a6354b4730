"""Promises of every target about a new session: with the rows as they were, older, or lost."""

from __future__ import annotations

from shoal.errors import OwnershipConflict
from shoal.model.plans import Action, OwnedState, ResultStatus, intended
from shoal.testing.target_bench import Subject, bench, name, statuses


class RestartConformance:
    """A restart writes nothing; a lost inventory is claimed again by the marks."""

    async def test_a_new_session_with_the_same_rows_has_nothing_to_do(
        self, subject: Subject
    ) -> None:
        """A restart writes nothing."""
        async with bench(subject) as it:
            body = it.config_map(name(), a="1")
            await it.sync(body)
        async with bench(subject, it.inventory) as again:
            await again.until(lambda one: one.health is not None)

            assert (await again.plan(body)).changes == ()

    async def test_an_edit_made_while_nobody_looked_is_sighted(self, subject: Subject) -> None:
        """A restart finds what happened in between."""
        async with bench(subject) as it:
            edited, deleted = name(), name()
            bodies = it.config_map(edited, a="1"), it.config_map(deleted, a="1")
            await it.sync(*bodies)
        await subject.world.change(it.key(edited), {"data": {"a": "2"}})
        await subject.world.remove(it.key(deleted))
        async with bench(subject, it.inventory) as again:
            await again.until_drifted(edited, missing=False)
            await again.until_drifted(deleted, missing=True)
            results = await again.sync(*bodies)

            assert {one.action for one in results.values()} == {Action.CORRECT}

    async def test_a_create_whose_answer_was_lost_is_found_to_be_ours(
        self, subject: Subject
    ) -> None:
        """An intended row and a live object of ours: applied, not refused."""
        async with bench(subject) as it:
            lost = name()
            body = it.config_map(lost, a="1")
            await it.sync(body)
        row = it.inventory[it.key(lost)]
        about_to_be = intended(row.target, row.key)
        async with bench(subject, {row.key: about_to_be}) as again:
            results = await again.sync(body)

            assert results[lost].error is None
            assert again.inventory[row.key].uid == row.uid
            assert again.inventory[row.key].state is OwnedState.CONFIRMED

    async def test_a_lost_inventory_is_claimed_again_and_nothing_changes(
        self, subject: Subject
    ) -> None:
        """The marks are the truth: what is marked for this application is unchanged, and ours."""
        async with bench(subject) as it:
            one, two = name(), name()
            bodies = it.config_map(one, a="1"), it.config_map(two, a="1")
            await it.sync(*bodies)
            before = [await it.world.read(it.key(each)) for each in (one, two)]
        async with bench(subject, {}) as again:
            results = await again.sync(*bodies)

            assert statuses(results) == dict.fromkeys((one, two), ResultStatus.UNCHANGED)
            assert [await again.world.read(again.key(each)) for each in (one, two)] == before
            assert again.inventory == it.inventory
            assert (await again.plan(*bodies)).changes == ()

    async def test_what_was_edited_while_the_inventory_was_lost_is_put_right(
        self, subject: Subject
    ) -> None:
        """Claiming is applying."""
        async with bench(subject) as it:
            edited = name()
            body = it.config_map(edited, a="1")
            await it.sync(body)
        await subject.world.change(it.key(edited), {"data": {"a": "2"}})
        async with bench(subject, {}) as again:
            results = await again.sync(body)

            assert statuses(results) == {edited: ResultStatus.APPLIED}
            assert (await again.world.read(again.key(edited)) or {})["data"] == {"a": "1"}

    async def test_a_lost_inventory_lets_nobody_claim_what_another_application_has(
        self, subject: Subject
    ) -> None:
        """The marks name one application, and it stays there."""
        async with bench(subject) as it:
            shared = name()
            await it.sync(it.config_map(shared, a="1"))
            before = await it.world.read(it.key(shared))
        async with bench(subject, {}) as again:
            await again.want("web", again.config_map(shared, a="1"))
            again.application = "other"
            results = await again.sync(again.config_map(shared, a="2"))

            assert isinstance(results[shared].error, OwnershipConflict)
            assert "default/web" in str(results[shared].error)
            assert await again.world.read(again.key(shared)) == before

    async def test_what_nobody_claims_is_not_pruned(self, subject: Subject) -> None:
        """Without a row nothing is deleted, whatever its marks say."""
        async with bench(subject) as it:
            kept, orphan = name(), name()
            await it.sync(it.config_map(kept, a="1"), it.config_map(orphan, a="1"))
        async with bench(subject, {}) as again:
            results = await again.sync(again.config_map(kept, a="1"))

            assert statuses(results) == {kept: ResultStatus.UNCHANGED}
            assert await again.world.read(again.key(orphan)) is not None
