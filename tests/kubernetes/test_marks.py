"""Marks: whose an object is, and that a copied mark is nobody's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kubernetes.samples import FLEET, SHOP, applied, config_map, edited_by, key_of, ours

from shoal.model.identity import ObjectKey, Ref
from shoal_clusters.kubernetes.marks import (
    OWNER_ANNOTATION,
    Holder,
    OwnerMark,
    application_label,
    owner_mark,
    owner_named,
    parse_owner_mark,
    whose,
)

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
object_names = st.from_regex(r"[a-z0-9.:-]{1,30}", fullmatch=True)


@given(names, names, names, st.sampled_from(["", "apps", "a.example.com"]), object_names)
def test_an_owner_mark_reads_back_as_it_was_written(
    fleet: str, namespace: str, application: str, group: str, name: str
) -> None:
    key = ObjectKey(group, "ClusterRole", "", name) if group else ObjectKey("", "X", "ns", name)
    ref = Ref(namespace, application)

    assert parse_owner_mark(owner_mark(fleet, ref, key)) == OwnerMark(fleet, ref, key)


@pytest.mark.parametrize("text", ["", "a", "a/b:c/d:e/f", "a/b/c:d/e", "a/b/c:d/e:f", "//:/:/"])
def test_text_that_is_no_owner_mark_is_not_read_as_one(text: str) -> None:
    assert parse_owner_mark(text) is None


@given(names, names)
def test_an_application_label_is_a_label_value(namespace: str, name: str) -> None:
    assert len(application_label(Ref(namespace * 4, name * 4))) <= 63


def test_two_long_application_names_get_two_labels() -> None:
    one, two = (application_label(Ref("n" * 60, f"{'a' * 60}{end}")) for end in "xy")

    assert one != two


def test_an_object_that_we_applied_is_ours() -> None:
    body = ours(config_map())

    found = whose(applied(body), key_of(body), fleet=FLEET)

    assert (found.holder, found.application) == (Holder.OURS, SHOP)


def test_marks_copied_to_another_object_are_not_ours() -> None:
    live = applied(ours(config_map("one")))

    assert whose(live, key_of(config_map("two")), fleet=FLEET).holder is Holder.COPIED


def test_an_object_of_a_controller_is_not_ours_whatever_its_marks_say() -> None:
    live = applied(ours(config_map()))
    live["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "j", "controller": True}]

    assert whose(live, key_of(live), fleet=FLEET).holder is Holder.CONTROLLED
    assert (
        owner_named(
            {"metadata": {"ownerReferences": [{"kind": "Job", "name": "j", "controller": True}]}},
            key_of(live),
            fleet=FLEET,
        )
        == "its controller Job j"
    )


def test_marks_without_an_apply_of_ours_are_unapplied() -> None:
    live = applied(ours(config_map()))
    live["metadata"]["managedFields"] = [edited_by("kubectl-edit", {})]

    assert whose(live, key_of(live), fleet=FLEET).holder is Holder.UNAPPLIED


def test_another_fleets_object_is_told_apart() -> None:
    live = applied(ours(config_map()))

    assert whose(live, key_of(live), fleet="river").holder is Holder.OTHER_FLEET
    assert owner_named(live, key_of(live), fleet="river") == (
        "Shoal fleet ocean (application default/shop)"
    )


def test_an_object_with_an_edited_mark_is_unmarked() -> None:
    live = applied(ours(config_map()))
    live["metadata"]["annotations"][OWNER_ANNOTATION] = "nonsense"

    assert whose(live, key_of(live), fleet=FLEET).holder is Holder.UNMARKED


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        (
            {
                "labels": {
                    "kustomize.toolkit.fluxcd.io/name": "apps",
                    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
                }
            },
            "Flux Kustomization flux-system/apps",
        ),
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:default/x"}},
            "Argo CD application shop",
        ),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD application shop"),
        (
            {
                "annotations": {
                    "meta.helm.sh/release-name": "redis",
                    "meta.helm.sh/release-namespace": "db",
                }
            },
            "Helm release db/redis",
        ),
        ({"labels": {"olm.owner": "etcd.v1"}}, "OLM etcd.v1"),
        (
            {"managedFields": [{"manager": "kubectl-create"}, {"manager": "k9s"}]},
            "the client k9s, kubectl-create",
        ),
        ({}, "nobody that its metadata names"),
    ],
)
def test_an_owner_is_named_in_words(metadata: dict[str, Any], owner: str) -> None:
    assert owner_named({"metadata": metadata}, key_of(config_map()), fleet=FLEET) == owner
