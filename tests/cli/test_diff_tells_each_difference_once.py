"""`shoal diff`: one difference under the names of all its clusters, and an exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shoal.cli.differences import patch_lines, place
from shoal.engine.views.changes import Difference, MissingFiles
from shoal.engine.views.clusters import SilentCluster
from shoal.errors import SourceUnavailable
from shoal.testing.views import application_view, diff_view

CLUSTERS = [f"dev-{number}" for number in range(1, 39)]
IMAGE = "/spec/template/spec/containers/0/image"
PATCH = [
    {"op": "test", "path": IMAGE, "value": "web:1"},
    {"op": "replace", "path": IMAGE, "value": "web:2"},
]


def changed(**changes: Any) -> Difference:
    deployment = {"object": "Deployment.apps shop/web", "action": "update", "clusters": CLUSTERS}
    return Difference(**{**deployment, "cause": "changed in Git", "patch": PATCH, **changes})


@pytest.fixture
def controller(shoal_controller):
    shoal_controller.application_list = [application_view()]
    return shoal_controller


def test_thirty_eight_clusters_are_one_difference(controller, shoal):
    controller.diffs = [diff_view(clusters=38, answered=38, differences=[changed()])]

    ended = shoal("diff", "web")

    assert ended.code == 1
    assert ended.out.splitlines() == [
        "default/web at 01234567: 1 difference on 38 clusters",
        "~ update Deployment.apps shop/web on 38 clusters: dev-1, dev-2, dev-3, dev-4, dev-5 "
        "and 33 more",
        "    changed in Git",
        "    - spec.template.spec.containers[0].image: web:1",
        "    + spec.template.spec.containers[0].image: web:2",
    ]


def test_nothing_to_tell_is_exit_code_0(controller, shoal):
    ended = shoal("diff", "web")

    assert (ended.code, ended.out) == (0, "default/web at 01234567: no difference on 1 cluster\n")


def test_creations_deletions_and_refusals_are_shown(controller, shoal):
    body = {"kind": "ConfigMap", "metadata": {"name": "new"}}
    created = changed(
        object="ConfigMap shop/new",
        action="create",
        cause="not there yet",
        patch=[{"op": "add", "path": "", "value": body}],
        unverified=True,
    )
    gone = changed(object="ConfigMap shop/old", action="delete", cause="removed from Git", patch=())
    refused = changed(
        action="refuse", reason="InvalidObject", cause="no replicas", next_step="add them", patch=()
    )
    controller.diffs = [diff_view(differences=[created, gone, refused])]

    out = shoal("diff", "web").out

    assert "+ create ConfigMap shop/new" in out
    assert "not there yet (not tried out: what it needs is not there yet" in out
    assert "    + kind: ConfigMap\n    + metadata:\n    +   name: new\n" in out
    assert "- delete ConfigMap shop/old" in out
    assert "! refuse Deployment.apps shop/web" in out
    assert "    InvalidObject: no replicas\n    next: add them\n" in out


def test_clusters_without_an_answer_are_counted_and_the_exit_code_is_6(controller, shoal):
    silent = [
        SilentCluster(name, "ClusterUnreachable", f"cluster {name} gave no answer", "")
        for name in ("a", "b")
    ]
    controller.diffs = [diff_view(clusters=3, answered=1, unanswered=silent)]

    ended = shoal("diff", "web")

    assert ended.code == 6
    assert "1/3 clusters answered; no answer from:\n  a, b: cluster a gave no answer" in ended.err


def test_a_difference_beats_a_missing_answer(controller, shoal):
    silent = [SilentCluster("a", "ClusterUnreachable", "away", "")]
    controller.diffs = [diff_view(differences=[changed()], unanswered=silent)]

    assert shoal("diff", "web").code == 1


def test_what_could_not_be_made_for_a_cluster_is_exit_code_3(controller, shoal):
    failed = [SilentCluster("a", "OverrideFailed", "patches[0] fits no object", "correct it")]
    controller.diffs = [diff_view(differences=[changed()], failed=failed)]

    ended = shoal("diff", "web")

    assert ended.code == 3
    assert "error: default/web on a: patches[0] fits no object\n  next: correct it" in ended.err
    assert "update Deployment" in ended.out


def test_one_application_that_cannot_be_read_hides_no_other(controller, shoal):
    controller.application_list.append(application_view("api"))
    controller.failing = SourceUnavailable("the forge is away")

    ended = shoal("diff")

    assert (ended.code, ended.err.count("the forge is away")) == (6, 2)


def test_what_is_asked_for_reaches_the_controller(controller, shoal):
    shoal("diff", "web", "-c", "dev", "-c", "prod", "--rev", "topic", "--timeout", "90s")

    (call,) = controller.calls
    asked = call[2]["request"]
    assert (asked.clusters, asked.revision, asked.seconds) == ({"dev", "prod"}, "topic", 90.0)


def test_a_working_copy_is_sent_as_far_as_it_is_needed(controller, shoal, tmp_path: Path):
    for name in ("web/a.yaml", "base/b.yaml", "other/c.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    controller.diffs = [MissingFiles(["base"]), MissingFiles(["gone"]), diff_view()]

    assert shoal("diff", "web", "--path", str(tmp_path)).code == 0

    sent = [call[2]["request"].files for call in controller.calls]
    assert [files.whole for files in sent] == [["web"], ["base", "web"], ["base", "web"]]
    assert sent[2].absent == ["gone"]
    assert {each.content for each in sent[2].files} == {b"web/a.yaml", b"base/b.yaml"}


def test_a_renderer_that_never_has_enough_is_given_up(controller, shoal, tmp_path: Path):
    (tmp_path / "web").mkdir()
    controller.diffs = [MissingFiles(["x"])]

    ended = shoal("diff", "web", "--path", str(tmp_path))

    assert (ended.code, len(controller.calls)) == (3, 2)
    assert "at last for x" in ended.err


def test_a_folder_that_does_not_stand_for_the_source_is_said(controller, shoal, tmp_path: Path):
    ended = shoal("diff", "web", "--path", str(tmp_path))

    assert (ended.code, controller.calls) == (3, [])
    assert f"there is no folder web in {tmp_path}" in ended.err


def test_a_copy_and_a_revision_exclude_each_other(controller, shoal, tmp_path: Path):
    assert shoal("diff", "web", "--path", str(tmp_path), "--rev", "x").code == 2


def test_a_copy_of_one_source_is_not_compared_with_another(controller, shoal, tmp_path: Path):
    controller.application_list.append(application_view("api", source="default/other"))

    assert shoal("diff", "--path", str(tmp_path)).code == 2


def test_each_line_of_jsonl_says_of_which_application_it_is(controller, shoal):
    controller.diffs = [diff_view(differences=[changed()])]

    (line,) = shoal("diff", "-o", "jsonl").out.splitlines()

    told = json.loads(line)
    assert (told["kind"], told["application"], told["object"]) == (
        "Difference",
        "web",
        "Deployment.apps shop/web",
    )


@pytest.mark.parametrize(
    ("pointer", "written"),
    [
        ("/spec/replicas", "spec.replicas"),
        ("/spec/containers/0/env/-", "spec.containers[0].env[-]"),
        ("/data/app.conf", 'data["app.conf"]'),
        ("/metadata/labels/a.io~1b", 'metadata.labels["a.io/b"]'),
        ("", ""),
    ],
)
def test_places_are_written_as_people_write_them(pointer, written):
    assert place(pointer) == written


def test_texts_of_several_lines_are_compared_line_by_line():
    before, after = "a: 1\nb: 2\nc: 3\n", "a: 1\nb: 4\nc: 3\n"
    patch = [
        {"op": "test", "path": "/data/x", "value": before},
        {"op": "replace", "path": "/data/x", "value": after},
    ]

    assert list(patch_lines(patch, color=False))[2:] == [
        "    a: 1",
        "-   b: 2",
        "+   b: 4",
        "    c: 3",
    ]


def test_a_field_whose_value_is_not_known_is_told_all_the_same():
    patch = [
        {"op": "remove", "path": "/data/a"},
        {"op": "replace", "path": "/data/b", "value": 2},
        {"op": "move", "path": "/data/c", "from": "/data/d"},
    ]

    assert list(patch_lines(patch, color=False)) == [
        "- data.a",
        "~ data.b: 2",
        "~ data.c: move of data.d",
    ]


def test_a_very_long_patch_is_cut_and_says_so():
    patch = [{"op": "add", "path": f"/data/k{number}", "value": "v"} for number in range(100)]

    lines = list(patch_lines(patch, color=False))
    assert lines[-1] == "… and 40 more lines; -o yaml shows all"


def test_what_steers_a_terminal_is_taken_out():
    patch = [{"op": "add", "path": "/data/a\x1b", "value": "x\x1b]0;owned\x07"}]

    assert "\x1b" not in "".join(patch_lines(patch, color=False))


def test_colours_tell_what_comes_from_what_goes(controller, shoal):
    controller.diffs = [diff_view(differences=[changed()])]

    out = shoal("diff", "web", "--color", "always").out
    assert "\x1b[31m- spec" in out
    assert "\x1b[32m+ spec" in out
