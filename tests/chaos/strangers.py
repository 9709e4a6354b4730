"""Strangers: other clients of the clusters, who edit what is Shoal's and keep things of their own.

They go to the API servers directly, as the administrator, under a name that Shoal takes for a
person's (`kubectl-edit`). Everything they do is noted here, so that the judge knows it: what had to
be healed, and what must be found untouched.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import aiohttp
import anyio
from tests.chaos.manifests import NUMBER, Body, Key, collection, path_of
from tests.chaos.victims import Victim

from shoal_clusters.controlplane.client import AnsweredError, Client

_MANAGER = "kubectl-edit"
_SECONDS = 4.0
ADDED = "added-by-hand"
TEXT = "chaos.example.org/text"


class Mischief(StrEnum):
    """What a stranger does; the first four have to be healed, the others left alone."""

    EDIT = "edit"
    DELETE = "delete"
    ADD_FIELD = "add field"
    TAKE_LABEL = "take label"
    KEEP_OWN = "keep own"
    CHANGE_OWN = "change own"
    COPY_MARKS = "copy marks"
    REMOVE_OWN = "remove own"


HEALED = frozenset({Mischief.EDIT, Mischief.DELETE, Mischief.ADD_FIELD, Mischief.TAKE_LABEL})


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that a stranger did; `is_sure` is false when its answer was lost."""

    at: datetime
    cluster: str
    key: Key
    what: Mischief
    is_sure: bool


@dataclass(slots=True)
class Strangers:
    """All strangers of a run. `theirs` is what they keep, by cluster: the data, None if unsure."""

    victims: Mapping[str, Victim]
    chance: random.Random
    deeds: list[Deed] = field(default_factory=list[Deed])
    theirs: dict[str, dict[Key, dict[str, str] | None]] = field(
        default_factory=dict[str, dict[Key, dict[str, str] | None]]
    )
    # Every key that was ever a stranger's: Shoal writes none of them.
    ever: set[tuple[str, Key]] = field(default_factory=set[tuple[str, Key]])
    _made: int = 0

    async def act(self, what: Mischief, cluster: str, key: Key) -> None:
        """Do one thing; a cluster that does not answer in time is left, and that is noted."""
        own = self._own(cluster)
        if what in (Mischief.CHANGE_OWN, Mischief.REMOVE_OWN):
            if not own:
                what = Mischief.KEEP_OWN
            else:
                key = self.chance.choice(sorted(own))
        if what in (Mischief.KEEP_OWN, Mischief.COPY_MARKS):
            self._made += 1
            kept = Key("ConfigMap", key.namespace, f"strangers-{self._made}")
            self.ever.add((cluster, kept))
            await self._carry_out(what, cluster, kept, key)
            return
        await self._carry_out(what, cluster, key, key)

    def restored(self, cluster: str, kept: Mapping[Key, dict[str, str] | None]) -> None:
        """A cluster went back to when this was theirs; what was done meanwhile is unsure."""
        own = self._own(cluster)
        before = dict(own)
        own.clear()
        own |= {key: data if before.get(key) == data else None for key, data in kept.items()}

    def _own(self, cluster: str) -> dict[Key, dict[str, str] | None]:
        return self.theirs.setdefault(cluster, {})

    async def _carry_out(self, what: Mischief, cluster: str, key: Key, other: Key) -> None:
        own, at = self._own(cluster), datetime.now(UTC)
        data = {"number": str(self.chance.getrandbits(32))}
        try:
            with anyio.fail_after(_SECONDS):
                async with self.victims[cluster].plane.client() as client:
                    did = await _ACTS[what](client, key, other, data)
        except AnsweredError:
            return  # refused, so nothing happened
        except (aiohttp.ClientConnectorError, FileNotFoundError):
            return  # it never reached the server
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.deeds.append(Deed(at, cluster, key, what, is_sure=False))
            if what not in HEALED:
                own[key] = None
            return
        if not did:
            return
        self.deeds.append(Deed(at, cluster, key, what, is_sure=True))
        if what is Mischief.REMOVE_OWN:
            own.pop(key, None)
        elif what not in HEALED and (own.get(key, {}) is not None):
            own[key] = data


Act = Callable[[Client, Key, Key, dict[str, str]], Awaitable[bool]]


async def _edit(client: Client, key: Key, other: Key, data: dict[str, str]) -> bool:
    patch: Body = {"metadata": {"annotations": {TEXT: f"edited {data['number']}"}}}
    if key.kind == "ConfigMap":
        patch = {"data": {"level": f"edited {data['number']}"}}
    await client.patch(path_of(key), patch, fieldManager=_MANAGER)
    return True


async def _delete(client: Client, key: Key, other: Key, data: dict[str, str]) -> bool:
    await client.delete(path_of(key))
    return True


async def _add_field(client: Client, key: Key, other: Key, data: dict[str, str]) -> bool:
    patch: Body = {"metadata": {"annotations": {f"{ADDED}/field": data["number"]}}}
    if key.kind == "ConfigMap":
        patch = {"data": {ADDED: data["number"]}}
    await client.patch(path_of(key), patch, fieldManager=_MANAGER)
    return True


async def _take_label(client: Client, key: Key, other: Key, data: dict[str, str]) -> bool:
    patch = {"metadata": {"labels": {"shoal.dev/fleet": None}}}
    await client.patch(path_of(key), patch, fieldManager=_MANAGER)
    return True


async def _keep_own(client: Client, key: Key, other: Key, data: dict[str, str]) -> bool:
    await client.create(collection(key.kind, key.namespace), _theirs(key, data))
    return True


async def _copy_marks(client: Client, key: Key, other: Key, data: dict[str, str]) -> bool:
    """An object with everything that says Shoal's, as somebody has it who copied a manifest."""
    live = await client.find(path_of(other))
    if live is None:
        return False
    body = _theirs(key, data)
    copied = copy.deepcopy(live["metadata"])
    annotations = {name: text for name, text in copied["annotations"].items() if name != NUMBER}
    body["metadata"] |= {"labels": copied.get("labels", {}), "annotations": annotations}
    await client.create(collection(key.kind, key.namespace), body)
    return True


async def _change_own(client: Client, key: Key, other: Key, data: dict[str, str]) -> bool:
    await client.patch(path_of(key), {"data": data}, fieldManager=_MANAGER)
    return True


def _theirs(key: Key, data: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": key.name, "namespace": key.namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


_ACTS: Mapping[Mischief, Act] = {
    Mischief.EDIT: _edit,
    Mischief.DELETE: _delete,
    Mischief.ADD_FIELD: _add_field,
    Mischief.TAKE_LABEL: _take_label,
    Mischief.KEEP_OWN: _keep_own,
    Mischief.CHANGE_OWN: _change_own,
    Mischief.COPY_MARKS: _copy_marks,
    Mischief.REMOVE_OWN: _delete,
}
