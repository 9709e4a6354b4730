"""What an application's own rules say of a live object."""

from __future__ import annotations

from typing import Any

import pytest

from shoal.model.health import Health, HealthState
from shoal.model.health_rules import HealthRule
from shoal.model.identity import ObjectKey
from shoal.model.manifests import Manifest
from shoal.model.plans import Content
from shoal.model.policies import SyncPolicy
from shoal.planning.judging import judge
from shoal.planning.overriding import desired_digest

KEY = ObjectKey("db.example.com", "Database", "shop", "main")
HEALTHY = Health(HealthState.HEALTHY)
PROGRESSING, DEGRADED = HealthState.PROGRESSING, HealthState.DEGRADED
UNKNOWN = HealthState.UNKNOWN


def rule(**parts: Any) -> HealthRule:
    target = {"group": "db.example.com", "kind": "Database"}
    return HealthRule.model_validate(
        {"target": target, "healthy": "object.status.phase == 'Ready'", **parts}
    )


def database(**status: Any) -> dict[str, Any]:
    return {"kind": "Database", "metadata": {"name": "main"}, "status": status}


ALL = rule(
    progressing="object.status.phase == 'Restoring'",
    degraded="object.status.phase in ['Failed', 'Restoring']",
    message="object.status.message",
)
CONDITIONS = [
    {"type": "Synced", "status": "True", "message": "all well"},
    {"type": "Backup", "status": "False", "message": "no bucket"},
]


@pytest.mark.parametrize(
    ("one", "status", "health"),
    [
        (ALL, {"phase": "Ready"}, HEALTHY),
        (ALL, {"phase": "Failed", "message": "disk"}, Health(DEGRADED, "disk")),
        (ALL, {"phase": "Restoring", "message": "2 of 9"}, Health(PROGRESSING, "2 of 9")),
        (ALL, {"phase": "Odd", "message": "hm"}, Health(PROGRESSING, "hm")),
        (
            ALL,
            {"phase": "Odd"},
            Health(PROGRESSING, "spec.health[0] does not call it healthy"),
        ),
        (ALL, {}, Health(PROGRESSING, "spec.health[0].healthy: there is no field phase")),
        (
            rule(),
            {"phase": "Odd", "conditions": CONDITIONS},
            Health(PROGRESSING, "Backup: no bucket"),
        ),
        (
            rule(healthy="object.status.phase"),
            {"phase": "Ready"},
            Health(UNKNOWN, "spec.health[0].healthy: it gives a text, and true or false is needed"),
        ),
        (
            rule(degraded="object.status.phase + 1 == 'x'"),
            {"phase": "Ready"},
            Health(UNKNOWN, "spec.health[0].degraded: Unsupported operation: string + int"),
        ),
        (
            rule(message="object.status.count"),
            {"phase": "Odd", "count": 3},
            Health(PROGRESSING, "spec.health[0].message: it gives a number, and a text is needed"),
        ),
    ],
)
def test_an_object_is_what_the_first_true_expression_says(
    one: HealthRule, status: dict[str, Any], health: Health
) -> None:
    assert judge([one], KEY, database(**status)) == health


@pytest.mark.parametrize(
    ("target", "fits"),
    [
        ({"group": "db.example.com", "kind": "Database"}, True),
        ({"group": "db.example.com", "kind": "Database", "name": "main"}, True),
        ({"group": "db.example.com", "kind": "Database", "namespace": "shop"}, True),
        ({"group": "db.example.com", "kind": "Database", "name": "other"}, False),
        ({"group": "db.example.com", "kind": "Database", "namespace": "other"}, False),
        ({"kind": "Database"}, False),
    ],
)
def test_a_rule_speaks_of_the_objects_that_it_names(target: dict[str, str], fits: bool) -> None:
    judged = judge([rule(target=target)], KEY, database(phase="Ready"))

    assert (judged == HEALTHY) is fits


def test_the_first_rule_that_speaks_of_an_object_counts() -> None:
    named = rule(
        target={"group": "db.example.com", "kind": "Database", "name": "main"}, healthy="false"
    )

    judged = judge([named, rule()], KEY, database(phase="Ready"))

    assert judged is not None
    assert judged.state is PROGRESSING


def test_a_rule_sees_no_value_of_a_secret_and_no_bookkeeping() -> None:
    key = ObjectKey("", "Secret", "shop", "token")
    body = {"metadata": {"name": "token", "managedFields": []}, "data": {"a": "c2VjcmV0"}}
    one = rule(
        target={"kind": "Secret"},
        healthy="!has(object.data) && !has(object.metadata.managedFields)",
    )

    assert judge([one], key, body) == HEALTHY


def test_other_rules_are_another_thing_to_hold_and_no_rules_change_no_digest() -> None:
    content, policy = Content("c", (Manifest({"kind": "A"}, "a"),)), SyncPolicy()

    plain = desired_digest(content, policy)

    assert plain == desired_digest(content, policy, ())
    assert len({plain, *(desired_digest(content, policy, [each]) for each in (rule(), ALL))}) == 3
