"""`shoal where`: on how many, since when, where not yet and why; and how it waits for the rest."""

from __future__ import annotations

import pytest

from shoal.cli import waiting
from shoal.engine.views.applications import TargetPhase
from shoal.engine.views.whereabouts import LeadTimes
from shoal.planning.arriving import Presence
from shoal.testing.views import cluster_view, where_view, whereabout

REV = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def controller(shoal_controller, monkeypatch):
    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: None)
    shoal_controller.cluster_list = [cluster_view("dev"), cluster_view("prod", reachable="False")]
    return shoal_controller


def late(cluster="prod", phase=TargetPhase.SYNCING, **changes):
    told = {"presence": Presence.NOT_YET, "phase": phase, "message": "quota exceeded"}
    return whereabout(cluster, **{**told, "next_step": "raise it", **changes})


def test_all_have_it_and_it_is_said_how_long_that_took(controller, shoal):
    times = LeadTimes(58.0, 2460.0, None, None)
    controller.wheres = [where_view(times=times, untouched=["default/api"])]

    ended = shoal("where", "0123456")

    assert ended.code == 0
    assert "01234567 «Bump web» by Ana" in ended.out
    assert "on 1 of 1 targets (100 %)" in ended.out
    assert "since the commit: first 58s, p50 41m" in ended.out
    assert "default/api renders alike with and without it" in ended.out
    assert controller.calls[-1][:2] == ("where", "0123456")


def test_not_yet_is_1_and_says_where_and_why(controller, shoal):
    controller.wheres = [where_view(whereabout(), late())]

    ended = shoal("where", "0123456")

    assert ended.code == 1
    assert "on 1 of 2 targets (50 %)" in ended.out
    assert ended.out.rstrip().endswith(
        "default/web@prod: ↻ Syncing\n    quota exceeded\n    next: raise it"
    )


@pytest.mark.parametrize(("share", "code"), [("50%", 0), ("51%", 1), ("all", 1), ("1%", 0)])
def test_a_share_may_be_enough(controller, shoal, share, code):
    controller.wheres = [where_view(whereabout(), late())]

    assert shoal("where", "0123456", "--for", share).code == code


@pytest.mark.parametrize("share", ["most", "0%", "101%", "95", "-1%"])
def test_what_is_no_share_is_a_usage_error(controller, shoal, share):
    assert shoal("where", "0123456", "--for", share).code == 2


def test_a_change_that_touches_nothing_is_everywhere(controller, shoal):
    controller.wheres = [where_view(targets=(), untouched=["default/web"], here=0)]

    ended = shoal("where", "0123456")

    assert ended.code == 0
    assert "it changes nothing anywhere" in ended.out


def test_an_answer_without_a_silent_cluster_is_incomplete(controller, shoal):
    controller.wheres = [where_view(whereabout(), late(), silent=["prod"])]

    enough = shoal("where", "0123456", "--for", "50%")

    assert enough.code == 6
    assert "1/2 clusters answered; no answer from prod" in enough.err
    assert shoal("where", "0123456").code == 1


def test_an_image_is_told_with_what_still_has_it(controller, shoal):
    leaving = late(presence=Presence.LEAVING, images=["web:1"])
    controller.wheres = [where_view(whereabout(), leaving, sort="image", name="web:1")]

    ended = shoal("where", "web:1")

    assert ended.code == 1
    assert "image web:1: on 1 of 2 targets" in ended.out
    assert "there, and to go:\n  default/web@prod: ↻ Syncing web:1" in ended.out


def test_what_nobody_knows_is_4(controller, shoal):
    ended = shoal("where", "abcdef0")

    assert (ended.code, ended.out) == (4, "")
    assert "no source was seen at revision abcdef0" in ended.err


def test_a_wait_goes_on_until_enough_have_it(controller, shoal):
    begun, done = where_view(whereabout(), late()), where_view(whereabout(), whereabout("prod"))
    controller.wheres = [begun, begun, done]

    ended = shoal("where", "0123456", "--wait")

    assert ended.code == 0
    assert len(controller.calls) == 3
    assert "default/web@prod: ↻ Syncing" in ended.err


@pytest.mark.parametrize(("share", "code"), [("all", 1), ("50%", 0)])
def test_a_wait_ends_when_the_rest_takes_a_person(controller, shoal, share, code):
    controller.wheres = [where_view(whereabout(), late(phase=TargetPhase.FAILED))]

    assert shoal("where", "0123456", "--wait", "--for", share).code == code


def test_a_wait_for_what_was_just_pushed_goes_on_until_it_is_seen(controller, shoal, monkeypatch):
    def seen(seconds: float) -> None:
        controller.wheres = [where_view()]

    monkeypatch.setattr(waiting.time, "sleep", seen)

    assert shoal("where", REV, "--wait").code == 0


def test_when_the_time_is_over_it_says_how_far_it_came(controller, shoal, monkeypatch):
    moments = iter(range(1000))
    monkeypatch.setattr(waiting.time, "monotonic", lambda: next(moments))
    unknown = shoal("where", REV, "--wait", "--timeout", "9s")
    controller.wheres = [where_view(whereabout(), late())]
    partly = shoal("where", REV, "--wait", "--timeout", "9s")

    assert (unknown.code, unknown.out) == (7, "")
    assert f"after 9s, no source was seen at {REV}" in unknown.err
    assert partly.code == 7
    assert "after 9s, on 1 of 2 targets (50 %)" in partly.err


def test_a_commit_that_was_never_seen_by_itself_says_what_it_came_with(controller, shoal):
    controller.wheres = [where_view(came_with="89abcdef" * 5)]

    ended = shoal("where", "0123456")

    assert ended.code == 0
    assert "never seen by itself: it came with 89abcdef, and counts as that" in ended.out
