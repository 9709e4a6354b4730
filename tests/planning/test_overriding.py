"""What differs on some clusters."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from shoal.errors import OverrideFailed
from shoal.model.digests import Digester, digest_parts, digest_value
from shoal.model.facts import DocumentFacts
from shoal.model.health_rules import HealthRule
from shoal.model.manifests import Manifest
from shoal.model.overrides import Override
from shoal.model.policies import PrunePolicy, SyncPolicy
from shoal.planning.overriding import (
    applicable_indexes,
    content,
    desired_digest,
    override,
    values_of,
)
from shoal.planning.patching import PatchFailed, apply_operation, merge_patch

Make = Callable[..., Manifest]
DIGESTER = Digester(b"key")
NO_OBJECT = "what is left is not an object with metadata"


def overridden(
    manifests: Sequence[Manifest],
    overrides: Sequence[Override],
    *,
    indexes: Sequence[int] | None = None,
    facts: DocumentFacts | None = None,
) -> Sequence[Manifest]:
    chosen = range(len(overrides)) if indexes is None else indexes
    look = (facts or DocumentFacts("prod")).look
    return override(manifests, overrides, indexes=chosen, look=look)


def overriding(*, merge: list[Any] | None = None, patches: list[Any] | None = None) -> Override:
    return Override.model_validate(
        {"clusterSelector": {}, "merge": merge or [], "patches": patches or []}
    )


def patched(*operations: dict[str, Any], **target: Any) -> Override:
    return overriding(patches=[{"target": target, "operations": operations}])


def merged(patch: dict[str, Any], **target: Any) -> Override:
    return overriding(merge=[{"target": target, "patch": patch}])


def test_a_merge_patch_and_a_json_patch_change_what_they_select(manifest: Make) -> None:
    manifests = [manifest("Deployment", "web", replicas=1, paused=True), manifest()]

    result = overridden(
        manifests,
        [
            overriding(
                merge=[
                    {"target": {"kind": "Deployment"}, "patch": {"spec": {"paused": None, "x": 1}}}
                ],
                patches=[
                    {
                        "target": {"group": "apps", "name": "web", "namespace": "shop"},
                        "operations": [{"op": "replace", "path": "/spec/replicas", "value": 3}],
                    }
                ],
            )
        ],
    )

    assert result[0].body["spec"] == {"replicas": 3, "x": 1}
    assert result[1] is manifests[1]
    assert manifests[0].body["spec"] == {"replicas": 1, "paused": True}


def test_overrides_apply_in_order_and_the_later_one_wins(manifest: Make) -> None:
    overrides = [merged({"spec": {"x": 1, "y": 1}}), merged({"spec": {"x": 2}})]

    (result,) = overridden([manifest()], overrides)

    assert result.body["spec"] == {"x": 2, "y": 1}


def test_objects_are_selected_by_their_labels(manifest: Make) -> None:
    manifests = [manifest(name="web"), manifest(name="api")]
    target = {"labelSelector": {"matchLabels": {"app": "api"}}}

    result = overridden(manifests, [overriding(merge=[{"target": target, "patch": {"x": 1}}])])

    assert result[0] is manifests[0]
    assert result[1].body["x"] == 1


def test_overrides_are_for_the_clusters_they_select() -> None:
    every = overriding()
    prod = Override.model_validate({"clusterSelector": {"matchLabels": {"tier": "prod"}}})

    assert applicable_indexes([every, prod], {"tier": "dev"}) == (0,)
    assert applicable_indexes([every, prod], {"tier": "prod"}) == (0, 1)


def test_one_operation_does_not_leak_into_another_object(manifest: Make) -> None:
    shared = patched(
        {"op": "add", "path": "/data", "value": {"a": []}},
        {"op": "add", "path": "/data/a/-", "value": 1},
    )

    result = overridden([manifest(name="web"), manifest(name="api")], [shared])

    assert [each.body["data"] for each in result] == [{"a": [1]}, {"a": [1]}]
    assert shared.patches[0].operations[0].value == {"a": []}


def test_move_and_copy_are_carried_out(manifest: Make) -> None:
    operations = (
        {"op": "copy", "from": "/spec/a", "path": "/spec/b"},
        {"op": "move", "from": "/spec/a", "path": "/spec/c"},
    )

    (result,) = overridden([manifest(a=1)], [patched(*operations)])

    assert result.body["spec"] == {"b": 1, "c": 1}


def test_all_errors_are_told_at_once_and_show_no_value(manifest: Make) -> None:
    overrides = [
        patched({"op": "replace", "path": "/spec/x/y", "value": 1}, kind="Deployment"),
        overriding(
            merge=[
                {"target": {"kind": "Service"}, "patch": {}},
                {"target": {"name": "web"}, "patch": {"metadata": {"name": "other"}}},
            ],
            patches=[
                {
                    "target": {"kind": "Deployment"},
                    "operations": [
                        {"op": "add", "path": "/spec/ok", "value": 1},
                        {"op": "test", "path": "/spec/secret", "value": "hunter3"},
                    ],
                }
            ],
        ),
    ]

    with pytest.raises(OverrideFailed) as caught:
        overridden(
            [manifest("Deployment", "web", secret="hunter2")],
            [overriding(), overrides[0], overriding(), overriding(), overrides[1]],
            indexes=[1, 4],
        )

    assert caught.value.message.split("; ") == [
        "overrides[1].patches[0].operations[0]: Deployment.apps shop/web: "
        "nothing stands at /spec/x/y, the path ends at /spec",
        "overrides[4].merge[0]: no object matches its target (kind Service)",
        "overrides[4].merge[1]: Deployment.apps shop/web: a patch may not change the group, kind, "
        "namespace or name of an object",
        "overrides[4].patches[0].operations[1]: Deployment.apps shop/web: "
        "test: another value stands at /spec/secret",
    ]
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        ({"op": "remove", "path": "/s/x"}, "nothing stands at /s/x, the path ends at /s"),
        ({"op": "remove", "path": "/n/x"}, "nothing stands at /n/x, the path ends at /n"),
        ({"op": "replace", "path": "/l/5", "value": 1}, "nothing stands at /l/5"),
        ({"op": "replace", "path": "/l/-", "value": 1}, "nothing stands at /l/-"),
        ({"op": "replace", "path": "/l/x", "value": 1}, "nothing stands at /l/x"),
        ({"op": "add", "path": "/q/x", "value": 1}, "nothing stands at /q, the path ends at"),
        ({"op": "add", "path": "/l/9", "value": 1}, "add: "),
        ({"op": "add", "path": "/s/x", "value": 1}, "add: "),
        ({"op": "add", "path": "/l/~2", "value": 1}, "add: /l/~2 is not a JSON Pointer"),
        ({"op": "copy", "from": "/q", "path": "/l/0"}, "nothing stands at /q"),
        ({"op": "move", "from": "/l", "path": "/l/0"}, "move: "),
        ({"op": "test", "path": "/one", "value": True}, "test: another value stands at /one"),
        ({"op": "test", "path": "/l", "value": [True]}, "test: another value stands at /l"),
        ({"op": "remove", "path": ""}, "remove: "),
    ],
)
def test_an_operation_that_does_not_fit_says_how_far_its_path_leads(
    operation: dict[str, Any], reason: str
) -> None:
    document = {"s": "hunter2", "n": None, "l": [1], "one": 1}

    with pytest.raises(PatchFailed) as caught:
        apply_operation(document, operation)

    assert caught.value.reason.startswith(reason)
    assert "hunter2" not in caught.value.reason


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # RFC 7386, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_do_what_the_rfc_says(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
SPECS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def _config(name: str, spec: dict[str, Any]) -> Manifest:
    return Manifest(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "spec": spec}, ""
    )


@given(SPECS, SPECS)
@example_settings(max_examples=60)
def test_a_merge_patch_changes_no_input_and_applied_twice_is_applied_once(
    spec: dict[str, Any], patch: dict[str, Any]
) -> None:
    manifests = [_config("web", spec), _config("api", spec)]
    overrides = [merged({"spec": patch}, name="web")]
    before = copy.deepcopy((manifests, overrides))

    once = overridden(manifests, overrides)
    twice = overridden(once, overrides)

    assert (manifests, overrides) == before
    assert once == twice
    assert once[1] is manifests[1]


@given(st.lists(st.tuples(st.sampled_from(["x", "y", "z"]), SPECS), max_size=4), st.randoms())
@example_settings(max_examples=60)
def test_the_digest_of_content_does_not_depend_on_order(
    items: list[tuple[str, dict[str, Any]]], chance: Any
) -> None:
    manifests = [_config(*item) for item in items]
    shuffled = list(manifests)
    chance.shuffle(shuffled)

    assert content(shuffled, DIGESTER) == content(manifests, DIGESTER)


def test_content_and_policy_make_the_digest(manifest: Make) -> None:
    one, two = content([manifest()], DIGESTER), content([manifest(a=1)], DIGESTER)
    policy, never = SyncPolicy(), SyncPolicy(prune=PrunePolicy.NEVER)

    digests = {desired_digest(each, how) for each in (one, two) for how in (policy, never)}

    assert len(digests) == 4


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        ({"op": "replace", "path": "", "value": "text"}, NO_OBJECT),
        ({"op": "replace", "path": "", "value": {"kind": "X"}}, NO_OBJECT),
        ({"op": "remove", "path": "/metadata"}, NO_OBJECT),
        ({"op": "replace", "path": "/metadata", "value": []}, NO_OBJECT),
        (
            {"op": "replace", "path": "/metadata/labels", "value": "text"},
            "/metadata/labels is no longer a mapping",
        ),
    ],
)
def test_what_a_patch_leaves_must_be_an_object(
    manifest: Make, operation: dict[str, Any], reason: str
) -> None:
    with pytest.raises(OverrideFailed) as caught:
        overridden([manifest()], [patched(operation)])

    assert caught.value.message == f"overrides[0].patches[0]: ConfigMap shop/web: {reason}"


@pytest.mark.parametrize("value", [None, {}, {"a": "b"}])
def test_a_patch_may_take_all_labels_away(manifest: Make, value: Any) -> None:
    operation = {"op": "replace", "path": "/metadata/labels", "value": value}

    (result,) = overridden([manifest()], [patched(operation)])

    assert result.body["metadata"]["labels"] == value


def test_a_field_of_the_policy_that_has_its_default_changes_no_digest(manifest: Make) -> None:
    same = content([manifest()], DIGESTER)
    rule = {"target": {"kind": "ConfigMap"}, "healthy": "true"}
    judged = HealthRule.model_validate(rule)

    assert desired_digest(same, SyncPolicy(), [judged]) == (
        digest_parts((same.digest, digest_value({}), digest_value(rule)))
    )
    assert desired_digest(same, SyncPolicy()) == digest_parts((same.digest, digest_value({})))
    assert desired_digest(same, SyncPolicy(prune=PrunePolicy.AFTER_HEALTHY)) == (
        desired_digest(same, SyncPolicy())
    )


def test_the_same_object_twice_is_content_too(manifest: Make) -> None:
    assert len(content([manifest(), manifest()], DIGESTER).manifests) == 2


def test_the_digest_of_a_secret_is_keyed(manifest: Make) -> None:
    secret = [manifest("Secret")]

    assert content(secret, DIGESTER).digest != content(secret, Digester(b"other")).digest
    assert content([manifest()], DIGESTER).digest == content([manifest()], Digester(b"o")).digest


def test_facts_of_the_cluster_stand_where_they_are_referred_to(manifest: Make) -> None:
    facts = DocumentFacts("eu-1", {"topology.kubernetes.io/region": "eu"}, {"zones": ["a", "b"]})
    patch = {
        "where": "${cluster.labels.topology.kubernetes.io/region}-${cluster.name}",
        "zones": "${cluster.values.zones}",
        "other": "${NOT_OURS} $${cluster.name}",
    }

    (result,) = overridden([manifest()], [merged({"spec": patch})], facts=facts)

    assert result.body["spec"] == {
        "where": "eu-eu-1",
        "zones": ["a", "b"],
        "other": "${NOT_OURS} ${cluster.name}",
    }


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("labels.regoin", r"cluster eu-1 has no label regoin, did you mean region\?"),
        ("values.a.c", r"cluster eu-1 has no spec\.values\.a\.c, there is b"),
    ],
)
def test_a_missing_fact_is_named_with_its_place(
    manifest: Make, reference: str, reason: str
) -> None:
    facts = DocumentFacts("eu-1", {"region": "eu"}, {"a": {"b": 1}})
    operation = {"op": "add", "path": "/spec/x", "value": f"${{cluster.{reference}}}"}

    with pytest.raises(OverrideFailed, match=rf"patches\[0\]\.operations\[0\].*{reason}"):
        overridden([manifest()], [patched(operation)], facts=facts)


def test_values_of_overrides_are_merged_in_order(manifest: Make) -> None:
    first = Override.model_validate(
        {"clusterSelector": {}, "values": {"a": {"x": 1, "y": 1}, "l": [1, 2], "n": 1}}
    )
    second = Override.model_validate(
        {"clusterSelector": {}, "values": {"a": {"y": "${cluster.name}"}, "l": [3], "n": None}}
    )

    values = values_of([first, second], (0, 1), DocumentFacts("eu-1").look)

    assert values == {"a": {"x": 1, "y": "eu-1"}, "l": [3], "n": None}
