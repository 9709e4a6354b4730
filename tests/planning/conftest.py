"""Manifests, plans and overrides, short enough that a test shows only its point."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.manifests import Manifest
from shoal.model.plans import Action, Change, Content, Desired, Grant, Plan
from shoal.model.policies import SyncPolicy

TARGET = TargetKey(Ref("shop", "web"), "prod")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def target() -> TargetKey:
    return TARGET


@pytest.fixture
def manifest() -> Callable[..., Manifest]:
    """An object: `manifest("Deployment", "web", replicas=2)`, more keywords go into its spec."""

    def manifest(kind: str = "ConfigMap", name: str = "web", **spec: Any) -> Manifest:
        body: dict[str, Any] = {
            "apiVersion": "apps/v1" if kind == "Deployment" else "v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
        }
        if spec:
            body["spec"] = spec
        return Manifest(body, f"{name}.yaml:1")

    return manifest


@pytest.fixture
def plan() -> Callable[..., Plan]:
    """A plan from `(kind, action)` pairs."""

    def plan(*changes: tuple[str, Action]) -> Plan:
        return Plan(
            TARGET,
            tuple(
                Change(ObjectKey(_group(kind), kind, "shop", f"x{index}"), action, "a", "b")
                for index, (kind, action) in enumerate(changes)
            ),
        )

    return plan


@pytest.fixture
def desired() -> Callable[..., Desired]:
    """What a target should hold: these manifests."""

    def desired(*manifests: Manifest) -> Desired:
        grant = Grant(TARGET, "r1", "head", NOW)
        return Desired(TARGET, grant, "d", Content("c", manifests), SyncPolicy())

    return desired


def _group(kind: str) -> str:
    return {"Deployment": "apps", "Job": "batch"}.get(kind, "")
