"""`shoal wait`: what is so already is not waited for, and what is in the way is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shoal.cli import waiting
from shoal.engine.views.applications import ObjectProblem, TargetPhase
from shoal.testing.views import application_view, cluster_view, fleet_view, target_view

OLD, NEW = "0" * 40, "abcdef0123" * 4


@pytest.fixture
def controller(shoal_controller):
    shoal_controller.application_list = [application_view(), application_view("api")]
    shoal_controller.cluster_list = [cluster_view(), cluster_view("prod")]
    shoal_controller.target_list = [target_view(), target_view("prod")]
    return shoal_controller


@pytest.fixture
def looks(monkeypatch) -> Callable[..., list[float]]:
    """What happens before the second look, the third, and so on; no time passes."""

    def then(*steps: Callable[[], Any]) -> list[float]:
        slept: list[float] = []
        coming = iter(steps)

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            next(coming, lambda: None)()

        monkeypatch.setattr(waiting.time, "sleep", sleep)
        return slept

    return then


def put(controller, *targets, **changes):
    """Another state of the fleet."""

    def happen() -> None:
        controller.target_list = list(targets) or controller.target_list
        if changes:
            controller.application_list = [application_view(**changes)]

    return happen


def test_the_documents_are_waited_for_when_the_controller_has_just_started(
    controller, shoal, looks
):
    known, controller.application_list = controller.application_list, []
    controller.fleet_value = fleet_view(ready="Unknown")

    def read() -> None:
        controller.fleet_value = fleet_view()
        controller.application_list = known

    slept = looks(lambda: None, read)

    ended = shoal("wait", "web", "--timeout", "5s")

    assert (ended.code, len(slept)) == (0, 2), ended.err


def test_what_is_so_already_is_not_waited_for(controller, shoal, looks):
    """argoproj/argo-cd#12211, argoproj/argo-cd#15115: a wait that missed the news went on."""
    slept = looks()

    ended = shoal("wait", "web", "--timeout", "1s")

    assert (ended.code, slept) == (0, [])


def test_it_ends_when_it_has_come_true(controller, shoal, looks):
    controller.target_list = [target_view(phase=TargetPhase.SYNCING, health="Progressing")]
    slept = looks(
        put(controller, target_view(health="Progressing")), put(controller, target_view())
    )

    ended = shoal("wait", "web")

    assert (ended.code, len(slept)) == (0, 2)
    assert "default/web@dev: ↻ Syncing, ↻ Progressing" in ended.err


def test_what_is_in_the_way_is_said_once_and_waited_for(controller, shoal, looks):
    progressing = {"health": "Progressing"}
    blocked = target_view(
        **progressing, blocked=1, message="Deployment.apps a/web: ImagePullBackOff"
    )
    looks(
        put(controller, target_view(**progressing)),
        put(controller, blocked),
        put(controller, blocked),
        put(controller, target_view()),
    )
    controller.target_list = [target_view(**progressing)]

    ended = shoal("wait", "web")

    assert ended.code == 0
    assert ended.err.count("Deployment.apps a/web: ImagePullBackOff") == 1


@pytest.mark.parametrize(
    ("condition", "target", "code"),
    [
        ("synced", target_view(health="Progressing"), 0),
        ("healthy", target_view(phase=TargetPhase.DRIFTED), 0),
        ("drift-free", target_view(health="Degraded"), 0),
        ("drift-free", target_view(drifted=1), 7),
        ("held", target_view(phase=TargetPhase.HELD), 0),
        ("held", target_view(), 7),
        ("phase=Failed", target_view(phase=TargetPhase.FAILED), 0),
        ("phase=Failed", target_view(), 7),
        ("healthy", target_view(health="Degraded"), 7),
    ],
)
def test_each_condition_speaks_of_what_it_names(controller, shoal, condition, target, code):
    controller.target_list = [target]

    assert shoal("wait", "web", "--for", condition, "--timeout", "1s").code == code


def test_all_conditions_must_hold(controller, shoal):
    controller.target_list = [target_view(drifted=1)]

    words = ("wait", "web", "--for", "synced", "--for", "drift-free", "--timeout", "1s")
    ended = shoal(*words)

    assert ended.code == 7
    assert "are not synced and drift-free" in ended.err


@pytest.mark.parametrize("condition", ["sync", "phase=Sincked", "phase=", "revision=", "health=x"])
def test_a_condition_that_is_none_is_a_usage_error(controller, shoal, condition):
    assert shoal("wait", "web", "--for", condition).code == 2


def test_on_timeout_each_object_that_is_in_the_way_is_named(controller, shoal):
    problems = [
        ObjectProblem("Deployment.apps shop/web", "Progressing", "1 of 3 replicas are ready"),
        ObjectProblem("Job.batch shop/seed", "Waiting", "namespace shop is not there"),
    ]
    stuck = target_view("prod", phase=TargetPhase.SYNCING, problems=problems, next_step="look")
    controller.target_list = [target_view(), stuck]

    ended = shoal("wait", "web", "--timeout", "1s")

    assert ended.code == 7
    assert ended.err.splitlines()[-6:] == [
        "default/web is at main@01234567 on 1 cluster",
        "after 1s, 1 of 2 are not synced and healthy:",
        "  default/web@prod: ↻ Syncing, ✔ Healthy",
        "    Deployment.apps shop/web: Progressing: 1 of 3 replicas are ready",
        "    Job.batch shop/seed: Waiting: namespace shop is not there",
        "    next: look",
    ]


