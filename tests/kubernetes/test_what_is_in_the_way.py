"""What keeps an object from getting on for good is told from what passes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from shoal_clusters.kubernetes import explaining
from shoal_clusters.kubernetes.explaining import Cause, is_blocked

MINUTE = 60.0
IMAGE = Cause("container app: ImagePullBackOff", blocks_after=0)
NO_NODE = Cause("it has no node", blocks_after=180)
STARTING = Cause("it has not started yet")
MOUNT, MOUNT_AGAIN = (
    Cause("FailedMount", warned_at="09:00"),
    Cause("FailedMount", warned_at="09:02"),
)


def after(looks: Sequence[Cause], *, every: float = MINUTE) -> bool:
    """Whether something is in the way after so many looks, the first one half a minute in."""
    before, was_blocked = Cause(), False
    for number, found in enumerate(looks):
        seconds = MINUTE / 2 + number * every
        was_blocked = is_blocked(found, before, was_blocked=was_blocked, seconds=seconds)
        before = found
    return was_blocked


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([IMAGE], False),
        ([IMAGE, IMAGE], True),
        ([IMAGE, STARTING, IMAGE], False),
        ([IMAGE, IMAGE, STARTING], True),
        ([IMAGE, IMAGE, STARTING, STARTING], False),
        ([IMAGE, IMAGE, Cause(), Cause()], False),
        ([NO_NODE, NO_NODE], False),
        ([NO_NODE, NO_NODE, NO_NODE, NO_NODE], True),
        ([MOUNT, MOUNT], False),
        ([MOUNT, MOUNT_AGAIN], True),
        ([MOUNT, MOUNT_AGAIN, MOUNT_AGAIN], True),
        ([MOUNT, MOUNT_AGAIN, STARTING, STARTING], False),
        ([IMAGE, IMAGE, MOUNT], False),
    ],
)
def test_two_looks_that_agree_decide(looks: list[Cause], expected: bool) -> None:
    assert after(looks) is expected


def pod(state: dict[str, Any], *, last: dict[str, Any] | None = None) -> dict[str, Any]:
    container = {"name": "app", "state": state, "lastState": {"terminated": last} if last else {}}
    return {
        "metadata": {"name": "web", "uid": "u"},
        "status": {"phase": "Pending", "containerStatuses": [container]},
    }


@pytest.mark.parametrize(
    ("body", "blocks_after"),
    [
        (pod({"waiting": {"reason": "ErrImagePull"}}), 0),
        (pod({"waiting": {"reason": "CreateContainerConfigError"}}), 0),
        (pod({"waiting": {"reason": "CrashLoopBackOff"}}, last={"exitCode": 1}), 0),
        (pod({"terminated": {"exitCode": 1}}), None),
        (pod({"running": {}}, last={"exitCode": 1}), None),
        (pod({"waiting": {"reason": "ContainerCreating"}}), None),
    ],
)
def test_a_container_that_was_started_again_once_is_in_nobodys_way(
    body: dict[str, Any], blocks_after: float | None
) -> None:
    found = explaining.finding(body)

    assert found is not None
    assert found.blocks_after == blocks_after


def test_a_cluster_has_time_to_grow_for_a_pod_without_a_node() -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
    found = explaining.finding({"metadata": {"name": "web"}, "status": {"conditions": [condition]}})

    assert found is not None
    assert found.blocks_after == 3 * MINUTE
