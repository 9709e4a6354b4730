"""An object that another application has is no drift of the one that had it before."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.engine.harness import key_of, target_key

from shoal.engine.handing_over import wake_partners
from shoal.engine.state import EngineState
from shoal.model.documents import Cluster, Metadata
from shoal.model.health import Health, HealthState
from shoal.model.plans import Action, Owned, OwnedState, Result, ResultStatus
from shoal.model.sightings import Drift, DriftKind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = key_of()
GIVER, TAKER = target_key("one", "giver"), target_key("one", "taker")


def test_a_drift_seen_before_it_was_taken_over_is_over() -> None:
    """As after a kill between the adoption and its record: the row was still the giver's."""
    state = EngineState(lambda: NOW)
    metadata = Metadata(name="one")
    state.cluster(Cluster.model_construct(metadata=metadata))
    giver = state.target(GIVER)
    giver.drifted[KEY] = Drift(DriftKind.TAKEN, None, manager="application taker")
    giver.drifted_since[KEY] = NOW
    giver.saw_health(KEY, Health(HealthState.MISSING), NOW)
    row = Owned(TAKER, KEY, "uid", "d", "o", b"", OwnedState.CONFIRMED)
    state.inventory("one").put([row])

    wake_partners(state, TAKER, [Result(KEY, Action.ADOPT, ResultStatus.APPLIED, owned=row)])

    assert giver.drifted == {}
    assert giver.drifted_since == {}
    assert giver.worst_health(NOW).state is HealthState.HEALTHY
