"""How a fight over an object ends: it is forgotten, and the hold that told of it is lifted.

A fight begins in `deciding`, where an object is corrected once too often. It is over when a person
says so, when the object is as it should be again, and when it is not of the target any more.
"""

from __future__ import annotations

from shoal.engine.recording import Recording
from shoal.engine.state import EngineState
from shoal.engine.target_state import TargetState, without
from shoal.model.identity import ObjectKey


async def end_fight(recording: Recording, target: TargetState, key: ObjectKey, why: str) -> None:
    """This object is not fought over any more, if it was."""
    hold = target.conflicts.get(key)
    if hold is not None:
        await recording.holds.end(hold, why)
        forget_fight(target, key)


async def end_fights_over_others(
    state: EngineState, recording: Recording, target: TargetState
) -> None:
    """Nobody fights over what is not of this target: it is gone, or somebody else's."""
    inventory = state.inventory(target.key.cluster)
    for key in target.conflicts:
        row = inventory.get(key)
        if row is None or row.target != target.key:
            why = f"it is not an object of application {target.key.application} any more"
            await end_fight(recording, target, key, why)


def forget_fight(target: TargetState, key: ObjectKey) -> None:
    """What was corrected before counts no more."""
    target.conflicts = without(target.conflicts, key)
    target.struggles = without(target.struggles, key)
