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
    Ownership,
    application_label,
    marked,
    owner_mark,
    owner_named,
    parse_owner_mark,
    selector,
    whose,
)

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
NOBODY = "nobody that its metadata names"
object_names = st.from_regex(r"[a-z0-9.:-]{1,30}", fullmatch=True)


@given(names, names, names, st.sampled_from(["", "apps", "a.example.com"]), object_names)
def test_an_owner_mark_reads_back_as_it_was_written(
    fleet: str, namespace: str, application: str, group: str, name: str
) -> None:
    key = ObjectKey(group, "ClusterRole", "", name) if group else ObjectKey("", "X", "ns", name)
    ref = Ref(namespace, application)

    assert parse_owner_mark(owner_mark(fleet, ref, key)) == OwnerMark(fleet, ref, key)


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "a/b:c/d:e/f", "a/b/c:d/e", "a/b/c:d/e:f", "//:/:/"),
        *("/b/c:d/e:f/g", "a//c:d/e:f/g", "a/b/:d/e:f/g", "a/b/c:d/:f/g", "a/b/c:d/e:f/"),
        *("a/b/c/x:d/e:f/g", "a/b/c:d/e/x:f/g", "a/b/c:d/e:f/g/x", "a/b/c:e:f/g"),
    ],
)
def test_text_that_is_no_owner_mark_is_not_read_as_one(text: str) -> None:
    assert parse_owner_mark(text) is None


@given(names, names)
def test_an_application_label_is_a_label_value(namespace: str, name: str) -> None:
    assert len(application_label(Ref(namespace * 4, name * 4))) <= 63


def test_an_application_label_is_the_name_as_long_as_it_fits() -> None:
    fits, too_long = Ref("n" * 30, "a" * 32), Ref("n" * 30, "a" * 33)

    assert application_label(fits) == f"{'n' * 30}.{'a' * 32}"
    assert application_label(too_long) == f"{'n' * 30}.{'a' * 23}-e52515d8"
    assert len(application_label(too_long)) == 63


def test_two_long_application_names_get_two_labels() -> None:
    one, two = (application_label(Ref("n" * 60, f"{'a' * 60}{end}")) for end in "xy")

    assert one != two


def test_marks_are_added_to_what_an_object_says_and_the_object_stays_as_it_is() -> None:
    body = config_map()
    body["metadata"] |= {"labels": {"a": "1"}, "annotations": {"b": "2"}}

    marks = marked(body, fleet="ocean", application=Ref("sea", "shop"), key=key_of(body))

    assert marks["metadata"] == {
        "name": "settings",
        "namespace": "default",
        "labels": {"a": "1", "shoal.dev/fleet": "ocean", "shoal.dev/application": "sea.shop"},
        "annotations": {
            "b": "2",
            "shoal.dev/owner": "ocean/sea/shop:/ConfigMap:default/settings",
        },
    }
    assert marks["data"] is body["data"]
    assert body["metadata"]["labels"] == {"a": "1"}
    assert selector("ocean") == "shoal.dev/fleet=ocean"


@pytest.mark.parametrize("metadata", [{}, None, {"labels": None, "annotations": None}])
def test_a_body_without_metadata_is_marked_too(metadata: Any) -> None:
    key = ObjectKey("", "ConfigMap", "default", "x")

    marks = marked({"metadata": metadata}, fleet=FLEET, application=SHOP, key=key)

    assert parse_owner_mark(marks["metadata"]["annotations"][OWNER_ANNOTATION]) == OwnerMark(
        FLEET, SHOP, key
    )
    assert marks["metadata"]["labels"] == {
        "shoal.dev/fleet": FLEET,
        "shoal.dev/application": "default.shop",
    }


@pytest.mark.parametrize("live", [{}, {"metadata": None}, {"metadata": {"annotations": None}}])
def test_what_says_nothing_is_unmarked(live: dict[str, Any]) -> None:
    key = ObjectKey("", "ConfigMap", "default", "x")

    assert whose(live, key, fleet=FLEET) == Ownership(Holder.UNMARKED)
    assert whose(live, key, fleet=FLEET).application is None
    assert owner_named(live, key, fleet=FLEET) == "nobody that its metadata names"


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


@pytest.mark.parametrize("references", [None, [], [{"kind": "Job", "name": "j"}]])
def test_an_object_that_no_controller_owns_may_be_ours(references: Any) -> None:
    live = applied(ours(config_map()))
    live["metadata"]["ownerReferences"] = references

    assert whose(live, key_of(live), fleet=FLEET).holder is Holder.OURS


