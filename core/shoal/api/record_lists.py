"""The ledger as it is asked for: pages of it, newest first, and what comes from now on.

`GET /api/v1/records` and `/api/v1/syncs` take `subject`, `cluster` (a glob), `where`, `limit` and
`continue`. A page that looked through many records and found few says so by `continue`: there is
more behind it, and nobody had to wait for all of it.

`GET /api/v1/records/stream?after=SEQ` gives every later record as a line of JSON, at once, and an
empty line now and then to show that it is alive. Each reader reads the ledger from a place of its
own, so that nothing is lost or doubled between a list and its stream, and a reader that is slow
costs nobody anything: nothing is kept for it. No cluster is asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import anyio
from starlette.datastructures import QueryParams

from shoal.api.answers import as_fields, envelope, single
from shoal.api.facade import Controller
from shoal.api.fields import Fields, fields_of
from shoal.api.listing import Listed, narrowed
from shoal.api.lists import cluster_of, fields_of_subject, query_of, whole_number
from shoal.model.records import Deed, Entry, Record

MOST = 1000
_USUAL = 100
_PAGE = 500
_MOST_PAGES = 20  # of one answer, some 100 ms of work; it says where to go on
ALIVE_SECONDS = 10.0

SYNCS = frozenset(
    {
        Deed.TARGET_SYNCED,
        Deed.TARGET_REMOVED,
        Deed.TARGET_FAILED,
        Deed.TARGET_WAITING,
        Deed.TARGET_CORRECTED,
        Deed.TARGET_INTERRUPTED,
    }
)
"""The records of passes over a target that sent something, or meant to."""


def _clusters(record: Record) -> tuple[str, ...]:
    return (cluster_of(record.entry.subject),)


_FIELDS: Fields = {
    **fields_of(Entry, within="entry"),
    **{name: each for name, each in fields_of(Record).items() if name != "entry"},
    **fields_of_subject(attrgetter("entry.subject")),
}
EVENTS = Listed("Event", "events", _FIELDS, ("seq",), _clusters)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: of a subject, of certain deeds, and those of them that are `meant`."""

    parameters: QueryParams
    what: frozenset[Deed] = frozenset()

    @property
    def subject(self) -> str | None:
        """The subject that alone counts; None when all do."""
        return self.parameters.get("subject")

    def meant(self, records: list[Record]) -> list[Record]:
        """Those that fit `cluster` and `where`, in the order given."""
        query = query_of(EVENTS, self.parameters)
        return narrowed(EVENTS, records, query, datetime.now(UTC))


async def record_page(controller: Controller, wanted: Wanted, kind: str) -> Mapping[str, Any]:
    """One page, newest first."""
    parameters = wanted.parameters
    limit = min(max(1, whole_number(parameters.get("limit", str(_USUAL)))), MOST)
    mark = parameters.get("continue") or parameters.get("before")
    last = controller.last_seq()
    before = whole_number(mark) if mark else last + 1
    found: list[Record] = []
    is_whole = False
    for _ in range(_MOST_PAGES):
        page = list(
            await controller.records(
                subject=wanted.subject, what=wanted.what, limit=_PAGE, before=before
            )
        )
        found += wanted.meant(page)
        is_whole = len(page) < _PAGE
        if is_whole or len(found) > limit:
            break
        before = page[-1].seq
    after = ""
    if len(found) > limit:
        after = str(found[limit - 1].seq)
    elif not is_whole:
        after = str(before)
    items = [record_fields(each) for each in found[:limit]]
    return envelope(kind, items, after=after, seen=str(last))


def record_fields(record: Record) -> dict[str, Any]:
    """A record as readers are shown it: flat."""
    fields = as_fields(record)
    return {**fields.pop("entry"), **fields}


def beginning(controller: Controller, wanted: Wanted) -> int:
    """The seq after which a stream begins; InvalidQuery for what cannot be understood."""
    wanted.meant([])
    after = wanted.parameters.get("after")
    return controller.last_seq() if after is None else whole_number(after)


async def later_records(
    controller: Controller, wanted: Wanted, seq: int, ending: anyio.Event
) -> AsyncIterator[Mapping[str, Any] | None]:
    """Every record after this one, as it comes; None now and then. Ends when told to."""
    while not ending.is_set():
        last = controller.last_seq()  # before the look, which then has seen all up to here
        page = list(
            await controller.records(
                subject=wanted.subject, what=wanted.what, limit=_USUAL, after=seq
            )
        )
        for record in wanted.meant(page):
            yield single("Event", record_fields(record))
        seq = page[-1].seq if page else max(seq, last)
        if not page and not await _is_news(controller, seq, ending):
            yield None


async def _is_news(controller: Controller, seq: int, ending: anyio.Event) -> bool:
    """Wait for a record after this one, for the end, or for the time to say that we are alive."""
    is_news = False

    async def wait() -> None:
        nonlocal is_news
        await controller.wait_past(seq)
        is_news = True
        group.cancel_scope.cancel()

    async def wait_for_the_end() -> None:
        await ending.wait()
        group.cancel_scope.cancel()

    with anyio.move_on_after(ALIVE_SECONDS):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            group.start_soon(wait_for_the_end)
    return is_news
