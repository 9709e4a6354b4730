"""Secrets, on a real API server: no value comes but of those that are ours and have changed."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.kubernetes.planes import PlaneWorld, path_of

from shoal.model.identity import ObjectKey
from shoal.model.plans import Action, ResultStatus
from shoal.model.sightings import DriftKind
from shoal.testing.target_bench import Subject, bench
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log
from shoal_clusters.kubernetes.marks import FLEET_LABEL
from shoal_clusters.transport import Transport

pytestmark = pytest.mark.real

OURS, THEIRS = "our-password", "a-password-of-others"


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every byte that came from the API server about Secrets, writes excepted."""
    found: list[bytes] = []
    request, stream = Transport.request, Transport.stream

    async def noted(self: Transport, method: str, path: str, **options: Any) -> Any:
        answer = await request(self, method, path, **options)
        if "/secrets" in path and method == "GET":
            found.append(answer.body)
        return answer

    @asynccontextmanager
    async def noted_stream(self: Transport, path: str, **options: Any) -> AsyncIterator[Any]:
        async with stream(self, path, **options) as (answer, lines):

            async def each() -> AsyncIterator[bytes]:
                async for line in lines:
                    if "/secrets" in path:
                        found.append(line)
                    yield line

            yield answer, each()

    monkeypatch.setattr(Transport, "request", noted)
    monkeypatch.setattr(Transport, "stream", noted_stream)
    return found


def secret(world: PlaneWorld, name: str, value: str, **labels: str) -> Any:
    metadata = {"name": name, "namespace": world.namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"p": value}}


def key_of(world: PlaneWorld, name: str) -> ObjectKey:
    return ObjectKey("", "Secret", world.namespace, name)


def encoded(value: str) -> bytes:
    return base64.b64encode(value.encode())


async def test_lists_and_watches_of_secrets_bring_no_value(
    subject: Subject, world: PlaneWorld, received: list[bytes], plane: ControlPlane
) -> None:
    body = secret(world, "ours", OURS)
    # It looks like one of ours to a watch, and is none.
    await world.create(secret(world, "theirs", THEIRS, **{FLEET_LABEL: "test"}))
    async with bench(subject) as it:
        await it.sync(body)
        await it.until(lambda one: one.key.name == "ours" and one.health is not None)
        taken = await it.sync(body, secret(world, "theirs", OURS))
    start = await audit_position(plane.audit_log)
    async with bench(subject, it.inventory) as again:
        await again.until(lambda one: one.key.name == "ours" and one.health is not None)
    entries = await read_audit_log(plane.audit_log, since=start)

    assert taken["theirs"].status is ResultStatus.FAILED
    assert received
    assert not any(encoded(OURS) in part or encoded(THEIRS) in part for part in received)
    verbs = {one.verb for one in entries if one.user == "shoal" and one.resource == "secrets"}
    assert verbs <= {"list", "watch"}


async def test_an_edited_secret_is_read_once_and_corrected(
    subject: Subject, world: PlaneWorld, plane: ControlPlane
) -> None:
    body, key = secret(world, "ours", OURS), key_of(world, "ours")
    async with bench(subject) as it:
        await it.sync(body)
        start = await audit_position(plane.audit_log)
        edit = {"data": {"p": encoded("edited").decode()}}
        async with world.plane.client() as admin:
            await admin.patch(path_of(key), edit, fieldManager="kubectl-edit")
        sighting = await it.until_drifted("ours", missing=False)
        results = await it.sync(body)

        entries = await read_audit_log(plane.audit_log, since=start)
        live = await world.read(key) or {}
        assert sighting.drift is not None
        assert sighting.drift.manager == "kubectl-edit"
        assert OURS not in str(sighting.drift.patch)
        assert results["ours"].action is Action.CORRECT
        assert live["data"]["p"].encode() == encoded(OURS)
        verbs = [one.verb for one in entries if one.user == "shoal" and one.verb != "watch"]
        assert verbs == ["get", "patch"]


async def test_a_key_added_to_a_secret_is_removed(subject: Subject, world: PlaneWorld) -> None:
    body, key = secret(world, "ours", OURS), key_of(world, "ours")
    async with bench(subject) as it:
        await it.sync(body)
        async with world.plane.client() as admin:
            edit = {"data": {"more": encoded("x").decode()}}
            await admin.patch(path_of(key), edit, fieldManager="kubectl-edit")
        sighting = await it.until(
            lambda one: one.drift is not None and one.drift.kind is DriftKind.ADDED
        )
        await it.sync(body)

        live = await world.read(key) or {}
        assert sighting.drift is not None
        assert sighting.drift.patch == ({"op": "remove", "path": "/data/more"},)
        assert list(live["data"]) == ["p"]


async def test_an_edit_made_while_nobody_watched_is_found_after_a_restart(
    subject: Subject, world: PlaneWorld
) -> None:
    body, key = secret(world, "ours", OURS), key_of(world, "ours")
    async with bench(subject) as it:
        await it.sync(body)
    async with world.plane.client() as admin:
        edit = {"data": {"p": encoded("edited").decode()}}
        await admin.patch(path_of(key), edit, fieldManager="kubectl-edit")
    async with bench(subject, it.inventory) as again:
        await again.until_drifted("ours", missing=False)
        await again.sync(body)

    live = await world.read(key) or {}
    assert live["data"]["p"].encode() == encoded(OURS)


async def test_a_secret_that_is_deleted_comes_back(subject: Subject, world: PlaneWorld) -> None:
    body, key = secret(world, "ours", OURS), key_of(world, "ours")
    async with bench(subject) as it:
        await it.sync(body)
        await world.remove(key)
        await it.until_drifted("ours", missing=True)
        await it.sync(body)

        live = await world.read(key) or {}
        assert live["data"]["p"].encode() == encoded(OURS)


async def test_an_addition_that_is_only_reported_is_known_after_a_restart_without_its_value(
    subject: Subject, world: PlaneWorld, received: list[bytes]
) -> None:
    body, key = secret(world, "ours", OURS), key_of(world, "ours")
    async with bench(subject) as it:
        await it.sync(body, when_fields_added="Report")
        async with world.plane.client() as admin:
            edit = {"data": {"more": encoded("x").decode(), "p": encoded("y").decode()}}
            await admin.patch(path_of(key), edit, fieldManager="kubectl-edit")
        await it.until_drifted("ours", missing=False)
        await it.sync(body, when_fields_added="Report")
        received.clear()
    async with bench(subject, it.inventory) as again:
        await again.plan(body, when_fields_added="Report")
        sighting = await again.until(
            lambda one: one.drift is not None and one.drift.kind is DriftKind.ADDED
        )

        assert sighting.drift is not None
        assert sighting.drift.patch == ({"op": "remove", "path": "/data/more"},)
        assert not any(encoded(OURS) in part for part in received)
