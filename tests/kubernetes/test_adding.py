"""Adding: which fields are a person's alone, and the patch that takes exactly them away."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kubernetes.samples import applied, deployment, edited_by, fields_of, prepared

from shoal.model.policies import ByHand
from shoal_clusters.kubernetes.adding import additions, removal
from shoal_clusters.kubernetes.takeover import BY_HAND, NOT_BY_HAND, is_by_hand

NOBODY = ByHand()
NAMES = st.sampled_from("abcdef")


def live_with(hand: Any, *, client: str = "kubectl-edit", others: Any = None) -> dict[str, Any]:
    """A live Deployment of ours, with the fields of a person's client and of a controller."""
    body = next(iter(prepared(deployment()).objects.values())).body
    entries = [{**edited_by(client, hand), "apiVersion": "apps/v1"}]
    if others is not None:
        entries.append({**edited_by("acme-controller", others), "apiVersion": "apps/v1"})
    return applied(body, entries=tuple(entries))


def env(*names: str) -> Any:
    items = {f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}, "f:value": {}} for name in names}
    containers = {'k:{"name":"app"}': {"f:env": items}}
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": containers}}}}


def with_env(live: dict[str, Any], *names: str) -> dict[str, Any]:
    container = live["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [*container["env"], *({"name": name, "value": "1"} for name in names)]
    return live


@given(st.sets(NAMES, min_size=1), st.sets(NAMES), st.randoms(use_true_random=False))
def test_exactly_the_items_that_are_a_persons_alone_are_removed(
    theirs: set[str], shared: set[str], random: Any
) -> None:
    order = sorted(theirs | shared)
    random.shuffle(order)
    live = with_env(live_with(env(*theirs), others=env(*shared) if shared else None), *order)
    after = jsonpatch.apply_patch(copy.deepcopy(live), list(removal(additions(live, NOBODY))))

    names = [one["name"] for one in after["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert names == ["TOKEN", *(name for name in order if name in shared or name not in theirs)]


def test_what_is_ours_too_is_no_addition() -> None:
    body = next(iter(prepared(deployment()).objects.values())).body
    assert additions(live_with(fields_of(body)), NOBODY) == ()


def test_what_was_written_in_another_version_of_the_api_is_left_alone() -> None:
    live = with_env(live_with(env("A")), "A")
    live["metadata"]["managedFields"][1]["apiVersion"] = "apps/v1beta1"

    assert additions(live, NOBODY) == ()


def test_a_status_is_left_alone() -> None:
    live = live_with({"f:status": {"f:replicas": {}}})
    live["status"] = {"replicas": 3}

    assert additions(live, NOBODY) == ()


def test_a_whole_is_not_removed_when_a_part_of_it_stays() -> None:
    name = "kubectl.kubernetes.io/restartedAt"
    added = {".": {}, f"f:{name}": {}, "f:other": {}}
    live = live_with({"f:spec": {"f:template": {"f:metadata": {"f:annotations": added}}}})
    live["spec"]["template"]["metadata"]["annotations"] = {name: "now", "other": "1"}

    assert [one.pointer for one in additions(live, NOBODY)] == [
        "/spec/template/metadata/annotations/other"
    ]


@pytest.mark.parametrize("name", ["kubectl-edit", "kubectl", "k9s", "Mozilla", "node-fetch"])
def test_clients_of_people_are_known(name: str) -> None:
    assert is_by_hand(name, NOBODY)


@pytest.mark.parametrize("name", ["kube-controller-manager", "rancher", "kubectl-rollout", ""])
def test_others_are_taken_for_controllers(name: str) -> None:
    assert not is_by_hand(name, NOBODY)


def test_every_client_has_its_reason() -> None:
    assert all([*BY_HAND.values(), *NOT_BY_HAND.values()])
