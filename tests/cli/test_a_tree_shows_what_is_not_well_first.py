"""`shoal tree`: by kind, what is not well first and why, the rest named or counted."""

from __future__ import annotations

import pytest

from shoal.engine.views.applications import TargetPhase, TreePod, UnwellObject
from shoal.testing.views import application_view, cluster_view, tree_object, tree_view


@pytest.fixture
def controller(shoal_controller):
    shoal_controller.application_list = [application_view()]
    shoal_controller.cluster_list = [cluster_view("dev"), cluster_view("prod")]
    return shoal_controller


def ill(name="default/web", *clusters, **changes):
    places = [UnwellObject(each, TargetPhase.SYNCED, "Degraded", "no pull") for each in clusters]
    told = {"health": "Degraded", "healths": {"Degraded": len(clusters), "Healthy": 1}}
    count = len(clusters) + 1
    phases = {"Synced": count}
    return tree_object(
        object=name, unwell=places, clusters=count, phases=phases, **{**told, **changes}
    )


def config_maps(count):
    return [tree_object(kind="ConfigMap", object=f"a/m{at}", images=()) for at in range(count)]


def test_what_is_not_well_says_where_and_why(controller, shoal):
    controller.tree_value = tree_view(
        ill("default/web", "prod"), *config_maps(2), clusters=2, health="Degraded"
    )

    ended = shoal("tree", "web")

    assert ended.code == 1
    assert ended.out.splitlines() == [
        "default/web on 2 clusters   ✔ Synced ✖ Degraded",
        "├─ Deployment.apps (1)",
        "│  └─ default/web   ✔ Synced ✖ Degraded",
        "│       registry.example.org/web:1.2",
        "│       prod: ✔ Synced ✖ Degraded: no pull",
        "└─ ConfigMap (2)",
        "   ├─ a/m0   ✔ Synced ✔ Healthy   on 1 of 2",
        "   └─ a/m1   ✔ Synced ✔ Healthy   on 1 of 2",
    ]


def test_many_that_are_well_are_counted(controller, shoal):
    controller.tree_value = tree_view(*config_maps(40))

    ended = shoal("tree", "web")

    assert ended.code == 0
    assert ended.out.splitlines()[1:] == [
        "└─ ConfigMap (40)",
        "   └─ 40 objects   ✔ Synced ✔ Healthy",
    ]


def test_many_clusters_of_one_object_are_counted(controller, shoal):
    names = [f"c{number}" for number in range(20)]
    controller.tree_value = tree_view(ill("default/web", *names), clusters=21)

    out = shoal("tree", "web").out

    assert "c2: ✔ Synced ✖ Degraded: no pull" in out
    assert "… and 17 more clusters" in out


def test_a_tree_is_never_endless(controller, shoal):
    controller.tree_value = tree_view(*(ill(f"a/m{at}", "dev") for at in range(400)))

    lines = shoal("tree", "web").out.splitlines()

    assert len(lines) == 301
    assert lines[-1] == "… and 902 more lines: -c narrows it, -o yaml shows all"


def test_clusters_that_do_not_answer_make_it_incomplete(controller, shoal):
    controller.cluster_list = [cluster_view("dev"), cluster_view("prod", reachable="False")]
    controller.tree_value = tree_view(silent=["prod"], clusters=2)

    ended = shoal("tree", "web")

    assert ended.code == 6
    assert "1/2 clusters answered; no answer from prod" in ended.err


def test_an_application_that_is_not_there_is_4(controller, shoal):
    ended = shoal("tree", "wbe")

    assert (ended.code, ended.out) == (4, "")
    assert "did you mean web?" in ended.err


def test_pods_stand_below_their_workload_and_what_could_not_be_seen_is_said(controller, shoal):
    broken = "container web of pod web-6c9f-a: ImagePullBackOff"
    pods = [TreePod("prod", "web-6c9f-a", "ReplicaSet web-6c9f", "Degraded", broken)]
    pods += [TreePod("dev", f"web-0-{at}", "", "Healthy", "") for at in range(10)]
    controller.tree_value = tree_view(
        tree_object(clusters=2, pods=pods),
        clusters=2,
        gaps=["prod: pods may not be listed in shop"],
    )

    ended = shoal("tree", "web", "--pods")

    assert ended.out.splitlines()[3:] == [
        "        registry.example.org/web:1.2",
        f"        prod: Pod web-6c9f-a (ReplicaSet web-6c9f)   ✖ Degraded: {broken}",
        *(f"        dev: Pod web-0-{at}   ✔ Healthy" for at in range(9)),
        "        … and 1 more Pod; -o yaml shows all",
    ]
    assert "warning: prod: pods may not be listed in shop" in ended.err
    assert controller.calls[-1] == ("tree", "default/web", {"with_pods": True})


def test_without_being_asked_for_them_no_cluster_is_asked(controller, shoal):
    shoal("tree", "web")

    assert controller.calls[-1] == ("tree", "default/web", {"with_pods": False})
