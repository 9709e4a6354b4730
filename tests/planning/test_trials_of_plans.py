"""When a plan is tried out before it is written, and what a refusal of that forbids."""

from __future__ import annotations

import pytest

from shoal.errors import (
    ForbiddenByCluster,
    InvalidObject,
    MissingNamespace,
    OwnershipConflict,
    ShoalError,
)
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Action, Change, Plan
from shoal.model.policies import FailurePolicy, SyncPolicy, ValidationPolicy
from shoal.planning.validating import Trial, concerns_everyone, stops, to_try, trial_of

TARGET = TargetKey(Ref("shop", "web"), "prod")
CREATE, UPDATE, CORRECT, DELETE = Action.CREATE, Action.UPDATE, Action.CORRECT, Action.DELETE
EVERYTHING_OR_NOTHING = SyncPolicy(failure=FailurePolicy.ALL_OR_NOTHING)
INVALID = InvalidObject("no such field")


def key(name: object) -> ObjectKey:
    return ObjectKey("", "ConfigMap", "shop", str(name))


def plan(*actions: Action, refused: int = 0) -> Plan:
    changes = [Change(key(number), action, "a", "b") for number, action in enumerate(actions)]
    return Plan(
        TARGET, tuple(changes), refused={key(f"refused-{each}"): INVALID for each in range(refused)}
    )


@pytest.mark.parametrize(
    ("actions", "validation", "expected"),
    [
        ((UPDATE, UPDATE), ValidationPolicy.ONCE_PER_VERSION, Trial.ONCE),
        ((UPDATE, CREATE), ValidationPolicy.ONCE_PER_VERSION, Trial.ONCE),
        ((UPDATE, UPDATE), ValidationPolicy.ALWAYS, Trial.HERE),
        ((UPDATE, UPDATE), ValidationPolicy.NEVER, Trial.NOWHERE),
        ((UPDATE,), ValidationPolicy.ALWAYS, Trial.NOWHERE),
        ((UPDATE, CORRECT), ValidationPolicy.ALWAYS, Trial.NOWHERE),
        ((UPDATE, DELETE), ValidationPolicy.ONCE_PER_VERSION, Trial.NOWHERE),
        ((), ValidationPolicy.ALWAYS, Trial.NOWHERE),
    ],
)
def test_an_update_of_more_than_one_object_is_tried_where_the_policy_says(
    actions: tuple[Action, ...], validation: ValidationPolicy, expected: Trial
) -> None:
    policy = SyncPolicy(validation=validation)

    assert trial_of(plan(*actions), policy, is_first=False) is expected


def test_what_is_created_for_the_first_time_is_not_tried() -> None:
    policy = SyncPolicy()

    assert trial_of(plan(CREATE, CREATE), policy, is_first=True) is Trial.NOWHERE
    assert trial_of(plan(CREATE, CREATE), policy, is_first=False) is Trial.ONCE
    assert trial_of(plan(CREATE, UPDATE), policy, is_first=True) is Trial.ONCE


def test_what_was_only_found_is_written_once_and_not_tried() -> None:
    policy, both = SyncPolicy(), plan(UPDATE, CREATE)

    assert trial_of(both, policy, is_first=True, found={key(0)}) is Trial.NOWHERE
    assert trial_of(both, policy, is_first=False, found={key(0)}) is Trial.ONCE
    assert trial_of(plan(UPDATE, UPDATE), policy, is_first=True, found={key(0)}) is Trial.ONCE


@pytest.mark.parametrize("validation", ValidationPolicy)
def test_all_or_nothing_tries_everything_here_the_first_time_too(
    validation: ValidationPolicy,
) -> None:
    policy = EVERYTHING_OR_NOTHING.model_copy(update={"validation": validation})

    assert trial_of(plan(CREATE, CREATE), policy, is_first=True) is Trial.HERE
    assert trial_of(plan(UPDATE, refused=1), policy, is_first=False) is Trial.HERE
    assert trial_of(plan(UPDATE), policy, is_first=False) is Trial.NOWHERE


def test_what_git_changes_is_tried_and_nothing_else() -> None:
    found = to_try(plan(CREATE, Action.ADOPT, UPDATE, CORRECT, Action.RECREATE, DELETE))

    assert found == {key(0), key(1), key(2), key(4)}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (INVALID, True),
        (OwnershipConflict("it is somebody else's"), False),
        (ForbiddenByCluster("the quota is used up"), False),
        (MissingNamespace("there is no such namespace"), False),
    ],
)
def test_only_what_is_asked_for_concerns_every_cluster(error: ShoalError, expected: bool) -> None:
    assert concerns_everyone(error) is expected
    assert stops({key(1): error}, SyncPolicy()) is expected
    assert stops({key(1): error}, EVERYTHING_OR_NOTHING)


def test_nothing_is_stopped_by_no_refusal() -> None:
    assert not stops({}, SyncPolicy())
    assert not stops({}, EVERYTHING_OR_NOTHING)
