"""Replicas that somebody scales are theirs; replicas that somebody edits are drift."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.compared import Case, drift_of
from tests.kubernetes.samples import deployment, edited_by, fields_of

from shoal_clusters.kubernetes.baselines import decode
from shoal_clusters.kubernetes.comparing import Equal
from shoal_clusters.kubernetes.projecting import REPLICAS, without_path


def scaled_to(case: Case, replicas: int) -> dict[str, Any]:
    live = case.later(
        lost=without_path(fields_of(case.desired), REPLICAS),
        entries=(edited_by("hpa", {"f:spec": {"f:replicas": {}}}, subresource="scale"),),
    )
    live["spec"]["replicas"] = replicas
    return live


def test_replicas_written_through_scale_are_left_alone_and_remembered() -> None:
    case = Case(deployment())

    verdict = case.judged(scaled_to(case, 7))

    assert isinstance(verdict, Equal)
    assert verdict.owned is not None
    baseline = decode(verdict.owned.baseline)
    assert baseline is not None
    assert baseline.is_scaled
    case.owned = verdict.owned
    assert case.judged(scaled_to(case, 9)) == Equal()


def test_an_edit_beside_scaled_replicas_is_still_drift_and_leaves_them_out() -> None:
    case = Case(deployment())
    live = scaled_to(case, 7)
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "web:evil"
    own = live["metadata"]["managedFields"][0]["fieldsV1"]
    del own["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"app"}']["f:image"]

    paths = [operation["path"] for operation in drift_of(case.judged(live)).patch]

    assert set(paths) == {"/spec/template/spec/containers/0/image"}


def test_replicas_that_were_edited_are_drift() -> None:
    case = Case(deployment())
    live = case.later(
        lost=without_path(fields_of(case.desired), REPLICAS),
        entries=(edited_by("kubectl-edit", {"f:spec": {"f:replicas": {}}}),),
    )
    live["spec"]["replicas"] = 7

    assert drift_of(case.judged(live)).manager == "kubectl-edit"
