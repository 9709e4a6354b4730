"""Small decisions: how a manifest asks to be applied, who wants an object, and what has ended."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.samples import SHOP, TARGET, config_map, key_of, prepared

from shoal.model.identity import GroupKind, Ref, TargetKey
from shoal_clusters.kubernetes.completing import is_finished, is_run_to_completion
from shoal_clusters.kubernetes.leaving import told
from shoal_clusters.kubernetes.modes import Mode, mode_of
from shoal_clusters.kubernetes.preparing import Prepared
from shoal_clusters.kubernetes.wanting import Wants

KEY = key_of(config_map())
CAFE, BAR = (TargetKey(Ref("default", name), "dev") for name in ("cafe", "bar"))


def asking(said: Any) -> dict[str, Any]:
    return {"metadata": {"annotations": {"shoal.dev/apply": said}}}


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ("IfNotPresent", Mode.IF_NOT_PRESENT),
        ("Replace", Mode.REPLACE),
        ("Recreate", Mode.RECREATE),
        ("JSONPatch", Mode.JSON_PATCH),
        ("Ignore", Mode.IGNORE),
        (None, Mode.APPLY),
    ],
)
def test_a_manifest_says_how_it_is_applied(said: str | None, mode: Mode) -> None:
    assert mode_of(asking(said)) is mode


@pytest.mark.parametrize(
    "body", [{}, {"metadata": None}, {"metadata": {}}, {"metadata": {"annotations": "text"}}]
)
def test_a_manifest_that_says_nothing_is_applied(body: dict[str, Any]) -> None:
    assert mode_of(body) is Mode.APPLY


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("replace", "'replace' is no mode; did you mean Replace?"),
        ("Apply", "'Apply' is no mode; expected one of IfNotPresent, Replace, Recreate, "
        "JSONPatch, Ignore"),
        (1, "'1' is no mode; expected one of IfNotPresent, Replace, Recreate, JSONPatch, Ignore"),
    ],
)  # fmt: skip
def test_a_word_that_is_no_mode_is_refused_with_the_one_that_was_meant(
    said: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=r"^metadata\.annotations\.shoal\.dev/apply: ") as caught:
        mode_of(asking(said))

    assert str(caught.value).endswith(words)


def wants(told_of: dict[TargetKey, Prepared] | None, *unknown: TargetKey) -> Wants:
    found = Wants()
    found.learn(told_of, unknown)
    return found


def test_nobody_can_say_what_is_wanted_before_it_was_told() -> None:
    assert not Wants().are_known
    assert Wants().by(CAFE, KEY) is None
    assert Wants().claimant(KEY, TARGET) is None
    assert wants({}).are_known
    assert not wants(None).are_known


def test_a_target_wants_what_it_brings_even_when_it_could_not_be_prepared() -> None:
    broken = prepared({**config_map(), "data": {"a": 1}})
    ignored = prepared({**config_map(), **_annotated("Ignore")})
    known = wants({CAFE: prepared(config_map()), BAR: broken}, BAR)

    assert known.by(CAFE, KEY) is True
    assert known.by(CAFE, KEY._replace(name="other")) is False
    assert known.by(TARGET, KEY) is False
    assert known.by(BAR, KEY) is None
    assert wants({BAR: broken}).by(BAR, KEY) is True
    assert wants({BAR: ignored}).by(BAR, KEY) is False


def _annotated(mode: str) -> dict[str, Any]:
    metadata = config_map()["metadata"]
    return {"metadata": {**metadata, "annotations": {"shoal.dev/apply": mode}}}


def test_the_first_other_target_that_wants_an_object_claims_it() -> None:
    both = prepared(config_map())

    assert wants({CAFE: both, BAR: both, TARGET: both}).claimant(KEY, TARGET) == BAR
    assert wants({CAFE: both, BAR: both}).claimant(KEY, BAR) == CAFE
    assert wants({TARGET: both}).claimant(KEY, TARGET) is None
    assert TARGET.application == SHOP


JOB, POD = GroupKind("batch", "Job"), GroupKind("", "Pod")
WORKFLOW = GroupKind("argoproj.io", "Workflow")
RUNS = [GroupKind("tekton.dev", kind) for kind in ("PipelineRun", "TaskRun")]


def conditions(name: str, status: str) -> dict[str, Any]:
    return {"status": {"conditions": [None, {"type": "Other"}, {"type": name, "status": status}]}}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JOB, conditions("Complete", "True")),
        (JOB, conditions("Failed", "True")),
        *((POD, {"status": {"phase": phase}}) for phase in ("Succeeded", "Failed")),
        *((WORKFLOW, {"status": {"phase": phase}}) for phase in ("Succeeded", "Failed", "Error")),
        *((kind, conditions("Succeeded", status)) for kind in RUNS for status in ("True", "False")),
    ],
)
def test_what_ran_to_its_end_says_so(kind: GroupKind, body: dict[str, Any]) -> None:
    assert is_run_to_completion(kind)
    assert is_finished(body, kind)
    assert not is_finished(body, GroupKind("example.com", kind.kind))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JOB, {}),
        (JOB, {"status": None}),
        (JOB, {"status": "text"}),
        (JOB, {"status": {"conditions": "text"}}),
        (JOB, conditions("Complete", "False")),
        (JOB, conditions("Suspended", "True")),
        (POD, {"status": {"phase": "Running"}}),
        (POD, {"status": {"phase": "Error"}}),
        (WORKFLOW, {"status": {"phase": "Running"}}),
        *((kind, conditions("Succeeded", "Unknown")) for kind in RUNS),
    ],
)
def test_what_still_runs_has_not_ended(kind: GroupKind, body: dict[str, Any]) -> None:
    assert not is_finished(body, kind)


def test_a_workload_never_ends() -> None:
    assert not is_run_to_completion(GroupKind("apps", "Deployment"))
    assert not is_finished(conditions("Complete", "True"), GroupKind("apps", "Deployment"))


def test_fields_are_said_as_paths() -> None:
    fields = {
        "f:spec": {
            ".": {},
            "f:replicas": {},
            "f:containers": {'k:{"name":"app"}': {".": {}, "f:image": {}}},
            "f:ports": {'k:{"port":80}': {".": {}}},
        }
    }

    assert told(fields) == (
        'spec.containers.[{"name":"app"}].image, spec.ports.[{"port":80}], spec.replicas'
    )
    assert told({}) == ""