@pytest.mark.parametrize("phase", [TargetPhase.FAILED, TargetPhase.HELD, TargetPhase.REMOVING])
def test_what_does_not_come_true_by_itself_ends_the_wait(controller, shoal, looks, phase):
    controller.target_list = [target_view("prod", phase=phase, message="it is broken")]
    slept = looks()

    ended = shoal("wait", "web")

    assert (ended.code, len(slept)) == (1, 1)
    assert "this does not become synced and healthy by itself:" in ended.err
    assert "it is broken" in ended.err


def test_a_failure_of_one_look_is_not_believed(controller, shoal, looks):
    controller.target_list = [target_view(phase=TargetPhase.FAILED)]
    looks(put(controller, target_view()))

    assert shoal("wait", "web").code == 0


def test_an_application_that_cannot_be_rendered_is_not_synced(controller, shoal, looks):
    controller.application_list = [
        application_view(phase=TargetPhase.FAILED, message="web/a.yaml:3: no YAML")
    ]
    looks()

    ended = shoal("wait", "web")

    assert ended.code == 1
    assert "web/a.yaml:3: no YAML" in ended.err


def test_a_failure_of_another_cluster_does_not_count_where_clusters_are_named(controller, shoal):
    controller.application_list = [application_view(phase=TargetPhase.FAILED)]
    controller.target_list = [target_view(), target_view("prod", phase=TargetPhase.FAILED)]

    assert shoal("wait", "web", "-c", "dev").code == 0


def test_an_unknown_application_or_cluster_is_said_at_once(controller, shoal, looks):
    slept = looks()

    assert shoal("wait", "web", "nope").code == 4
    assert shoal("wait", "web", "-c", "prdo").code == 4
    assert slept == []


def test_an_application_without_a_cluster_is_not_synced(controller, shoal):
    controller.target_list = []
    controller.application_list = [application_view(message="its placement selects no cluster")]

    ended = shoal("wait", "web", "--timeout", "1s")

    assert ended.code == 7
    assert "its placement selects no cluster" in ended.err


def test_a_revision_is_there_where_it_was_applied(controller, shoal):
    controller.target_list = [target_view(revision=NEW)]

    assert shoal("wait", "web", "--for", f"revision={NEW}").code == 0
    assert shoal("wait", "web", "--for", f"revision={NEW[:7]}").code == 0
    assert shoal("wait", "web", "--for", f"revision={OLD}", "--timeout", "1s").code == 7


def test_a_revision_is_not_there_while_it_is_still_written(controller, shoal, looks):
    """Until then the health is that of what was there before."""
    controller.target_list = [target_view(revision=NEW, phase=TargetPhase.SYNCING)]
    slept = looks(put(controller, target_view(revision=NEW)))

    ended = shoal("wait", "web", "--for", f"revision={NEW}", "--for", "healthy")

    assert (ended.code, len(slept)) == (0, 1)


def test_a_revision_that_does_not_touch_a_cluster_is_there_once_it_was_decided(controller, shoal):
    controller.application_list = [application_view(revision=NEW)]
    controller.target_list = [target_view(revision=OLD)]

    assert shoal("wait", "web", "--for", f"revision={NEW}").code == 0


def test_a_failure_from_before_a_revision_does_not_end_the_wait_for_it(controller, shoal, looks):
    controller.application_list = [application_view(revision=OLD)]
    failed = target_view(revision=OLD, phase=TargetPhase.FAILED)
    controller.target_list = [failed]
    slept = looks(
        put(controller, failed),
        put(controller, failed),
        put(controller, target_view(revision=NEW), revision=NEW),
    )

    assert (shoal("wait", "web", "--for", f"revision={NEW}").code, len(slept)) == (0, 3)


def test_a_failure_at_that_revision_ends_it(controller, shoal, looks):
    controller.application_list = [application_view(revision=NEW)]
    controller.target_list = [target_view(revision=OLD, phase=TargetPhase.FAILED)]
    looks()

    assert shoal("wait", "web", "--for", f"revision={NEW}").code == 1


def test_a_revision_that_cannot_be_rendered_ends_the_wait_for_it(controller, shoal, looks):
    """Its targets keep what they had, and look as they should."""
    controller.application_list = [
        application_view(
            revision=OLD,
            tried_revision=NEW,
            phase=TargetPhase.FAILED,
            message="web/a.yaml:3: no YAML",
            next_step="write YAML",
        )
    ]
    controller.target_list = [target_view(revision=OLD)]
    slept = looks()

    ended = shoal("wait", "web", "--for", f"revision={NEW}")

    assert (ended.code, len(slept)) == (1, 1)
    assert ended.err.splitlines()[-2:] == [
        "default/web failed at abcdef01: web/a.yaml:3: no YAML",
        "  next: write YAML",
    ]


def test_a_cluster_that_fails_at_a_revision_ends_the_wait_for_it(controller, shoal, looks):
    """One override does not fit: then no revision counts as decided for the application."""
    controller.application_list = [
        application_view(revision=OLD, tried_revision=NEW, phase=TargetPhase.FAILED)
    ]
    controller.target_list = [
        target_view(revision=NEW),
        target_view("prod", revision=OLD, phase=TargetPhase.FAILED, message="it does not fit"),
    ]
    slept = looks()

    ended = shoal("wait", "web", "--for", f"revision={NEW}")

    assert (ended.code, len(slept)) == (1, 1)
    assert "it does not fit" in ended.err


def test_what_was_seen_last_is_printed(controller, shoal):
    out = shoal("wait", "web", "-o", "name").out

    assert out.splitlines() == ["target/default/web@dev", "target/default/web@prod"]
