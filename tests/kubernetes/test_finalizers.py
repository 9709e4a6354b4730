"""Finalizers in words: whose task they are, since when, and what to do when nobody does it."""

from __future__ import annotations

from typing import Any

import pytest

from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.finalizers import keeper_of, waits_for, way_out

SINCE = "2026-01-02T03:04:05Z"


def leaving(*finalizers: str, kind: str = "ConfigMap", **body: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"name": "a", "deletionTimestamp": SINCE, "finalizers": list(finalizers)},
        **body,
    }


def test_it_says_since_when_and_whose_controller_is_waited_for() -> None:
    assert waits_for(leaving("example.org/hold")) == (
        f"it is being deleted since {SINCE} and waits for its finalizer example.org/hold, "
        "which likely the controller of example.org takes off"
    )


def test_several_are_told_each_with_its_own() -> None:
    told = waits_for(leaving("kubernetes.io/pvc-protection", "foregroundDeletion"))

    assert (
        "kubernetes.io/pvc-protection, which kube-controller-manager, once no Pod uses it" in told
    )
    assert "; its finalizer foregroundDeletion, which the garbage collector" in told


@pytest.mark.parametrize(
    ("finalizer", "keeper"),
    [
        ("finalizers.fluxcd.io", "the Flux controller of its kind"),
        ("external-attacher/disk-csi", "the CSI attacher, once the volume is detached"),
        ("crossplane.example.org", "the controller of crossplane.example.org"),
        ("hold", ""),
    ],
)
def test_a_keeper_is_known_or_guessed_by_the_domain(finalizer: str, keeper: str) -> None:
    assert keeper_of(finalizer) == keeper


def test_what_has_none_is_only_being_deleted() -> None:
    assert waits_for(leaving()) == f"it is being deleted since {SINCE}"
    assert not way_out(leaving(), ObjectKey("", "ConfigMap", "shop", "a"))


def test_the_way_out_names_the_object_as_kubectl_does_and_comes_after_a_look() -> None:
    told = way_out(leaving("example.org/hold"), ObjectKey("apps", "Deployment", "shop", "web"))

    assert told.startswith("see whether that controller runs")
    assert "kubectl patch deployment.apps web -n shop --type=merge" in told


def test_a_namespace_is_looked_into_and_not_patched() -> None:
    body = leaving(kind="Namespace", spec={"finalizers": ["kubernetes"]})

    assert "once all in it is gone" in waits_for(body)
    assert way_out(body, ObjectKey("", "Namespace", "", "a")) == (
        "see what is left in it, and why: kubectl describe namespace a"
    )
