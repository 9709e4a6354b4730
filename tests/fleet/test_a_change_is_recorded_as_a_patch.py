"""The ledger says what a commit changed in an object: as a patch, and never with a secret."""

from __future__ import annotations

from typing import Any

from tests.fleet.harness import FleetUnderTest, config_map

from shoal.model.records import Deed

TARGET = "default/shop@dev"


def secret(namespace: str, password: str) -> Any:
    body = {**config_map("login", namespace), "kind": "Secret", "stringData": {"key": password}}
    del body["data"]
    return body


async def test_a_commit_is_recorded_with_what_it_changed_and_secrets_are_masked(
    small_fleet: FleetUnderTest, namespace: str
) -> None:
    def write(color: str, password: str) -> None:
        settings = config_map("settings", namespace, color=color)
        small_fleet.repository.write("shop/all.yaml", settings, secret(namespace, password))

    write("blue", "the-first-tide")
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        write("red", "the-second-tide")
        await small_fleet.until_revision(await small_fleet.push("Paint it red"))
        record = (await small_fleet.records(Deed.TARGET_SYNCED, TARGET))[-1]

    patches = {each["object"]: each["patch"] for each in record.body["changes"]}
    assert patches[f"ConfigMap {namespace}/settings"] == [
        {"op": "replace", "path": "/data/color", "value": "red"}
    ]
    assert [each["path"] for each in patches[f"Secret {namespace}/login"]]
    assert "tide" not in str(record.body)
