"""What an heir takes of managedFields, and what it leaves: pure."""

from __future__ import annotations

from typing import Any

from shoal.model.policies import ByHand
from shoal_clusters.kubernetes.deployers import DEPLOYERS, is_deployer
from shoal_clusters.kubernetes.inheriting import inheritance, without_inherited
from shoal_clusters.kubernetes.takeover import NOT_BY_HAND

NOBODY = ByHand()


def entry(manager: str, fields: Any, operation: str = "Update", **more: Any) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


def live(*entries: Any, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", **metadata, "managedFields": list(entries)},
        "data": {"a": "1", "b": "2", "c": "3"},
    }


def joined(operations: list[Any]) -> list[Any]:
    (found,) = (one["value"] for one in operations if one["path"] == "/metadata/managedFields")
    return list(found)


def data(*names: str) -> dict[str, Any]:
    return {"f:data": {f"f:{name}": {} for name in names}}


def test_the_entries_of_deployers_become_one_apply_of_ours() -> None:
    body = live(entry("helm", data("a")), entry("kubectl-edit", data("b"), time="2026-01-01"))
    (heir,) = joined(inheritance(body, {}, NOBODY))

    assert (heir["manager"], heir["operation"]) == ("shoal", "Apply")
    assert heir["fieldsV1"] == data("a", "b")


def test_what_we_owned_before_is_kept_in_the_same_entry() -> None:
    body = live(entry("shoal", data("c"), "Apply"), entry("helm", data("a")))
    (heir,) = joined(inheritance(body, {}, NOBODY))

    assert heir["fieldsV1"] == data("a", "c")


def test_controllers_subresources_and_other_versions_stay_where_they_are() -> None:
    others = [
        entry("some-operator", data("a")),
        entry("helm", data("b"), subresource="status"),
        entry("helm", data("c"), apiVersion="v1beta1"),
    ]

    assert inheritance(live(*others), {}, NOBODY) == []
    assert joined(inheritance(live(*others, entry("helm", {})), {}, NOBODY))[1:] == others


def test_the_application_says_who_else_is_a_person() -> None:
    body = live(entry("our-console", data("a")))

    assert inheritance(body, {}, NOBODY) == []
    assert joined(inheritance(body, {}, ByHand(also=("our-*",))))[0]["fieldsV1"] == data("a")


def test_who_scales_or_restarts_is_not_inherited_from() -> None:
    assert not any(is_deployer(name, NOBODY) for name in NOT_BY_HAND)
    assert all(DEPLOYERS.values())


def test_marks_of_others_go_and_those_that_git_has_stay() -> None:
    labels = {"kustomize.toolkit.fluxcd.io/name": "shop", "app": "web"}
    annotations = {"meta.helm.sh/release-name": "shop", "argocd.argoproj.io/tracking-id": "x"}
    body = live(labels=labels, annotations=annotations)
    wanted = {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "y"}}}

    assert {one["path"] for one in inheritance(body, wanted, NOBODY)} == {
        "/metadata/labels/kustomize.toolkit.fluxcd.io~1name",
        "/metadata/annotations/meta.helm.sh~1release-name",
    }


def test_an_heir_drops_what_only_the_owner_before_had() -> None:
    body = live(
        entry("shoal", data("a"), "Apply"),
        entry("helm", data("a", "b", "c")),
        entry("some-operator", data("c")),
    )

    assert without_inherited(body, NOBODY)["data"] == {"a": "1", "c": "3"}


def test_a_map_of_which_only_the_map_itself_is_left_to_a_deployer_stays() -> None:
    # What is left of `.` beside its members is written as an empty tree, as a whole value is.
    body = live(entry("shoal", data("a", "b", "c"), "Apply"), entry("helm", {"f:data": {}}))

    assert without_inherited(body, NOBODY) == body


def test_an_heir_drops_items_of_lists_by_their_keys() -> None:
    containers = [{"name": "app", "image": "a"}, {"name": "side", "image": "s"}]
    app, side = 'k:{"name":"app"}', 'k:{"name":"side"}'
    whole = {".": {}, "f:image": {}, "f:name": {}}
    path = lambda items: {"f:spec": {"f:containers": items}}  # noqa: E731  # two words of a table
    body = {
        "apiVersion": "v1",
        "metadata": {
            "managedFields": [
                entry("shoal", path({app: whole}), "Apply"),
                entry("helm", path({app: whole, side: whole})),
            ]
        },
        "spec": {"containers": containers},
    }

    assert without_inherited(body, NOBODY)["spec"]["containers"] == containers[:1]


def promises() -> dict[str, Any]:
    """What a deployer owns beside its data: promises to others, and its own labels."""
    annotations = {"f:shoal.dev/prune": {}, "f:note": {}}
    metadata = {
        "f:finalizers": {".": {}, 'v:"example.test/hold"': {}},
        "f:ownerReferences": {'k:{"uid":"u"}': {}},
        "f:annotations": {".": {}, **annotations},
    }
    return {"f:metadata": metadata, "f:spec": {"f:replicas": {}}, **data("a")}


def test_promises_to_others_are_inherited_by_nobody() -> None:
    (heir,) = joined(inheritance(live(entry("helm", promises())), {}, NOBODY))

    annotations = {".": {}, "f:note": {}}
    assert heir["fieldsV1"] == {"f:metadata": {"f:annotations": annotations}, **data("a")}


def test_an_heir_drops_no_promise_to_others() -> None:
    metadata = {
        "finalizers": ["example.test/hold"],
        "ownerReferences": [{"uid": "u"}],
        "annotations": {"shoal.dev/prune": "Never", "note": "n"},
    }
    body = {**live(entry("helm", promises()), **metadata), "spec": {"replicas": 3}}

    left = without_inherited(body, NOBODY)

    assert left["metadata"]["finalizers"] == ["example.test/hold"]
    assert left["metadata"]["ownerReferences"] == [{"uid": "u"}]
    assert left["metadata"]["annotations"] == {"shoal.dev/prune": "Never"}
    assert left["spec"] == {"replicas": 3}
    assert left["data"] == {"b": "2", "c": "3"}
