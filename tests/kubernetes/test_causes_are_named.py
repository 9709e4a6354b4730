"""Which cause is named, from bodies as controllers, kubelets and schedulers write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal_clusters.kubernetes import explaining


def pod(
    name: str = "web-7d4b9-x2x",
    phase: str = "Pending",
    *,
    ready: bool = False,
    containers: tuple[dict[str, Any], ...] = (),
    init: tuple[dict[str, Any], ...] = (),
    owner: str = "rs-uid",
    **more: Any,
) -> dict[str, Any]:
    conditions = [
        {"type": "PodScheduled", "status": "True"},
        {"type": "Ready", "status": "True" if ready else "False"},
    ]
    return {
        "metadata": {
            "name": name,
            "uid": f"uid of {name}",
            "ownerReferences": [{"uid": owner, "controller": True}],
        },
        "status": {
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": list(containers),
            "initContainerStatuses": list(init),
            **more,
        },
    }


def waiting(why: str, said: str = "", name: str = "app", **last: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": why, **({"message": said} if said else {})}}
    return {"name": name, "state": state, "lastState": {"terminated": last} if last else {}}


def ended(name: str = "app", **how: Any) -> dict[str, Any]:
    return {"name": name, "state": {"terminated": how}}


BACK_OFF = 'Back-off pulling image "registry.example.com/shop:2"'
UNSCHEDULABLE = (
    "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {gpu: true}."
)
NO_NODE = [{"type": "PodScheduled", "status": "False", "message": UNSCHEDULABLE}]

CASES: list[tuple[str, dict[str, Any], str | None]] = [
    (
        "image",
        pod(containers=(waiting("ImagePullBackOff", BACK_OFF),)),
        f"container app of pod web-7d4b9-x2x: ImagePullBackOff: {BACK_OFF}",
    ),
    (
        "crash",
        pod(
            phase="Running",
            containers=(
                {"name": "side", "state": {"running": {}}},
                waiting("CrashLoopBackOff", "back-off 5m0s", exitCode=1, reason="Error"),
            ),
        ),
        "container app of pod web-7d4b9-x2x: CrashLoopBackOff, it ends with exit code 1",
    ),
    (
        "memory",
        pod(containers=(waiting("CrashLoopBackOff", exitCode=137, reason="OOMKilled"),)),
        "container app of pod web-7d4b9-x2x: CrashLoopBackOff, it was killed because it needs more "
        "memory than its limit (OOMKilled)",
    ),
    (
        "config",
        pod(containers=(waiting("CreateContainerConfigError", 'secret "token" not found'),)),
        'container app of pod web-7d4b9-x2x: CreateContainerConfigError: secret "token" not found',
    ),
    (
        "init container",
        pod(init=(waiting("CrashLoopBackOff", exitCode=2, name="migrate"),)),
        "container migrate of pod web-7d4b9-x2x: CrashLoopBackOff, it ends with exit code 2",
    ),
    (
        "ended",
        pod(phase="Failed", containers=(ended(exitCode=3, reason="Error", message="password=x"),)),
        "container app of pod web-7d4b9-x2x: it ends with exit code 3",
    ),
    (
        "evicted",
        pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory."),
        "pod web-7d4b9-x2x failed: The node was low on resource: memory.",
    ),
    (
        "unschedulable",
        pod(conditions=NO_NODE),
        f"pod web-7d4b9-x2x has no node: {UNSCHEDULABLE}",
    ),
    (
        "starting",
        pod(containers=(waiting("ContainerCreating"),)),
        "pod web-7d4b9-x2x has not started yet",
    ),
    ("not ready", pod(phase="Running"), "pod web-7d4b9-x2x runs and is not ready"),
    ("ready", pod(phase="Running", ready=True), None),
    ("done", pod(phase="Succeeded"), None),
]


@pytest.mark.parametrize(
    ("body", "text"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_pod_says_what_keeps_it_from_being_ready(body: dict[str, Any], text: str | None) -> None:
    found = explaining.finding(body)

    assert (found.text if found else None) == text


def test_the_worst_of_several_pods_is_named_with_how_many_are_alike() -> None:
    bad = [pod(f"bad-{at}", containers=(waiting("ErrImagePull", "not found"),)) for at in range(3)]

    found = explaining.worst_of([pod("slow"), *bad, pod("well", "Running", ready=True)])

    assert found is not None
    assert found.text == "container app of pod bad-0: ErrImagePull: not found (and 2 more pods)"
    assert found.is_final
    assert explaining.worst_of([pod("well", "Running", ready=True)]) is None


def test_what_containers_print_is_never_shown() -> None:
    printed = {"exitCode": 1, "message": "panic: password is s3cret"}
    bodies = [
        pod(phase="Failed", containers=(ended(**printed),)),
        pod(containers=(waiting("CrashLoopBackOff", "back-off", **printed),)),
    ]

    found = [explaining.finding(body) for body in bodies]
    assert all(one is not None and "s3cret" not in one.text for one in found)


def replica_set(name: str, revision: str, owner: str = "uid", **status: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "labels": {"pod-template-hash": name},
            "ownerReferences": [{"uid": owner, "controller": True}],
        },
        "status": status,
    }


def test_the_newest_replica_set_of_a_deployment_counts() -> None:
    sets = [replica_set("a", "9"), replica_set("b", "10"), replica_set("c", "11", "another")]

    newest = explaining.newest_replica_set(sets, "uid")

    assert newest is sets[1]
    assert explaining.with_hash("app=web", sets[1]) == "app=web,pod-template-hash=b"
    assert explaining.newest_replica_set([], "uid") is None


def test_quota_and_webhooks_are_named_by_the_replica_set() -> None:
    message = 'pods "web-a" is forbidden: exceeded quota: small, requested: pods=1, used: pods=5'
    condition = {"type": "ReplicaFailure", "status": "True", "message": message}

    assert (
        explaining.replica_failure(replica_set("a", "1", conditions=[condition]))
        == f"no pod can be made: {message}"
    )
    assert explaining.replica_failure(replica_set("a", "1")) == ""


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ({"matchLabels": {"app": "web", "tier": "front"}}, "app=web,tier=front"),
        ({"app": "web"}, "app=web"),
        (
            {
                "matchLabels": {"app": "web"},
                "matchExpressions": [
                    {"key": "track", "operator": "In", "values": ["a", "b"]},
                    {"key": "old", "operator": "DoesNotExist"},
                ],
            },
            "app=web,track in (a,b),!old",
        ),
        (None, ""),
    ],
)
def test_pods_are_listed_by_the_selector_of_their_workload(selector: Any, text: str) -> None:
    assert explaining.pod_selector({"spec": {"selector": selector}}) == text


def test_the_newest_warning_is_told() -> None:
    events = [
        {
            "type": "Warning",
            "reason": "Old",
            "message": "x",
            "lastTimestamp": "2026-01-01T00:00:00Z",
        },
        {
            "type": "Warning",
            "reason": "FailedMount",
            "message": 'MountVolume.SetUp failed: secret "tls" not found',
            "eventTime": "2026-01-02T00:00:00.000000Z",
        },
        {"type": "Normal", "reason": "Pulled", "lastTimestamp": "2026-01-03T00:00:00Z"},
    ]

    assert explaining.newest_warning(events) == (
        'FailedMount: MountVolume.SetUp failed: secret "tls" not found',
        "2026-01-02T00:00:00.000000Z",
    )
    assert explaining.newest_warning([]) == ("", "")


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["phase", "reason", "message"]), odd))
def test_a_pod_with_an_odd_status_is_some_finding(status: dict[str, Any]) -> None:
    found = explaining.finding({"metadata": {"name": "x"}, "status": status})

    assert found is None or found.text
