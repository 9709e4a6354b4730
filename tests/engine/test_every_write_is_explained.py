"""The ledger explains every write: beforehand as an intent, afterwards as one record, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from tests.engine.harness import (
    EngineUnderTest,
    config_map,
    config_maps,
    key_of,
    make_engine,
    target_key,
)
from tests.engine.virtual_time import in_virtual_time

from shoal.model.records import Deed, Entry, Intent
from shoal.store import PutIntent

MANY = 120
ONE = target_key("one")


def explained(entry: Entry) -> dict[str, tuple[str, str]]:
    """Every object that a record of a target names: what was done, and how it ended."""
    found = {each["object"]: (each["action"], each["status"]) for each in entry.body["changes"]}
    return found | dict(named(entry.body.get("further", ())))


def named(groups: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[str, str]]]:
    for group in groups:
        for name in group["names"]:
            where = f"{group['namespace']}/{name}" if group["namespace"] else name
            yield f"{group['kind']} {where}", (group["action"], group["status"])


@in_virtual_time
async def test_a_record_names_every_object_however_many(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(**config_maps(MANY))

    async with engine.running():
        await engine.until_synced(revision)
        (entry,) = await engine.until_recorded(Deed.TARGET_SYNCED)

    names = (str(key_of(f"m{number}")) for number in range(MANY))
    assert explained(entry) == dict.fromkeys(names, ("create", "applied"))
    assert len(entry.body["changes"]) < MANY


async def slow(engine: EngineUnderTest) -> anyio.Event:
    """From now on the cluster answers when the event that is returned is set."""
    gate = engine.clusters["one"].gate = anyio.Event()
    await engine.until(lambda: engine.store.intents, "an intent")
    return gate


@in_virtual_time
async def test_what_is_sent_is_intended_before_the_first_request(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_application("shop", sync={"validation": "Never"})
    first = engine.source.commit(shop__settings=config_map(color="blue"), shop__old=config_map("o"))

    async with engine.running():
        await engine.until_synced(first)
        before = dict(engine.store.intents)
        written = len(engine.clusters["one"].writes)
        second = engine.source.commit(shop__settings=config_map(color="red"))
        gate = await slow(engine)
        intent = engine.store.intents[ONE]
        not_sent = len(engine.clusters["one"].writes) == written
        gate.set()
        await engine.until_synced(second)

    assert before == {}
    assert not_sent
    assert intent.revision == second
    assert dict(named(intent.objects)) == {
        str(key_of()): ("update", "unknown"),
        str(key_of("o")): ("delete", "unknown"),
    }
    assert engine.store.intents == {}


@in_virtual_time
async def test_an_intent_ends_with_a_pass_that_has_nothing_new_to_tell(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    nowhere = config_map()
    nowhere["metadata"]["namespace"] = "nowhere"
    engine.source.commit(shop__settings=nowhere)

    async with engine.running():
        await engine.until_recorded(Deed.TARGET_WAITING)
        await anyio.sleep(600)  # it is tried again and again, and waits as before
        waited = engine.store.recorded(Deed.TARGET_WAITING)
        intents = dict(engine.store.intents)

    assert len(waited) == 1
    assert intents == {}


@in_virtual_time
async def test_a_correction_is_intended_too(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_synced(revision)
        engine.clusters["one"].gate = anyio.Event()
        await engine.clusters["one"].change(key_of(), {"data": {"color": "red"}})
        gate = await slow(engine)
        intent = engine.store.intents[ONE]
        gate.set()
        await engine.until_recorded(Deed.TARGET_CORRECTED)

    assert intent.who == "shoal"
    assert dict(named(intent.objects)) == {str(key_of()): ("correct", "unknown")}


@in_virtual_time
async def test_what_a_killed_controller_left_becomes_a_record(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    group = {"action": "create", "status": "unknown", "kind": "ConfigMap", "namespace": "default"}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    objects = [{**group, "names": ["settings"]}]
    intent = Intent(ONE, at, "Ana", "Open", "1", "plan", "trace", objects)
    await engine.store.write(PutIntent(intent))
    engine.source.commit(shop__settings=config_map())

    async with engine.running():
        (entry,) = await engine.until_recorded(Deed.TARGET_INTERRUPTED)
        await engine.until_synced("1")

    assert (entry.who, entry.why, entry.subject) == ("Ana", "Open", str(ONE))
    assert (entry.revision, entry.trace_id) == ("1", "trace")
    assert explained(entry) == {str(key_of()): ("create", "unknown")}
    assert engine.store.intents == {}


@in_virtual_time
async def test_what_got_no_answer_may_have_been_written_and_is_named(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_application("shop", sync={"validation": "Never"})
    one = engine.clusters["one"]
    revision = engine.source.commit(**config_maps(3))

    async with engine.running():
        await engine.until_synced(revision)
        second = engine.source.commit(**config_maps(3, color="red"))
        gate = await slow(engine)
        one.unreachable, one.gate = True, None
        gate.set()
        (entry,) = await engine.until_recorded(Deed.TARGET_INTERRUPTED)
        one.unreachable = False
        await engine.until_synced(second)

    assert explained(entry) == {
        str(key_of(f"m{number}")): ("update", "unknown") for number in range(3)
    }
    assert engine.store.intents == {}