def test_the_controller_among_several_owners_is_named() -> None:
    owners = [{"kind": "Node", "name": "n"}, {"controller": True}, {"kind": "X", "name": "y"}]
    live = {"metadata": {"ownerReferences": owners}}

    assert owner_named(live, key_of(config_map()), fleet=FLEET) == "its controller ? ?"


@pytest.mark.parametrize(
    "entry",
    [
        edited_by("kubectl-edit", {}),
        {**edited_by("shoal", {}), "subresource": "status"},
        {"manager": "argocd-controller", "operation": "Apply"},
        {},
    ],
)
def test_marks_without_a_write_of_ours_are_unapplied(entry: dict[str, Any]) -> None:
    live = applied(ours(config_map()))
    live["metadata"]["managedFields"] = [entry]

    found = whose(live, key_of(live), fleet=FLEET)

    assert (found.holder, found.application) == (Holder.UNAPPLIED, SHOP)
    named = owner_named(live, key_of(live), fleet=FLEET)
    assert named.endswith(
        "(it has the marks of Shoal application default/shop, copied or from a backup: Shoal did "
        "not write it)"
    )


def test_one_write_of_ours_among_those_of_others_is_enough() -> None:
    live = applied(ours(config_map()), entries=(edited_by("k9s", {}),))

    assert whose(live, key_of(live), fleet=FLEET).holder is Holder.OURS


def test_marks_that_were_copied_name_nobody() -> None:
    live = applied(ours(config_map("one")))
    live["metadata"]["managedFields"] = [{"manager": "k9s"}]

    for fleet in (FLEET, "river"):
        assert owner_named(live, key_of(config_map("two")), fleet=fleet) == "the client k9s"


@pytest.mark.parametrize("entries", [None, []])
def test_a_server_that_keeps_no_managed_fields_cannot_deny_that_we_applied(entries: Any) -> None:
    live = applied(ours(config_map()))
    live["metadata"]["managedFields"] = entries

    assert whose(live, key_of(live), fleet=FLEET).holder is Holder.OURS


def test_another_fleets_object_is_told_apart() -> None:
    live = applied(ours(config_map()))

    assert whose(live, key_of(live), fleet="river").holder is Holder.OTHER_FLEET
    assert owner_named(live, key_of(live), fleet="river") == (
        "Shoal fleet ocean (application default/shop; this is fleet river)"
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
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "a"}}, "Flux Kustomization ?/a"),
        (
            {
                "labels": {
                    "helm.toolkit.fluxcd.io/name": "redis",
                    "helm.toolkit.fluxcd.io/namespace": "db",
                }
            },
            "Flux HelmRelease db/redis",
        ),
        ({"annotations": {"meta.helm.sh/release-name": "redis"}}, "Helm release ?/redis"),
        ({"annotations": {"meta.helm.sh/release-namespace": "db"}, "labels": None}, NOBODY),
        ({"labels": {"olm.owner": "etcd.v1"}}, "OLM etcd.v1"),
        ({"labels": {"olm.managed": "true"}}, "OLM"),
        ({"labels": {"olm.managed": "false"}}, NOBODY),
        (
            {
                "annotations": {"argocd.argoproj.io/tracking-id": "a:/ConfigMap:default/x"},
                "labels": {"argocd.argoproj.io/instance": "b"},
            },
            "Argo CD application a",
        ),
        (
            {
                "managedFields": [
                    {"manager": "kube-controller-manager", "subresource": "status"},
                    {"manager": ""},
                    {"manager": "helm"},
                    {"manager": "helm"},
                ]
            },
            "the client helm",
        ),
        ({"managedFields": None, "labels": None, "annotations": None}, NOBODY),
        (
            {
                "labels": {"app.kubernetes.io/instance": "shop"},
                "managedFields": [{"manager": "k9s"}, {"manager": "argocd-application-controller"}],
            },
            "Argo CD application shop",
        ),
        (
            {
                "labels": {"app.kubernetes.io/instance": "shop"},
                "managedFields": [{"manager": "kubectl-create"}],
            },
            "the client kubectl-create",
        ),
        ({"managedFields": [{"manager": "argocd-controller"}]}, "the client argocd-controller"),
        ({"managedFields": [{"manager": "helm"}, {"manager": "operator"}]}, "the client helm"),
        (
            {"managedFields": [{"manager": "kubectl-create"}, {"manager": "k9s"}]},
            "the client k9s, kubectl-create",
        ),
        ({}, NOBODY),
    ],
)
def test_an_owner_is_named_in_words(metadata: dict[str, Any], owner: str) -> None:
    assert owner_named({"metadata": metadata}, key_of(config_map()), fleet=FLEET) == owner
