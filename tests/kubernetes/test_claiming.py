"""What is believed to stand where an object is about to be written."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.kubernetes.samples import (
    FLEET,
    SHOP,
    TARGET,
    applied,
    config_map,
    deployment,
    edited_by,
    key_of,
    ours,
)

from shoal.model.identity import Ref, TargetKey
from shoal.model.plans import Owned, OwnedState
from shoal.model.sightings import Drift, DriftKind
from shoal_clusters.kubernetes.baselines import Baseline, encode
from shoal_clusters.kubernetes.claiming import Believed, believed, found, unclaimed
from shoal_clusters.kubernetes.register import Register, Unclaimed

KEY = key_of(config_map())
CAFE = TargetKey(Ref("default", "cafe"), "dev")
WRITTEN = Owned(
    TARGET,
    KEY,
    "uid-1",
    "desired",
    "owned",
    encode(Baseline(resource_version="7", fields=b"{}")),
    OwnedState.CONFIRMED,
)
SEEN = Unclaimed("uid-2", "9", SHOP, is_scaled=True)


def register(row: Owned | None = None, seen: Unclaimed | None = None) -> Register:
    known = Register({KEY: row} if row else {})
    if seen:
        known.unclaimed[KEY] = seen
    return known


def test_a_row_of_the_target_is_believed() -> None:
    assert believed(register(WRITTEN, SEEN), KEY, TARGET) == Believed("uid-1", ("7", "7"), False)


def test_the_version_that_was_seen_last_is_believed_as_well() -> None:
    known = register(WRITTEN)
    known.saw(KEY, "8")

    assert believed(known, KEY, TARGET) == Believed("uid-1", ("8", "7"), False)


def test_a_row_without_a_baseline_names_no_version() -> None:
    row = msgspec.structs.replace(WRITTEN, baseline=b"")

    assert believed(register(row), KEY, TARGET) == Believed("uid-1", (), False)


def test_replicas_that_another_writes_are_not_sent_to_an_object_that_is_there() -> None:
    scaled = encode(Baseline(resource_version="7", fields=b"{}", is_scaled=True))
    known = register(msgspec.structs.replace(WRITTEN, baseline=scaled))

    assert believed(known, KEY, TARGET).is_scaled
    known.drifted[KEY] = Drift(DriftKind.MISSING, None)
    assert believed(known, KEY, TARGET) == Believed()


def test_an_object_that_was_deleted_is_believed_gone_and_an_edited_one_there() -> None:
    known = register(WRITTEN)

    known.drifted[KEY] = Drift(DriftKind.MISSING, None)
    assert believed(known, KEY, TARGET) == Believed()

    known.drifted[KEY] = Drift(DriftKind.EDITED, "x")
    assert believed(known, KEY, TARGET).uid == "uid-1"


@pytest.mark.parametrize("row", [None, msgspec.structs.replace(WRITTEN, uid="")])
def test_without_a_row_what_was_seen_unclaimed_is_believed(row: Owned | None) -> None:
    assert believed(register(row, SEEN), KEY, TARGET) == Believed("uid-2", ("9",), True)
    assert believed(register(row), KEY, TARGET) == Believed()


def test_what_is_another_applications_is_not_believed() -> None:
    row = msgspec.structs.replace(WRITTEN, target=CAFE)
    seen = SEEN._replace(application=CAFE.application)

    assert believed(register(row), KEY, TARGET) == Believed()
    assert believed(register(seen=seen), KEY, TARGET) == Believed()
    assert believed(register(row, SEEN), KEY, TARGET).uid == "uid-2"


def test_the_answer_to_a_get_is_believed() -> None:
    live = applied(ours(deployment()), uid="uid-3", version=11)
    scaling = edited_by("hpa", {"f:spec": {"f:replicas": {}}}, subresource="scale")

    assert found(live) == Believed("uid-3", ("11",), False)
    assert found(applied(ours(deployment()), entries=(scaling,))).is_scaled


def test_an_object_with_our_marks_and_our_apply_may_be_claimed() -> None:
    live = applied(ours(config_map()), uid="uid-3", version=11)

    assert unclaimed(live, KEY, FLEET) == Unclaimed("uid-3", "11", SHOP, is_scaled=False)


@pytest.mark.parametrize(
    "live",
    [
        applied(config_map()),
        {**applied(ours(config_map())), "metadata": {"uid": "x", "resourceVersion": "1"}},
        applied(ours(config_map("other"))),
    ],
)
def test_an_object_whose_marks_do_not_allow_it_is_not_claimed(live: dict[str, Any]) -> None:
    assert unclaimed(live, KEY, FLEET) is None
    assert unclaimed(applied(ours(config_map())), KEY, "river") is None
