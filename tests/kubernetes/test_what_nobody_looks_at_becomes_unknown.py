"""A custom resource without conditions is on its way for ten minutes, and Unknown from then on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from tests.kubernetes.bodies import crd, widget
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.model.health import Health, HealthState
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Owned, OwnedState
from shoal.model.sightings import Sighting
from shoal.testing.target_bench import Subject, bench
from shoal_clusters.kubernetes.health import NO_CONDITIONS
from shoal_clusters.kubernetes.marks import applied_at
from shoal_clusters.kubernetes.register import Outbox, Register
from shoal_clusters.kubernetes.unattended import NOBODY_LOOKED, PATIENCE, Unattended

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = ObjectKey("example.com", "Widget", "shop", "one")
ROW = Owned(TargetKey(Ref("default", "web"), "dev"), KEY, "uid", "", "", b"", OwnedState.CONFIRMED)


def written(at: datetime) -> dict[str, Any]:
    entry = {"manager": "shoal", "operation": "Apply", "time": at.isoformat()}
    return {"metadata": {"name": "one", "managedFields": [entry]}}


async def first_told(unattended: Unattended, outbox: Outbox) -> Sighting:
    told = list[Sighting]()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(unattended.run)
        with anyio.fail_after(10):
            told.append(await anext(outbox.stream()))
        tasks.cancel_scope.cancel()
    return told[0]


@pytest.mark.parametrize(
    ("age", "health"),
    [
        (timedelta(0), NO_CONDITIONS),
        (PATIENCE - timedelta(seconds=1), NO_CONDITIONS),
        (PATIENCE, NOBODY_LOOKED),
        (timedelta(days=1), NOBODY_LOOKED),
    ],
)
def test_the_time_counts_from_our_last_write_by_the_servers_clock(
    age: timedelta, health: Health
) -> None:
    unattended = Unattended(Register({}), Outbox(), now=lambda: NOW)

    assert unattended.worded(ROW, written(NOW - age), NO_CONDITIONS) == health


async def test_it_is_told_when_the_time_has_come_and_no_event_comes() -> None:
    outbox, register = Outbox(), Register({KEY: ROW})
    unattended = Unattended(register, outbox, patience=timedelta(milliseconds=50))
    unattended.worded(ROW, written(datetime.now(UTC)), NO_CONDITIONS)

    sighting = await first_told(unattended, outbox)

    assert (sighting.key, sighting.health) == (KEY, NOBODY_LOOKED)


async def test_what_got_conditions_or_is_gone_is_not_told_of() -> None:
    outbox, register = Outbox(), Register({KEY: ROW})
    unattended = Unattended(register, outbox, patience=timedelta(milliseconds=1))
    unattended.worded(ROW, written(datetime.now(UTC) + timedelta(seconds=1)), NO_CONDITIONS)
    unattended.forget(KEY)
    other = KEY._replace(name="two")
    unattended.worded(
        Owned(ROW.target, other, "uid", "", "", b"", OwnedState.CONFIRMED),
        written(datetime.now(UTC)),
        NO_CONDITIONS,
    )
    register.keep(Owned(ROW.target, other, "uid", "", "", b"", OwnedState.CONFIRMED))

    sighting = await first_told(unattended, outbox)

    assert sighting.key == other


def test_an_object_without_managed_fields_counts_from_its_creation() -> None:
    assert applied_at({"creationTimestamp": "2026-01-01T00:00:00Z"}) == "2026-01-01T00:00:00Z"
    assert applied_at({}) == ""


@pytest.mark.real
async def test_discovery_tells_which_kinds_have_a_status(
    subject: Subject, world: PlaneWorld
) -> None:
    group = f"{world.namespace}.example.com"
    definition = crd(group)
    definition["spec"]["versions"][0]["subresources"] = {"status": {}}
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    schema["status"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    key = ObjectKey(group, "Widget", world.namespace, "one")
    async with bench(subject) as it:
        await it.sync(definition, widget(group, world.namespace))
        before = await it.until(lambda one: one.key == key and one.health is not None)
        async with world.plane.client() as client:
            ready = {"type": "Ready", "status": "True"}
            await client.patch(f"{path_of(key)}/status", {"status": {"conditions": [ready]}})
        await it.until(
            lambda one: (
                one.key == key
                and one.health is not None
                and one.health.state is HealthState.HEALTHY
            )
        )

        assert before.health == NO_CONDITIONS
