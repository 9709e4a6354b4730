"""Staging: the order of writes and deletions, and the facts between."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.staging import (
    Fact,
    FactKind,
    deletion_stages,
    fact_holds,
    needs,
    stages,
)

RBAC, CRDS, HOOKS = (
    "rbac.authorization.k8s.io",
    "apiextensions.k8s.io",
    "admissionregistration.k8s.io",
)


def key(kind: str, group: str = "", namespace: str = "sea", name: str = "x") -> ObjectKey:
    return ObjectKey(group, kind, namespace, name)


SEA = key("Namespace", namespace="", name="sea")
CRD = key("CustomResourceDefinition", CRDS, "", "fish.example.com")
FISH = key("Fish", "example.com")
HOOK = key("ValidatingWebhookConfiguration", HOOKS, "")
ROLE, BINDING = key("ClusterRole", RBAC, ""), key("ClusterRoleBinding", RBAC, "")
SETTINGS, SERVICE, WEB = key("ConfigMap"), key("Service"), key("Deployment", "apps")
EVERYTHING = [SEA, CRD, FISH, HOOK, ROLE, BINDING, SETTINGS, SERVICE, WEB]

keys = st.lists(
    st.sampled_from(EVERYTHING)
    | st.builds(
        ObjectKey,
        st.sampled_from(["", "apps", "batch", "example.com", RBAC, HOOKS]),
        st.sampled_from(["Namespace", "ConfigMap", "Deployment", "Job", "Role", "Thing"]),
        st.just("sea"),
        st.sampled_from(["a", "b"]),
    ),
    unique=True,
)


@given(keys)
def test_every_key_is_in_exactly_one_stage(found: list[ObjectKey]) -> None:
    for order in (stages(found), deletion_stages(found)):
        assert sorted(one for stage in order for one in stage) == sorted(found)
        assert all(stage == sorted(stage) for stage in order)
        assert all(order)


def place(order: list[list[ObjectKey]], wanted: ObjectKey) -> int:
    (found,) = [at for at, stage in enumerate(order) if wanted in stage]
    return found


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (SEA, SETTINGS),
        (CRD, FISH),
        (ROLE, BINDING),
        (SETTINGS, SERVICE),
        (SERVICE, WEB),
        (WEB, FISH),
        (FISH, HOOK),
        (WEB, HOOK),
    ],
)
@given(keys)
def test_what_others_stand_on_is_written_first(
    first: ObjectKey, second: ObjectKey, others: list[ObjectKey]
) -> None:
    order = stages({*others, first, second})

    assert place(order, first) < place(order, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (HOOK, SERVICE),
        (FISH, WEB),
        (FISH, CRD),
        (WEB, SERVICE),
        (WEB, SETTINGS),
        (SETTINGS, ROLE),
        (ROLE, CRD),
        (CRD, SEA),
    ],
)
@given(keys)
def test_what_others_stand_on_is_deleted_last(
    first: ObjectKey, second: ObjectKey, others: list[ObjectKey]
) -> None:
    order = deletion_stages({*others, first, second})

    assert place(order, first) < place(order, second)


def test_a_namespace_and_a_crd_of_the_set_are_waited_for() -> None:
    crd = {"spec": {"group": "example.com", "names": {"kind": "Fish"}}}

    found = needs((SEA, CRD, FISH, ROLE), {CRD: crd}.__getitem__)

    assert found == {FISH: {Fact(SEA, FactKind.ACTIVE), Fact(CRD, FactKind.ESTABLISHED)}}


def test_what_is_not_in_the_set_is_not_waited_for() -> None:
    assert needs((FISH, WEB), {}.__getitem__) == {}


def test_a_webhook_waits_for_ready_endpoints_of_its_service() -> None:
    hook = {"webhooks": [{"clientConfig": {"service": {"namespace": "sea", "name": "x"}}}]}

    found = needs((SERVICE, HOOK), {HOOK: hook}.__getitem__)

    assert found == {HOOK: {Fact(SERVICE, FactKind.SERVING)}}
    assert str(next(iter(found[HOOK]))) == "Service sea/x has ready endpoints"


@pytest.mark.parametrize(
    ("kind", "live", "holds"),
    [
        (FactKind.ACTIVE, None, False),
        (FactKind.ACTIVE, {"status": {"phase": "Active"}}, True),
        (FactKind.ACTIVE, {"status": {"phase": "Terminating"}}, False),
        (
            FactKind.ACTIVE,
            {"metadata": {"deletionTimestamp": "x"}, "status": {"phase": "Active"}},
            False,
        ),
        (FactKind.ESTABLISHED, {}, False),
        (
            FactKind.ESTABLISHED,
            {"status": {"conditions": [{"type": "Established", "status": "True"}]}},
            True,
        ),
        (
            FactKind.AVAILABLE,
            {"status": {"conditions": [{"type": "Available", "status": "False"}]}},
            False,
        ),
        (FactKind.SERVING, {"items": []}, False),
        (FactKind.SERVING, {"items": [{"endpoints": [{}]}]}, True),
        (FactKind.SERVING, {"items": [{"endpoints": [{"conditions": {"ready": False}}]}]}, False),
    ],
)
def test_a_fact_holds_only_when_the_live_object_shows_it(
    kind: FactKind, live: dict[str, Any] | None, holds: bool
) -> None:
    assert fact_holds(Fact(SEA, kind), live) is holds
