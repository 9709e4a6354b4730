from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import anyio
import pytest

from shoal.engine.guarding import Guard
from shoal.errors import PluginFailed, SourceUnavailable

Told = list[tuple[str, str, str, str]]


def guard_that_tells(told: Told) -> Guard:
    def trace(seam: str, plugin: str, subject: str, seconds: float, outcome: str) -> None:
        told.append((seam, plugin, subject, outcome))

    return Guard(lambda seam, plugin: f"{plugin} (acme-{plugin} 1.2)", trace)


async def test_an_error_of_ours_passes_as_it_is() -> None:
    error = SourceUnavailable("the repository does not answer")

    with pytest.raises(SourceUnavailable) as caught, Guard().call("source", "git", "a", seconds=5):
        raise error

    assert caught.value is error


async def test_what_a_plugin_should_not_raise_names_plugin_version_seam_and_subject() -> None:
    guard = guard_that_tells([])

    with (
        pytest.raises(PluginFailed) as caught,
        guard.call("source", "git", "default/apps", seconds=5),
    ):
        raise KeyError("the token is hunter2")

    assert str(caught.value).startswith(
        "source git (acme-git 1.2) failed for default/apps: KeyError"
    )
    assert "hunter2" not in str(caught.value)
    assert isinstance(caught.value.__cause__, KeyError)


async def test_a_plugin_that_hangs_is_given_up_at_its_deadline() -> None:
    with (
        pytest.raises(PluginFailed, match=r"did not answer for default/apps within 0\.01 s"),
        Guard().call("source", "git", "default/apps", seconds=0.01),
    ):
        await anyio.sleep_forever()


async def test_being_cancelled_is_no_failure_of_the_plugin() -> None:
    told: Told = []

    with anyio.CancelScope() as scope:
        with guard_that_tells(told).call("source", "git", "default/apps", seconds=5):
            scope.cancel()
            await anyio.sleep_forever()

    assert scope.cancelled_caught
    assert told == [("source", "git", "default/apps", "cancelled")]


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (None, "ok"),
        (SourceUnavailable("gone"), "SourceUnavailable"),
        (ValueError("x"), "ValueError"),
        (TimeoutError(), "timeout"),
    ],
)
async def test_each_call_is_traced_with_its_outcome(raised: Exception | None, outcome: str) -> None:
    told: Told = []

    try:
        with guard_that_tells(told).call("renderer", "plain", "web", seconds=5):
            if raised is not None:
                raise raised
    except (PluginFailed, SourceUnavailable):
        pass

    assert told == [("renderer", "plain", "web", outcome)]


async def test_a_stream_that_breaks_has_yielded_what_came_before() -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise RuntimeError("boom")

    seen: list[int] = []

    async def follow() -> None:
        async with aclosing(Guard().stream("target", "kube", "dev", numbers())) as stream:
            async for number in stream:
                seen.append(number)  # noqa: PERF401  # a comprehension would lose them

    with pytest.raises(PluginFailed, match=r"target kube failed for dev: RuntimeError"):
        await follow()

    assert seen == [1, 2]
