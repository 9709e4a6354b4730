"""An engine whose ledger an Alert follows, and troubles that begin and end there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.engine.harness import EngineUnderTest, config_map, key_of, make_engine

from shoal.errors import ServerBusy

MINUTE = 60.0


def watched(folder: Path, *names: str, **spec: Any) -> EngineUnderTest:
    """An engine with one Alert that says no more than where to."""
    engine = make_engine(folder, *names)
    engine.source.commit(shop__settings=config_map(color="blue"))
    engine.declare_alert(**spec)
    return engine


def refuse(engine: EngineUnderTest, *names: str) -> None:
    for name in names or engine.clusters:
        engine.clusters[name].refusals[key_of()] = ServerBusy("its name is not known")


def allow(engine: EngineUnderTest, *names: str) -> None:
    for name in names or engine.clusters:
        engine.clusters[name].refusals.clear()
