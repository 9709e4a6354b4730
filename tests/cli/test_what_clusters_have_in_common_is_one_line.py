"""`shoal status` tells what many clusters have in common once, with how many say something else."""

from __future__ import annotations

from typing import Any

import pytest

from shoal.engine.views.applications import ObjectProblem, TargetPhase
from shoal.model.holds import Hold, HoldCause
from shoal.testing.views import AT, cluster_view, target_view

NAMES = ["c1", "c2", "c3", "c4"]


@pytest.fixture
def controller(shoal_controller):
    return shoal_controller


def needs(out: str) -> list[str]:
    """The lines below `needs you`."""
    return [line.strip() for line in out.partition("needs you\n")[2].splitlines()]


def test_the_same_failure_on_many_clusters(controller, shoal):
    failed: dict[str, Any] = {"phase": TargetPhase.FAILED, "next_step": "commit another one"}
    controller.target_list = [
        *(target_view(name, **failed, message=f"{name} refused it") for name in NAMES),
        target_view("c5", "api", **failed, message="a quota"),
    ]

    ended = shoal("status")

    assert ended.code == 1
    assert needs(ended.out) == [
        "✖ Failed  default/web on 4 clusters: c1, c2, c3, c4: c1 refused it",
        "next: commit another one",
        "✖ Failed  default/api@c5: a quota",
        "next: commit another one",
    ]


def test_what_most_of_them_say_and_how_many_say_something_else(controller, shoal):
    def ill(name: str, reason: str) -> Any:
        return target_view(name, health="Degraded", message=reason)

    controller.target_list = [
        ill("c1", "a quota"),
        *(
            ill(name, f"container app of pod web-{name}: OOMKilled (for 3 min)")
            for name in NAMES[1:]
        ),
    ]

    assert needs(shoal("status").out) == [
        "✖ Degraded  default/web on 4 clusters: c1, c2, c3, c4: container app of pod web-c2: "
        "OOMKilled (for 3 min) (and another reason)",
        "next: shoal describe app default/web",
    ]


def test_what_is_blocked_is_no_failure_of_others(controller, shoal):
    problem = ObjectProblem("Deployment.apps a/web", "Blocked", "ImagePullBackOff")
    controller.target_list = [
        target_view("c1", phase=TargetPhase.FAILED, message="a quota"),
        *(target_view(name, blocked=1, problems=[problem]) for name in NAMES[1:]),
    ]

    assert needs(shoal("status").out)[::2] == [
        "✖ Failed  default/web@c1: a quota",
        "✖ Blocked  default/web on 3 clusters: c2, c3, c4: Deployment.apps a/web: ImagePullBackOff",
    ]


def test_clusters_that_are_silent_for_the_same_reason(controller, shoal):
    def away(name: str, reason: str) -> Any:
        message = f"{name}: {reason}"
        return cluster_view(name, reachable="False", reason=reason, message=message)

    controller.cluster_list = [
        *(away(name, "ClusterUnreachable") for name in NAMES),
        away("c5", "PluginFailed"),
    ]

    assert needs(shoal("status").out) == [
        "◌ Unknown  4 clusters: c1, c2, c3, c4: c1: ClusterUnreachable",
        "next: shoal get clusters",
        "◌ Unknown  cluster c5: c5: PluginFailed",
    ]


def test_what_waits_for_another_application_waits_for_no_person(controller, shoal):
    controller.held = [
        Hold(f"default/web@{name}", HoldCause.DEPENDENCY, "default/db is not there", "shoal", AT)
        for name in NAMES
    ]

    ended = shoal("status")

    assert ended.code == 0
    assert "nothing needs you" in ended.out
