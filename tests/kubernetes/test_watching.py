"""Watches, without a server: what is asked for, what is believed, and what is waited out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import anyio
import orjson
import pytest
from structlog.testing import capture_logs

from shoal.errors import ClusterUnreachable, ServerBusy
from shoal_clusters.kubernetes import watching
from shoal_clusters.kubernetes.bearing import EachForItself
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.glancing import Glance
from shoal_clusters.kubernetes.watching import Watch, _pause
from shoal_clusters.transport import Answer

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", True)


def item(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "sea", "resourceVersion": str(version)}}


def event(kind: str, name: str, version: int) -> bytes:
    return orjson.dumps({"type": kind, "object": item(name, version)})


def page(*items: Mapping[str, Any], version: int, more: str = "") -> Answer:
    metadata = {"resourceVersion": str(version), "continue": more}
    return Answer(200, {}, orjson.dumps({"metadata": metadata, "items": items}))


EMPTY = page(version=7)


class Timed(NamedTuple):
    """A while goes by before the next answer."""

    happens: Callable[[float], None]
    seconds: float


class ScriptedTransport:
    """Answers lists and watches from a script, and ends the test when the script is over."""

    cluster = "dev"

    def __init__(self, *script: Any) -> None:
        self._script: Iterator[Any] = iter(script)
        self.asked: list[Mapping[str, str]] = []
        self.is_over = anyio.Event()
        self.versions = [page(version=1_000)]

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str], accept: str
    ) -> Answer:
        if query == {"limit": "1"}:  # at which version are you?
            return self.versions.pop(0) if len(self.versions) > 1 else self.versions[0]
        self.asked.append(dict(query))
        answer: Answer = await self._next()
        return answer

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str], deadline_seconds: float, accept: str
    ) -> AsyncIterator[tuple[Answer, AsyncIterator[bytes]]]:
        self.asked.append(dict(query))
        found = await self._next()

        async def lines() -> AsyncIterator[bytes]:
            for line in found:
                yield line

        is_refused = isinstance(found, Answer)
        yield (found if is_refused else Answer(200, {}, b"")), lines()

    async def _next(self) -> Any:
        found = next(self._script, None)
        while isinstance(found, Timed):
            found.happens(found.seconds)
            found = next(self._script, None)
        if found is None:
            self.is_over.set()
            await anyio.sleep_forever()
        if isinstance(found, Exception):
            raise found
        return found


class Notes:
    """A sink that writes down what it is told; `doubt` is raised by the first list."""

    def __init__(self, doubt: ServerBusy | None = None) -> None:
        self.told: list[tuple[str, str]] = []
        self.lists: list[frozenset[tuple[str, str]]] = []
        self.allowances: list[str] = []
        self._doubt = doubt

    def list_began(self, resource: Resource, namespace: str) -> None:
        pass

    def appeared(self, resource: Resource, glance: Glance, raw: bytes) -> None:
        self.told.append(("appeared", f"{glance.name}@{glance.resourceVersion}"))

    def vanished(self, resource: Resource, glance: Glance, raw: bytes) -> None:
        self.told.append(("vanished", f"{glance.name}@{glance.resourceVersion}"))

    def went_back(self, resource: Resource) -> None:
        self.told.append(("went back", resource.plural))

    async def listed(
        self, resource: Resource, names: frozenset[tuple[str, str]], namespace: str
    ) -> None:
        if self._doubt is not None:
            doubt, self._doubt = self._doubt, None
            raise doubt
        self.lists.append(names)

    def forbidden(self, namespace: str) -> None:
        self.allowances.append("forbidden")

    def allowed(self, namespace: str) -> None:
        self.allowances.append("allowed")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_back_off", lambda failures: 0.0)


async def watched(*script: Any, sink: Notes | None = None) -> ScriptedTransport:
    transport = ScriptedTransport(*script)
    await run_watch(transport, sink or Notes())
    return transport


async def run_watch(transport: ScriptedTransport, sink: Notes) -> None:
    now = iter(range(0, 10_000, 10))
    watch = Watch(
        transport,  # type: ignore[arg-type]  # the two methods that a watch uses
        CONFIG_MAPS,
        "shoal.dev/fleet=demo",
        EachForItself(sink, "test"),
        sink,
        clock=lambda: float(next(now)),
    )
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch.run)
            await transport.is_over.wait()
            tasks.cancel_scope.cancel()


async def test_a_list_comes_in_pages_and_the_watch_starts_where_it_ended() -> None:
    notes = Notes()
    transport = await watched(
        page(item("a", 1), version=9, more="next"),
        page(item("b", 2), version=9),
        [event("MODIFIED", "a", 10), event("DELETED", "b", 11)],
        sink=notes,
    )

    assert [asked.get("limit") for asked in transport.asked[:2]] == ["500", "500"]
    assert transport.asked[1]["continue"] == "next"
    assert transport.asked[2]["resourceVersion"] == "9"
    assert transport.asked[3]["resourceVersion"] == "11"
    assert notes.lists == [frozenset({("sea", "a"), ("sea", "b")})]
    assert notes.told[2:] == [("appeared", "a@10"), ("vanished", "b@11")]


async def test_a_watch_is_bounded_and_asks_for_bookmarks() -> None:
    transport = await watched(EMPTY, [event("MODIFIED", "a", 10)])

    assert transport.asked[1]["resourceVersion"] == "7"
    assert transport.asked[1]["allowWatchBookmarks"] == "true"
    assert 300 <= int(transport.asked[1]["timeoutSeconds"]) <= 600
    assert "limit" not in transport.asked[2]


@pytest.mark.parametrize("answer", [Answer(200, {}, b'{"metadata":{}}'), Answer(403, {}, b"{}")])
async def test_the_first_list_is_over_when_it_was_read_or_refused(answer: Answer) -> None:
    watch = Watch(
        ScriptedTransport(answer),  # type: ignore[arg-type]  # the two methods that a watch uses
        CONFIG_MAPS,
        "shoal.dev/fleet=demo",
        Notes(),
        Notes(),
        clock=lambda: 0.0,
    )
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch.run)
            await watch.until_surveyed()
            tasks.cancel_scope.cancel()


async def test_a_bookmark_moves_the_watch_on_and_is_told_to_nobody() -> None:
    notes = Notes()
    transport = await watched(EMPTY, [event("BOOKMARK", "", 50)], sink=notes)

    assert transport.asked[2]["resourceVersion"] == "50"
    assert notes.told == []


@pytest.mark.parametrize(
    "gone",
    [
        Answer(410, {}, b"{}"),
        [orjson.dumps({"type": "ERROR", "object": {"metadata": {}, "code": 410}})],
    ],
)
async def test_a_version_that_is_too_old_is_answered_by_a_list(gone: Any) -> None:
    transport = await watched(EMPTY, gone, page(version=90), [])

    assert "limit" in transport.asked[2]
    assert transport.asked[3]["resourceVersion"] == "90"


async def test_a_dropped_watch_goes_on_where_it_was() -> None:
    transport = await watched(EMPTY, [event("MODIFIED", "a", 10)], ClusterUnreachable("reset"), [])

    assert [asked["resourceVersion"] for asked in transport.asked[1:4]] == ["7", "10", "10"]


@pytest.mark.parametrize("broken", [[], ClusterUnreachable("reset")])
async def test_a_server_that_went_back_in_time_is_listed_again(broken: Any) -> None:
    """Restored from a backup, it would accept the watch and keep silent until it caught up."""
    transport = ScriptedTransport(page(version=90), broken, page(item("a", 3), version=42), [])
    transport.versions = [page(version=42)]
    notes = Notes()

    await run_watch(transport, notes)

    assert "limit" in transport.asked[2]
    assert transport.asked[3]["resourceVersion"] == "42"
    assert [what for what, _ in notes.told] == ["went back", "appeared"]


async def test_a_list_that_is_not_believed_is_read_again() -> None:
    notes = Notes(doubt=ServerBusy("half of it is missing"))
    await watched(page(version=9), page(item("a", 1), version=10), [], sink=notes)

    assert notes.lists == [frozenset({("sea", "a")})]


async def test_what_is_forbidden_is_told_and_tried_again_with_the_next_full_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "_CHECK_HOURS", (0.0, 0.0))
    notes, refused = Notes(), Answer(403, {}, b"{}")
    transport = await watched(refused, EMPTY, refused, EMPTY, [], sink=notes)

    assert notes.allowances == ["forbidden", "allowed", "forbidden", "allowed"]
    assert ["limit" in asked for asked in transport.asked[:4]] == [True, True, False, True]


async def test_a_list_of_metadata_that_is_empty_says_null() -> None:
    notes = Notes()
    empty = Answer(200, {}, b'{"metadata": {"resourceVersion": "7"}, "items": null}')

    await watched(empty, [event("ADDED", "one", 8)], sink=notes)

    assert notes.lists == [frozenset()]


async def test_a_full_check_reads_the_list_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_CHECK_HOURS", (0.001, 0.001))
    transport = await watched(EMPTY, [], EMPTY, [])

    assert ["limit" in asked for asked in transport.asked[:4]] == [True, False, True, False]


def test_a_full_check_comes_every_six_hours_give_or_take_half() -> None:
    watch = Watch(
        ScriptedTransport(),  # type: ignore[arg-type]  # the two methods that a watch uses
        CONFIG_MAPS,
        "shoal.dev/fleet=demo",
        Notes(),
        Notes(),
        clock=lambda: 0.0,
    )

    assert all(3 * 3600 <= watch._next_check() <= 9 * 3600 for _ in range(50))


def watch_of(transport: ScriptedTransport, clock: Callable[[], float]) -> Watch:
    notes = Notes()
    return Watch(
        transport,  # type: ignore[arg-type]  # the two methods that a watch uses
        CONFIG_MAPS,
        "shoal.dev/fleet=demo",
        notes,
        notes,
        clock=clock,
    )


async def test_a_watch_that_is_down_for_a_while_says_so_until_it_is_resumed() -> None:
    now, told = 0.0, []
    down = ClusterUnreachable("no answer to WATCH")

    def later(seconds: float) -> None:
        nonlocal now
        told.append(watch.trouble)
        now += seconds
        told.append(watch.trouble)

    transport = ScriptedTransport(EMPTY, Timed(later, 60), down, Timed(later, 31), down, [])
    watch = watch_of(transport, lambda: now)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch.run)
            await transport.is_over.wait()
            told.append(watch.trouble)
            tasks.cancel_scope.cancel()

    assert told == ["", "", "", "no answer to WATCH", ""]


async def test_what_is_no_watch_event_interrupts_a_watch_and_ends_no_session() -> None:
    notes = Notes()
    await watched(
        Answer(200, {}, b"<html>"),
        EMPTY,
        [b"<html>"],
        [b'{"type": 1}'],
        [event("MODIFIED", "a", 10)],
        sink=notes,
    )

    assert notes.told == [("appeared", "a@10")]


async def test_a_server_that_does_not_say_where_it_is_ends_no_session() -> None:
    transport = ScriptedTransport(EMPTY, ClusterUnreachable("reset"), [event("ADDED", "a", 10)])
    transport.versions = [Answer(200, {}, b"<html>"), page(version=90)]
    notes = Notes()

    await run_watch(transport, notes)

    assert notes.told == [("appeared", "a@10")]


class Touchy(Notes):
    """A sink that cannot bear the object `poison`."""

    words = "hunter2 is not iterable"

    def appeared(self, resource: Resource, glance: Glance, raw: bytes) -> None:
        if glance.name == "poison":
            raise TypeError(self.words)
        super().appeared(resource, glance, raw)


async def test_an_object_that_cannot_be_judged_is_logged_once_and_stalls_itself_only() -> None:
    notes = Touchy()
    events = [event("MODIFIED", "poison", 8), event("MODIFIED", "poison", 9)]
    with capture_logs() as logs:
        await watched(EMPTY, [*events, event("MODIFIED", "a", 10)], sink=notes)

    assert notes.told == [("appeared", "a@10")]
    (entry,) = (each for each in logs if each["event"] == "object cannot be judged")
    assert entry["object"].endswith("poison")
    assert notes.words not in str(entry)


async def test_a_watch_that_waits_for_its_kind_lists_at_once_when_it_is_told_to() -> None:
    transport = ScriptedTransport(Answer(404, {}, b"{}"), EMPTY)
    watch = watch_of(transport, lambda: 0.0)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch.run)
            await watch.until_surveyed()
            watch.list_again()
            await transport.is_over.wait()
            tasks.cancel_scope.cancel()

    assert len(transport.asked) == 3


def test_a_watch_waits_as_long_as_the_server_asks_within_reason() -> None:
    def pause(after: float | None) -> float:
        return _pause(ServerBusy("later", after_seconds=after), 0)

    assert (pause(None), pause(20), pause(1e6)) == (0, 20, 300)
