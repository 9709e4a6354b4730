"""Comparing: equal, stale, drifted, lost, or somebody else's."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest
from msgspec.structs import replace
from tests.kubernetes.compared import COMPARER, Case, drift_of, edited_colour
from tests.kubernetes.samples import (
    TARGET,
    applied,
    config_map,
    deployment,
    edited_by,
    fields_of,
    prepared,
    secret,
)

from shoal.model.plans import Owned, OwnedState
from shoal.model.sightings import DriftKind
from shoal_clusters.kubernetes.comparing import (
    Drifted,
    Equal,
    NotOurs,
    OwnershipLost,
    Stale,
    Unsure,
)
from shoal_clusters.kubernetes.marks import Holder


@pytest.mark.parametrize("body", [config_map(), deployment(), secret()])
def test_the_object_as_it_was_answered_is_equal(body: dict[str, Any]) -> None:
    case = Case(body)

    assert case.judged(case.live) == Equal()
    assert case.judged(case.later()) == Equal()


def test_a_change_of_status_or_of_foreign_fields_is_no_drift() -> None:
    case = Case(deployment())
    live = case.later(entries=(edited_by("kube", {"f:status": {}}, subresource="status"),))
    live["status"] = {"readyReplicas": 1}
    live["metadata"]["annotations"] = {**live["metadata"]["annotations"], "theirs": "1"}

    assert case.judged(live) == Equal()


def test_an_event_that_is_not_newer_than_our_write_says_nothing() -> None:
    case = Case(config_map())
    live = edited_colour(case)
    live["metadata"]["resourceVersion"] = "9"

    assert case.judged(live) == Stale()
    assert isinstance(case.judged(live, is_event=False), Drifted)


def test_after_a_restore_events_count_from_the_version_that_was_listed() -> None:
    case = Case(config_map())
    listed = case.later()
    listed["metadata"]["resourceVersion"] = "5"

    verdict = case.judged(listed, is_event=False)

    assert isinstance(verdict, Equal)
    assert verdict.owned is not None
    case.owned = verdict.owned
    edited = edited_colour(case)
    edited["metadata"]["resourceVersion"] = "6"
    assert isinstance(case.judged(edited), Drifted)


def test_after_a_restore_what_differs_still_differs_when_it_is_listed_again() -> None:
    """Every watch lists after a restore, some twice before the first drift is corrected."""
    case = Case(config_map())
    listed = edited_colour(case)
    listed["metadata"]["resourceVersion"] = "5"

    first = case.judged(listed, is_event=False)

    assert isinstance(first, Drifted)
    assert first.owned is not None
    case.owned = first.owned
    assert isinstance(case.judged(listed, is_event=False), Drifted)
    assert isinstance(case.judged(listed), Drifted)


def test_an_edit_is_drift_and_names_the_client_the_time_and_the_way_back() -> None:
    case = Case(config_map())

    drift = drift_of(case.judged(edited_colour(case)))

    assert drift.kind is DriftKind.EDITED
    assert drift.owned_digest not in (None, case.owned.owned_digest)
    assert (drift.manager, drift.managed_at.hour) == ("kubectl-edit", 12)
    assert list(drift.patch) == [
        {"op": "test", "path": "/data/colour", "value": "red"},
        {"op": "replace", "path": "/data/colour", "value": "blue"},
    ]


def test_a_normalised_value_is_not_part_of_the_way_back() -> None:
    body = deployment()
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"limits": {"cpu": "1000m"}}
    case = Case(body)
    response = copy.deepcopy(case.live)
    path = response["spec"]["template"]["spec"]["containers"][0]
    path["resources"]["limits"]["cpu"] = "1"
    case.live = response
    case.owned = COMPARER.confirmed(
        TARGET, case.key, response, desired=lambda: case.desired, desired_digest="d"
    )
    fields = fields_of(case.desired)
    item = fields["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"app"}']
    del item["f:image"]
    live = case.later(lost=fields)
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "web:evil"

    assert case.judged(case.later()) == Equal()
    assert list(drift_of(case.judged(live)).patch) == [
        {"op": "test", "path": "/spec/template/spec/containers/0/image", "value": "web:evil"},
        {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:1"},
    ]


def test_a_removed_field_is_drift_by_nobody_that_could_be_named() -> None:
    case = Case(config_map())
    live = edited_colour(case)
    del live["data"]["colour"]
    live["metadata"]["managedFields"].pop()

    drift = drift_of(case.judged(live))

    assert (drift.manager, drift.managed_at) == ("", None)
    assert list(drift.patch) == [{"op": "add", "path": "/data/colour", "value": "blue"}]


def test_an_edit_that_left_our_entry_whole_is_drift_all_the_same() -> None:
    case = Case(config_map())
    live = case.later()
    live["data"]["colour"] = "red"

    assert list(drift_of(case.judged(live)).patch) == [
        {"op": "test", "path": "/data/colour", "value": "red"},
        {"op": "replace", "path": "/data/colour", "value": "blue"},
    ]


def test_a_secrets_values_are_not_shown_in_its_drift() -> None:
    case = Case(secret())
    fields = fields_of(case.desired)
    del fields["f:data"]["f:password"]
    live = case.later(lost=fields)
    live["data"]["password"] = "Y2hhbmdlZA=="

    drift = drift_of(case.judged(live))

    assert list(drift.patch) == [
        {"op": "test", "path": "/data/password", "value": "***"},
        {"op": "replace", "path": "/data/password", "value": "***"},
    ]


def test_a_deleted_object_is_missing() -> None:
    drift = drift_of(Case(config_map()).judged(None))

    assert drift.kind is DriftKind.MISSING
    assert drift.owned_digest is None


def test_values_as_ours_without_the_ownership_are_not_drift() -> None:
    case = Case(config_map())
    live = edited_colour(case, value="blue")

    assert case.judged(live) == OwnershipLost()


def test_cleared_managed_fields_are_lost_ownership() -> None:
    case = Case(config_map())
    live = case.later()
    live["metadata"]["managedFields"] = [edited_by("kubectl", {})]

    assert case.judged(live) == OwnershipLost()


def test_removed_marks_of_an_object_that_is_ours_are_drift() -> None:
    case = Case(config_map())
    live = case.later()
    del live["metadata"]["annotations"]["shoal.dev/owner"]

    assert isinstance(case.judged(live), Drifted)


def test_another_object_of_the_name_is_not_ours_and_its_owner_is_named() -> None:
    case = Case(config_map())
    live = {
        **config_map(),
        "metadata": {
            "name": "settings",
            "uid": "other",
            "resourceVersion": "12",
            "managedFields": [{"manager": "kubectl-create"}],
        },
    }

    assert case.judged(live) == NotOurs(Holder.UNMARKED, "the client kubectl-create", "other")


def test_another_uid_with_our_marks_means_that_the_one_we_know_is_gone() -> None:
    """As after a kill between a create of ours and its record: to correct that confirms it."""
    case = Case(config_map())
    live = case.later()
    live["metadata"]["uid"] = "uid-2"

    assert drift_of(case.judged(live)).kind is DriftKind.MISSING


def test_an_old_event_of_another_uid_says_nothing() -> None:
    case = Case(config_map())
    live = case.later()
    live["metadata"] |= {"uid": "uid-0", "resourceVersion": "9"}

    assert case.judged(live) == Unsure()


def test_an_object_that_came_back_with_an_older_etcd_is_not_the_one_we_know() -> None:
    """It was deleted and made again; the backup is older than that, and so is what is listed."""
    case = Case(config_map())
    live = case.later()
    live["metadata"] |= {"uid": "uid-0", "resourceVersion": "9"}

    assert drift_of(case.judged(live, is_event=False)).kind is DriftKind.MISSING


def test_an_object_handed_to_another_application_is_not_ours() -> None:
    case = Case(config_map())
    live = case.later()
    live["metadata"]["annotations"] = {
        "shoal.dev/owner": "ocean/default/other:/ConfigMap:default/settings"
    }

    found = case.judged(live)

    assert isinstance(found, NotOurs)
    assert found.owner == "Shoal application default/other"


def test_without_a_baseline_nothing_is_claimed() -> None:
    case = Case(config_map())
    case.owned = replace(case.owned, baseline=b"")

    assert case.judged(case.later()) == Unsure()
    assert case.judged(None) == Unsure()
    intended = Owned(TARGET, case.key, "", "", "", b"", OwnedState.INTENDED)
    assert COMPARER.compare(config_map(), intended) == NotOurs(
        Holder.UNMARKED, "nobody that its metadata names", ""
    )


def test_an_object_that_is_going_away_is_not_corrected() -> None:
    case = Case(config_map())
    live = edited_colour(case)
    live["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z"

    assert case.judged(live) == Equal()


def job() -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "migrate", "namespace": "default"},
        "spec": {"template": {"spec": {"restartPolicy": "Never"}}},
    }


def pod() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "once", "namespace": "default"},
        "spec": {"restartPolicy": "Never"},
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (job(), {"conditions": [{"type": "Complete", "status": "True"}]}),
        (job(), {"conditions": [{"type": "Failed", "status": "True"}]}),
        (pod(), {"phase": "Succeeded"}),
        (pod(), {"phase": "Failed"}),
    ],
)
def test_what_ran_to_its_end_may_be_deleted(body: dict[str, Any], status: dict[str, Any]) -> None:
    case = Case(body)
    assert isinstance(case.judged(None), Drifted)

    verdict = case.judged({**case.later(), "status": status})

    assert isinstance(verdict, Equal)
    assert verdict.owned is not None
    case.owned = verdict.owned
    assert case.judged(None) == Equal()


def test_a_server_without_managed_fields_is_compared_by_the_documents_own_paths() -> None:
    ((key, one),) = prepared(config_map()).objects.items()
    live = applied(one.body)
    del live["metadata"]["managedFields"]
    owned = COMPARER.confirmed(TARGET, key, live, desired=lambda: one.body, desired_digest="d")
    later = copy.deepcopy(live)
    later["metadata"]["resourceVersion"] = "11"
    later["status"] = {"x": 1}

    assert COMPARER.compare(later, owned) == Equal()
    later["data"]["colour"] = "red"
    assert isinstance(COMPARER.compare(later, owned), Drifted)


def test_a_row_from_another_installation_key_does_not_match_a_secret() -> None:
    case = Case(secret())

    assert case.owned.owned_digest != Case(config_map()).owned.owned_digest
    assert b"hunter2" not in case.owned.baseline


@pytest.mark.parametrize(
    ("body", "limit"), [(config_map(), 60), (secret(), 60), (deployment(), 120)]
)
def test_a_baseline_is_small(body: dict[str, Any], limit: int) -> None:
    assert len(Case(body).owned.baseline) <= limit


def test_the_way_back_can_be_applied() -> None:
    case = Case(config_map(colour="blue", size="big"))
    live = edited_colour(case)

    patch = drift_of(case.judged(live)).patch

    assert jsonpatch.apply_patch(live, list(patch))["data"] == case.desired["data"]
