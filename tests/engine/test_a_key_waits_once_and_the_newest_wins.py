from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio
from hypothesis import given
from hypothesis import strategies as st

from shoal.engine.queueing import MOST_SINGLE_OBJECTS, KeyedQueue, Priority, Request, serve
from shoal.model.identity import ObjectKey


def now() -> datetime:
    return datetime.now(UTC)


def key(name: str) -> ObjectKey:
    return ObjectKey("", "ConfigMap", "default", name)


def request(priority: Priority = Priority.REVISION, *names: str) -> Request:
    only = frozenset(key(name) for name in names) if names else None
    return Request(priority, priority.name.lower(), only)


async def test_a_key_added_twice_is_worked_on_once() -> None:
    queue: KeyedQueue[str] = KeyedQueue(now)
    queue.add("a", request())
    queue.add("a", request())

    assert (await queue.next())[0] == "a"
    assert len(queue) == 0


async def test_the_more_urgent_key_goes_first() -> None:
    queue: KeyedQueue[str] = KeyedQueue(now)
    queue.add("recheck", request(Priority.RECHECK))
    queue.add("drift", request(Priority.DRIFT))
    queue.add("user", request(Priority.USER))
    queue.add("revision", request(Priority.REVISION))

    order = [(await queue.next())[0] for _ in range(4)]

    assert order == ["user", "revision", "drift", "recheck"]


async def test_a_waiting_key_becomes_more_urgent_when_somebody_urgent_asks() -> None:
    queue: KeyedQueue[str] = KeyedQueue(now)
    queue.add("slow", request(Priority.DRIFT))
    queue.add("first", request(Priority.RECHECK))
    queue.add("first", request(Priority.USER))

    found, merged = await queue.next()

    assert (found, merged.priority, merged.reason) == ("first", Priority.USER, "user")


async def test_single_objects_of_two_requests_are_looked_at_together() -> None:
    merged = request(Priority.DRIFT, "a").merged(request(Priority.DRIFT, "b"))

    assert merged.only == {key("a"), key("b")}


async def test_a_request_for_everything_swallows_single_objects() -> None:
    assert request(Priority.DRIFT, "a").merged(request(Priority.REVISION)).only is None
    assert request(Priority.REVISION).merged(request(Priority.DRIFT, "a")).only is None


async def test_very_many_single_objects_become_the_whole_target() -> None:
    many = request(Priority.DRIFT, *(f"a{index}" for index in range(MOST_SINGLE_OBJECTS)))

    assert many.merged(request(Priority.DRIFT, "one-more")).only is None


async def test_what_is_added_during_the_work_waits_until_it_is_done() -> None:
    queue: KeyedQueue[str] = KeyedQueue(now)
    queue.add("a", request())
    await queue.next()
    queue.add("a", request())

    with anyio.move_on_after(0) as too_early:
        await queue.next()
    queue.done("a")

    assert too_early.cancelled_caught
    assert (await queue.next())[0] == "a"


async def test_an_alarm_rings_when_its_time_has_come() -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    queue: KeyedQueue[str] = KeyedQueue(lambda: clock[0])
    queue.wake("a", clock[0] + timedelta(minutes=5), request(Priority.RECHECK))

    with anyio.move_on_after(0) as too_early:
        await queue.next()
    clock[0] += timedelta(minutes=5)

    assert too_early.cancelled_caught
    assert (await queue.next())[0] == "a"


async def test_the_newest_alarm_of_a_key_replaces_the_one_before() -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    queue: KeyedQueue[str] = KeyedQueue(lambda: clock[0])
    queue.wake("a", clock[0] + timedelta(seconds=1), request())
    queue.wake("a", clock[0] + timedelta(hours=1), request())
    clock[0] += timedelta(minutes=1)

    with anyio.move_on_after(0) as still_quiet:
        await queue.next()

    assert still_quiet.cancelled_caught


async def test_single_objects_have_an_alarm_of_their_own_and_come_together() -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    queue: KeyedQueue[str] = KeyedQueue(lambda: clock[0])
    queue.wake("a", clock[0] + timedelta(minutes=5), request())
    queue.wake("a", clock[0] + timedelta(seconds=8), request(Priority.DRIFT, "one"))
    queue.wake("a", clock[0] + timedelta(seconds=2), request(Priority.DRIFT, "other"))

    clock[0] += timedelta(seconds=2)
    _, single = await queue.next()
    queue.done("a")
    clock[0] += timedelta(minutes=5)
    _, whole = await queue.next()

    assert single.only == {key("one"), key("other")}
    assert whole.only is None


async def test_a_removed_key_is_neither_worked_on_nor_woken() -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    queue: KeyedQueue[str] = KeyedQueue(lambda: clock[0])
    queue.add("a", request())
    queue.wake("a", clock[0], request())
    queue.remove("a")

    with anyio.move_on_after(0) as quiet:
        await queue.next()

    assert quiet.cancelled_caught


async def test_work_that_was_cancelled_is_still_to_be_done() -> None:
    queue: KeyedQueue[str] = KeyedQueue(now)
    queue.add("a", request())
    begun = anyio.Event()

    async def work(name: str, _: Request) -> None:
        begun.set()
        await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, queue, work)
        with anyio.fail_after(5):
            await begun.wait()
        tasks.cancel_scope.cancel()

    assert (await queue.next())[0] == "a"


async def test_slow_work_on_one_key_does_not_hold_up_another() -> None:
    queue: KeyedQueue[str] = KeyedQueue(now)
    reached = anyio.Event()

    async def work(name: str, _: Request) -> None:
        if name == "stuck":
            await anyio.sleep_forever()
        reached.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, queue, work)
        queue.add("stuck", request())
        queue.add("quick", request())
        with anyio.fail_after(5):
            await reached.wait()
        tasks.cancel_scope.cancel()

    assert reached.is_set()


@given(data=st.data())
async def test_no_key_is_lost_and_none_is_worked_on_twice_at_once(data: st.DataObject) -> None:
    queue: KeyedQueue[int] = KeyedQueue(now)
    wanted: set[int] = set()
    active: set[int] = set()
    for _ in range(40):
        match data.draw(st.sampled_from(["add", "next", "done"])):
            case "add":
                added = data.draw(st.integers(0, 4))
                queue.add(added, request(data.draw(st.sampled_from(list(Priority)))))
                wanted.add(added)
            case "next" if wanted - active:
                found, _ = await queue.next()
                assert found in wanted - active
                wanted.discard(found)
                active.add(found)
            case "done" if active:
                finished = data.draw(st.sampled_from(sorted(active)))
                queue.done(finished)
                active.discard(finished)
    for finished in sorted(active):
        queue.done(finished)
    drained = {(await queue.next())[0] for _ in range(len(queue))}

    assert drained == wanted
