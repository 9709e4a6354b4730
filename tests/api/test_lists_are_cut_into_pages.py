"""Lists are narrowed, sorted and paged where they are; what stays is neither missed nor doubled."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from shoal.api.client import Client
from shoal.api.label_selecting import label_selector
from shoal.api.listing import Query, page_of
from shoal.api.lists import LISTS, list_answer
from shoal.engine.views.applications import TargetPhase
from shoal.errors import InvalidQuery
from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import Ref
from shoal.telemetry.masking import Masking
from shoal.testing.controllers import FakeController
from shoal.testing.views import (
    AT,
    application_view,
    cluster_view,
    hold_view,
    source_view,
    target_view,
)

TARGETS = LISTS["targets"]


def clusters_of(page) -> list[str]:
    return [view.cluster for view in page.items]


def test_pages_together_are_the_list_in_any_order():
    views = [
        target_view(f"c{number}", objects=number % 3, synced_at=AT if number % 2 else None)
        for number in range(7)
    ]
    for sort in ("", "objects", "-objects", "synced_at", "-synced_at", "phase"):
        whole = clusters_of(page_of(TARGETS, views, Query(sort=sort), AT))
        found: list[str] = []
        after, remaining = "", 7
        while remaining:
            page = page_of(TARGETS, views, Query(sort=sort, limit=2, after=after), AT)
            found += clusters_of(page)
            after, remaining = page.after, page.remaining

        assert found == whole, sort
        assert sorted(found) == [f"c{number}" for number in range(7)]


@given(
    gone=st.sets(st.integers(0, 9)),
    new=st.sets(st.integers(10, 19)),
    limit=st.integers(1, 9),
    sort=st.sampled_from(["", "-cluster", "objects"]),
)
def test_what_stays_is_neither_missed_nor_doubled(gone, new, limit, sort):
    def views(numbers):
        return [target_view(f"c{number:02}", objects=number % 4) for number in numbers]

    first = page_of(TARGETS, views(range(10)), Query(sort=sort, limit=limit), AT)
    later = [each for each in range(10) if each not in gone] + sorted(new)
    rest = page_of(TARGETS, views(later), Query(sort=sort, after=first.after), AT)

    seen = clusters_of(first) + clusters_of(rest)
    stays = {f"c{each:02}" for each in range(10) if each not in gone}
    assert stays <= set(seen)
    assert len(seen) == len(set(seen))


def test_what_comes_in_no_order_is_put_into_one_before_it_is_cut():
    holds = [
        hold_view(Hold(f"default/{name}", HoldCause.SUSPENDED, "x", "ana", AT)) for name in "cab"
    ]
    listed, ids = LISTS["holds"], sorted(hold.id for hold in holds)

    first = page_of(listed, holds, Query(limit=1), AT)
    second = page_of(listed, holds, Query(limit=5, after=first.after), AT)

    assert [hold.id for hold in (*first.items, *second.items)] == ids


def test_states_are_sorted_from_good_to_bad():
    phases = (TargetPhase.FAILED, TargetPhase.SYNCED, TargetPhase.HELD, TargetPhase.PENDING)
    views = [target_view(phase.lower(), phase=phase) for phase in phases]

    page = page_of(TARGETS, views, Query(sort="-phase"), AT)
    assert clusters_of(page) == ["failed", "held", "pending", "synced"]


@pytest.mark.parametrize(
    "query",
    [
        Query(after="nonsense"),
        Query(after="bm9uZQ"),
        Query(after="WyIiLFtbMCwxXSxbMCwxXSxbMCwxXV1d"),
        Query(after="WyIiLFtdXQ"),
        Query(sort="objects", after="WyIiLFtbMCwiYSJdXV0"),
        Query(sort="nothing"),
        Query(sort="problems"),
        Query(labels="a=b=c"),
        Query(labels="in (a)"),
    ],
)
def test_what_cannot_be_understood_is_refused(query):
    with pytest.raises(InvalidQuery):
        page_of(TARGETS, [target_view()], query, AT)


async def test_no_target_is_shown_to_tell_which_applications_are_on_a_cluster():
    looks = []

    class Counting(FakeController):
        async def look(self, path, is_meant):
            looks.append(path)
            return await super().look(path, is_meant)

    controller = Counting(application_list=[application_view()], target_list=[target_view("dev")])

    async def names(**query: str) -> list[str]:
        answer = await list_answer("applications", controller, QueryParams(query), Masking())
        return [each["name"] for each in orjson.loads(answer)["items"]]

    assert await names(phase="Synced") == await names(cluster="d*") == ["web"]
    assert await names(cluster="prod") == []
    assert looks == ["applications"] * 3


async def test_what_is_asked_for_by_name_is_all_that_is_looked_at():
    asked = {}

    class Noting(FakeController):
        async def look(self, path, is_meant):
            asked[path] = [name for name in ("web", "api") if is_meant(Ref("default", name))]
            return await super().look(path, is_meant)

    controller = Noting(target_list=[target_view(), target_view(application="api")])
    for path, query in (
        ("targets", "application=web"),
        ("applications", "name=web"),
        ("holds", ""),
    ):
        await list_answer(path, controller, QueryParams(query), Masking())

    assert asked == {"targets": ["web"], "applications": ["web"], "holds": ["web", "api"]}


@pytest.mark.parametrize(
    ("path", "query"),
    [("sources", Query(clusters=["dev"])), ("sources", Query(labels="a=b"))],
)
def test_what_a_kind_does_not_have_is_said(path, query):
    with pytest.raises(InvalidQuery, match=r"sources (are on no cluster|have no labels)"):
        page_of(LISTS[path], [source_view()], query, AT)


@pytest.mark.parametrize(
    ("text", "is_selected"),
    [
        ("env=prod", True),
        ("env==prod,gpu", True),
        ("env!=prod", False),
        ("tier!=db", True),
        ("env in (dev, prod)", True),
        ("env notin (dev,prod)", False),
        ("tier notin (db)", True),
        ("!env", False),
        ("! canary", True),
        ("shoal.dev/x=1", True),
        ("gpu=", True),
    ],
)
def test_labels_are_selected_as_kubectl_does(text, is_selected):
    labels = {"env": "prod", "gpu": "", "shoal.dev/x": "1"}

    assert label_selector(text)(labels) is is_selected


def test_the_api_hands_out_pages(shoal_controller):
    shoal_controller.cluster_list = [cluster_view(f"c{number}") for number in range(5)]
    with Client(shoal_controller.state) as client:
        first = client.get("clusters", limit=2, sort="-name")
        mark = first["metadata"]["continue"]
        second = client.get("clusters", sort="-name", **{"continue": mark})

    assert [one["name"] for one in first["items"]] == ["c4", "c3"]
    assert first["metadata"]["remainingItemCount"] == 3
    assert [one["name"] for one in second["items"]] == ["c2", "c1", "c0"]
    assert "metadata" not in second


def test_every_kind_knows_the_clusters_of_its_items(shoal_controller):
    shoal_controller.application_list = [application_view("web"), application_view("api")]
    shoal_controller.target_list = [target_view("dev", "web"), target_view("prod", "api")]
    shoal_controller.held = [
        Hold("default/web@dev", HoldCause.SUSPENDED, "x", "ana", AT),
        Hold("default/web", HoldCause.SUSPENDED, "x", "ana", AT + timedelta(1)),
    ]
    with Client(shoal_controller.state) as client:
        assert [one["name"] for one in client.items("applications", cluster="d*")] == ["web"]
        assert [one["cluster"] for one in client.items("targets", cluster=["p*", "x"])] == ["prod"]
        assert len(client.items("holds", cluster="dev")) == 1
        assert len(client.items("holds", namespace="default")) == 2


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("clusters", {"namespace": "default"}),
        ("clusters", {"limit": "many"}),
        ("records", {"phase": "Synced"}),
        ("records", {"limit": "x"}),
        ("records", {"continue": "x"}),
        ("targets", {"where": "nothing=1"}),
    ],
)
def test_a_wrong_question_is_refused_with_words(shoal_controller, path, query):
    shoal_controller.target_list = [target_view()]
    with Client(shoal_controller.state) as client, pytest.raises(InvalidQuery):
        client.items(path, **query)
