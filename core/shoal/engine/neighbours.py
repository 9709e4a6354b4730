"""Other deployers of an application's objects: recorded once, and told as long as they go on.

They change nothing of what Shoal wrote, so there is nothing to correct and nothing to hold; but
with the next change of either, one undoes the other. A client is recorded when it is first seen at
a target, with the first of its objects; after a restart only when it has come anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shoal.engine.recording import Recording
from shoal.engine.target_state import TargetState, without
from shoal.engine.views.applications import TargetWarning
from shoal.model.identity import ObjectKey
from shoal.model.phrases import some_of
from shoal.model.records import Deed
from shoal.model.sightings import Neighbour
from shoal.store import Store

MOST_READ = 100  # records of a target: more clients than that deploy nothing
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Follows who else deploys the objects of targets."""

    recording: Recording
    store: Store

    async def saw(
        self, target: TargetState, key: ObjectKey, found: tuple[Neighbour, ...], at: datetime
    ) -> None:
        """These others deploy one object now; records those that are new at the target."""
        dated = tuple([await self._dated(target, key, each, at) for each in found])
        rest = without(target.beside, key)
        target.beside = {**rest, key: dated} if dated else rest

    async def _dated(
        self, target: TargetState, key: ObjectKey, neighbour: Neighbour, at: datetime
    ) -> Neighbour:
        """With the time since when: an apply that changes no value has none in managedFields."""
        known = _by_client(target.beside).get(neighbour.client)
        if known:
            return neighbour if neighbour.since else neighbour._replace(since=known.get(key, at))
        since = await self._recorded(target, neighbour)
        if since is None:
            since = neighbour.since or at
            await self._record(target, key, neighbour.client, since)
        return neighbour._replace(since=since)

    async def _recorded(self, target: TargetState, neighbour: Neighbour) -> datetime | None:
        """Since when, as an earlier run recorded it; None: it did not, or it has come anew."""
        deeds = frozenset({Deed.TARGET_SHARED})
        records = await self.store.records(subject=str(target.key), what=deeds, limit=MOST_READ)
        for entry in (record.entry for record in records):
            is_same = entry.who == _who(neighbour.client)
            if is_same and (neighbour.since is None or neighbour.since <= entry.at):
                return datetime.fromisoformat(entry.body["since"])
        return None

    async def _record(
        self, target: TargetState, key: ObjectKey, client: str, since: datetime
    ) -> None:
        await self.recording.note(
            who=_who(client),
            what=Deed.TARGET_SHARED,
            why=f"it deploys {key} too",
            subject=str(target.key),
            revision=target.synced_revision,
            body={"object": str(key), "since": since.isoformat()},
        )


def warnings_of_target(target: TargetState) -> list[TargetWarning]:
    """One for each client, with its objects and since when."""
    return [
        TargetWarning("Shared", client, _said(client, objects), _NEXT)
        for client, objects in sorted(_by_client(target.beside).items())
    ]


_NEXT = (
    "let one of both deploy it: take it out there or out of the application; a client that is "
    "meant to is named in sync.byHand.never"
)


def _said(client: str, objects: Mapping[ObjectKey, datetime | None]) -> str:
    named = some_of(sorted(objects), _NAMED)
    since = min(filter(None, objects.values()))
    return (
        f"client {client} deploys {named} too since {since:%Y-%m-%d %H:%M} UTC; "
        "the next change of either undoes the other's"
    )


def _by_client(
    beside: Mapping[ObjectKey, tuple[Neighbour, ...]],
) -> dict[str, dict[ObjectKey, datetime | None]]:
    found: dict[str, dict[ObjectKey, datetime | None]] = {}
    for key, others in beside.items():
        for each in others:
            found.setdefault(each.client, {})[key] = each.since
    return found


def _who(client: str) -> str:
    return f"client {client}"
