"""Whatever a plugin does in a call, its caller goes on with an error that names it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import anyio
import pytest
from tests.engine import wild
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.driving import ENDING_SECONDS
from shoal.engine.guarding import Guard
from shoal.errors import InvalidSource, PluginFailed, Retryable, SourceUnavailable

pytestmark = pytest.mark.usefixtures("no_tracebacks")
Told = list[tuple[str, str, str, str]]
WHO = r"source git \(acme-git 1\.2\) "


def guard_that_tells(told: Told | None = None, ending_seconds: float = ENDING_SECONDS) -> Guard:
    def trace(seam: str, plugin: str, subject: str, seconds: float, outcome: str) -> None:
        if told is not None:
            told.append((seam, plugin, subject, outcome))

    return Guard(
        lambda seam, plugin: f"{plugin} (acme-{plugin} 1.2)", trace, ending_seconds=ending_seconds
    )


async def ask(
    guard: Guard, what: Callable[[], Awaitable[Any]], seconds: float = 5, subject: str = "apps"
) -> int:
    return await guard.ask("source", "git", subject, what, seconds=seconds, answer=wild.is_number)


async def follow(
    guard: Guard, source: Callable[[], AsyncIterator[Any]], step_seconds: float = 5
) -> list[int]:
    seen: list[int] = []
    stream = guard.stream(
        "source", "git", "apps", source, answer=wild.is_number, step_seconds=step_seconds
    )
    async with aclosing(stream) as items:
        async for number in items:
            seen.append(number)  # noqa: PERF401  # a comprehension would lose them
    return seen


async def stay(guard: Guard, does: Callable[[], Any]) -> None:
    opened = guard.opened(
        "source", "git", "apps", lambda: wild.opening(does), seconds=5, answer=wild.is_number
    )
    async with opened:
        await anyio.sleep(1)


FORMS: dict[str, Callable[[Guard, Callable[[], Awaitable[Any]]], Awaitable[Any]]] = {
    "a call": ask,
    "a step of an iteration": lambda guard, does: follow(guard, lambda: wild.each_of(does)),
    "an opening": stay,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("raised", wild.RAISED)
@in_virtual_time
async def test_whatever_is_raised_is_a_failure_that_names_the_plugin(
    form: str, raised: str
) -> None:
    error = wild.RAISED[raised]()
    # Python itself turns what would end an iteration too early into a RuntimeError.
    name = "RuntimeError" if raised == "StopAsyncIteration" and form != "a call" else raised

    with pytest.raises(PluginFailed, match=f"^{WHO}failed for apps: {name}; see the") as caught:
        await FORMS[form](guard_that_tells(), lambda: wild.raising(error))

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("form", FORMS)
@in_virtual_time
async def test_what_is_raised_in_groups_is_told_by_its_name(form: str) -> None:
    group = wild.nested(ValueError("x"))

    with pytest.raises(PluginFailed, match=r"failed for apps: ValueError"):
        await FORMS[form](guard_that_tells(), lambda: wild.raising(group))


@in_virtual_time
async def test_our_own_errors_leave_a_group_the_permanent_one_first() -> None:
    gone = InvalidSource("no such branch")
    group = ExceptionGroup("both", [SourceUnavailable("later"), gone])

    with pytest.raises(InvalidSource) as caught:
        await ask(Guard(), lambda: wild.raising(group))

    assert caught.value is gone


@in_virtual_time
async def test_an_error_of_ours_passes_as_it_is() -> None:
    error = SourceUnavailable("the repository does not answer")

    with pytest.raises(SourceUnavailable) as caught:
        await ask(Guard(), lambda: wild.raising(error))

    assert caught.value is error


@pytest.mark.parametrize("after", [float("nan"), float("inf"), -1.0])
@in_virtual_time
async def test_an_error_whose_time_is_none_is_a_wrong_answer(after: float) -> None:
    with pytest.raises(PluginFailed, match="gave a wrong answer for apps: an error whose time"):
        await ask(Guard(), lambda: wild.raising(Retryable("later", after_seconds=after)))


@pytest.mark.parametrize("given", wild.GIVEN)
@in_virtual_time
async def test_nonsense_is_a_failure_that_says_so(given: str) -> None:
    with pytest.raises(PluginFailed, match=f"^{WHO}gave a wrong answer for apps: no number"):
        await ask(guard_that_tells(), lambda: wild.giving(wild.GIVEN[given]()))


@pytest.mark.parametrize("what", [lambda: 7, lambda: None, lambda: (_ for _ in ())])
@in_virtual_time
async def test_a_call_that_cannot_be_awaited_is_a_failure(what: Callable[[], Any]) -> None:
    with pytest.raises(PluginFailed, match="failed for apps: AttributeError"):
        await ask(Guard(), what)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("does", [anyio.sleep_forever, wild.hang_shielded])
@in_virtual_time
async def test_a_plugin_that_never_ends_is_left_behind(
    form: str, does: Callable[[], Awaitable[Any]]
) -> None:
    started = anyio.current_time()

    with pytest.raises(PluginFailed, match=rf"^{WHO}did not answer for apps within 5 s"):
        await FORMS[form](guard_that_tells(), does)

    assert anyio.current_time() - started <= 5 + ENDING_SECONDS
    await anyio.sleep(wild.LONG_SECONDS)


@pytest.mark.parametrize("form", FORMS)
async def test_a_plugin_that_swallows_its_end_is_left_behind(form: str) -> None:
    """In real time, for anyio cancels it anew in each pass of the loop."""
    guard = guard_that_tells(ending_seconds=0.05)

    with anyio.fail_after(5):
        with anyio.move_on_after(0.01) as scope:
            await FORMS[form](guard, wild.swallow_every_end)
        while guard.left:
            await anyio.sleep(0)

    assert scope.cancelled_caught


@in_virtual_time
async def test_nothing_more_is_asked_for_a_subject_until_what_was_left_has_ended() -> None:
    guard, finish = guard_that_tells(), anyio.Event()

    async def wait_shielded() -> int:
        with anyio.CancelScope(shield=True):
            await finish.wait()
        return 7

    with pytest.raises(PluginFailed, match="did not answer"):
        await ask(guard, wait_shielded)
    with pytest.raises(PluginFailed, match=f"{WHO}for apps has not ended an earlier call"):
        await ask(guard, lambda: wild.giving(7))
    other = await ask(guard, lambda: wild.giving(7), subject="others")
    finish.set()
    await anyio.sleep(1)
    again = await ask(guard, lambda: wild.giving(7))

    assert (other, again) == (7, 7)


@in_virtual_time
async def test_what_takes_a_while_to_clean_up_is_waited_for() -> None:
    done: list[str] = []

    with pytest.raises(PluginFailed, match="did not answer"):
        await ask(Guard(), lambda: wild.clean_up_for(ENDING_SECONDS / 2, done))

    assert done == ["cleaned up"]


@pytest.mark.parametrize("form", FORMS)
@in_virtual_time
async def test_a_plugin_that_cancels_itself_failed(form: str) -> None:
    with pytest.raises(PluginFailed, match="failed for apps: CancelledItself"):
        await FORMS[form](Guard(), wild.cancel_itself)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("does", [anyio.sleep_forever, wild.hang_shielded])
@in_virtual_time
async def test_whoever_is_cancelled_is_not_held_by_the_plugin(
    form: str, does: Callable[[], Awaitable[Any]]
) -> None:
    with anyio.move_on_after(1) as scope:
        await FORMS[form](Guard(), does)

    assert scope.cancelled_caught
    assert anyio.current_time() <= 1 + ENDING_SECONDS
    await anyio.sleep(wild.LONG_SECONDS)


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (None, "ok"),
        (SourceUnavailable("gone"), "SourceUnavailable"),
        (ValueError("x"), "ValueError"),
        (TimeoutError(), "timeout"),
    ],
)
@in_virtual_time
async def test_each_call_is_traced_with_its_outcome(raised: Exception | None, outcome: str) -> None:
    told: Told = []

    try:
        does = wild.giving(7) if raised is None else wild.raising(raised)
        await ask(guard_that_tells(told), lambda: does)
    except (PluginFailed, SourceUnavailable):
        pass

    assert told == [("source", "git", "apps", outcome)]


@in_virtual_time
async def test_being_cancelled_is_no_failure_of_the_plugin() -> None:
    told: Told = []

    with anyio.move_on_after(1):
        await ask(guard_that_tells(told), anyio.sleep_forever)

    assert told == [("source", "git", "apps", "cancelled")]


@pytest.mark.parametrize("raised", wild.RAISED)
def test_plain_code_of_a_plugin_is_behind_the_border_too(raised: str) -> None:
    def check() -> int:
        raise wild.RAISED[raised]()

    with pytest.raises(PluginFailed, match=f"^{WHO}failed for apps: {raised}"):
        guard_that_tells().say("source", "git", "apps", check, wild.is_number)


def test_plain_code_that_calls_itself_without_end_failed() -> None:
    with pytest.raises(PluginFailed, match="RecursionError"):
        Guard().say("source", "git", "apps", wild.recursing, wild.is_number)


@in_virtual_time
async def test_a_stream_that_breaks_has_yielded_what_came_before() -> None:
    seen: list[int] = []

    async def numbers() -> AsyncIterator[int]:
        for number in (1, 2):
            seen.append(number)
            yield number
        raise RuntimeError("boom")

    with pytest.raises(PluginFailed, match=f"{WHO}failed for apps: RuntimeError"):
        await follow(guard_that_tells(), numbers)

    assert seen == [1, 2]
