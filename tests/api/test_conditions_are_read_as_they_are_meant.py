"""`--where`: a small language over the fields that are shown, typed, with errors that help."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shoal.api.fields import fields_of
from shoal.api.where import LONGEST, compiled
from shoal.engine.views.applications import ApplicationView, ObjectProblem, TargetPhase, TargetView
from shoal.errors import InvalidQuery
from shoal.testing.views import AT, application_view, target_view

FIELDS = fields_of(TargetView)
NOW = AT + timedelta(hours=1)
ILL = target_view(
    "eu-1",
    "shop",
    phase=TargetPhase.FAILED,
    health="Degraded",
    drifted=2,
    labels={"region": "eu-west", "shoal.dev/tier": "gold"},
    synced_at=None,
    message="quota (of 3) exceeded",
    problems=[ObjectProblem("Deployment.apps a/web", "Waiting", "ImagePullBackOff")],
)
WELL = target_view("us-1", "web", labels={"region": "us-east"})
BOTH = [ILL, WELL]


def found(text: str) -> list[str]:
    holds = compiled(text, FIELDS, BOTH, what="targets", now=NOW)
    return [each.cluster for each in BOTH if holds(each)]


@pytest.mark.parametrize(
    ("text", "clusters"),
    [
        ("health=degraded", ["eu-1"]),
        ("health==Degraded", ["eu-1"]),
        ("health != degraded", ["us-1"]),
        ("phase=failed and region=~eu-*", ["eu-1"]),
        ("labels.region=us-east", ["us-1"]),
        ("labels.shoal.dev/tier=gold", ["eu-1"]),
        ("region !~ eu-*", ["us-1"]),
        ("cluster=~*-1", ["eu-1", "us-1"]),
        ("application=~'SH*'", ["eu-1"]),
        ("drifted", ["eu-1"]),
        ("not drifted", ["us-1"]),
        ("drifted > 1 or objects>=99", ["eu-1"]),
        ("drifted<=0", ["us-1"]),
        ("since > 10m", ["eu-1", "us-1"]),
        ("since < 10m", []),
        ("synced_at > 10m", ["us-1"]),
        ("synced_at <= 2026-01-02T03:04:05Z", ["us-1"]),
        ("synced_at < 2026-01-02", []),
        ("problems=~*ImagePull*", ["eu-1"]),
        ("problems", ["eu-1"]),
        ("problems != waiting", ["us-1"]),
        ("message='quota (of 3) exceeded'", ["eu-1"]),
        ("cluster=eu-1 or cluster=us-1 and drifted", ["eu-1"]),
        ("(cluster=eu-1 or cluster=us-1) and not (drifted or health=degraded)", ["us-1"]),
        ("region > eu-z", ["us-1"]),
    ],
)
def test_a_condition_finds_what_it_says(text, clusters):
    assert found(text) == clusters


@pytest.mark.parametrize(
    ("text", "message", "step"),
    [
        ("helth=degraded", "targets have no field helth; did you mean health?", "fields are names"),
        ("regoin=eu", "did you mean region?", "labels are region, shoal.dev/tier"),
        ("drifted=many", "drifted is a number, and 'many' is not", "write 3"),
        ("since>yesterday", "since is a time, and 'yesterday' is not", "10m"),
        ("since=10m", "since is never just 10m from now", "< or >"),
        ("problems > 3", "problems is a list, which is neither more nor less", ""),
        ("health=", "a value is missing before its end", "FIELD OP VALUE"),
        ("health=degraded region=eu", "`and` or `or` is missing before 'region'", "OP is one of"),
        ("and", "a field is missing before 'and'", ""),
        ("(health=degraded", "`)` is missing before its end", ""),
        ("health=degraded)", "`and` or `or` is missing before ')'", ""),
        ("", "a field is missing before its end", ""),
        ("health=$~", "cannot read '~'", "quotes"),
        ("not " * 30 + "drifted", "nested too deeply", ""),
        ("x" * (LONGEST + 1), f"at most {LONGEST} characters", ""),
    ],
)
def test_what_cannot_be_read_is_said_with_what_could_be(text, message, step):
    with pytest.raises(InvalidQuery) as caught:
        found(text)

    assert message in caught.value.message
    assert step.removesuffix(" names") in caught.value.next_step


def test_true_and_false_are_words():
    known, items = fields_of(ApplicationView), [application_view(suspended=True)]
    for text, count in (("suspended=true", 1), ("suspended=no", 0), ("suspended", 1)):
        holds = compiled(text, known, items, what="applications", now=NOW)
        assert sum(map(holds, items)) == count
    with pytest.raises(InvalidQuery, match="true or false"):
        compiled("suspended=3", known, items, what="applications", now=NOW)


def test_parts_of_a_mapping_are_fields():
    items = [application_view()]
    holds = compiled(
        "sync.prune=AfterHealthy", fields_of(ApplicationView), items, what="x", now=NOW
    )

    assert holds(items[0])


def test_of_nothing_any_label_may_be_asked_for():
    assert compiled("region=eu", FIELDS, [], what="targets", now=NOW)
