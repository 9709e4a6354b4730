"""What of the fleet's documents outlives a restart: where each stood, and how applications leave.

Settings of the store, written in one transaction with the record that the fleet was read. The
documents themselves are not kept: they are read again, and what cannot be read is known by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import orjson

from shoal.documents import Identity
from shoal.engine.fleet_state import FleetState
from shoal.model.identity import Ref
from shoal.model.policies import LeavingPolicy
from shoal.planning.leaving import Leaving
from shoal.planning.shrinking import Gone, LetGo, Sort

FLEET_NAME = "fleet.name"
FLEET_ORIGINS = "fleet.origins"
FLEET_LEAVING = "fleet.leaving"
FLEET_LET_GO = "fleet.let-go"


def encode_origins(origins: Mapping[Identity, str]) -> str:
    """Which document came from which file."""
    return orjson.dumps([[*identity, file] for identity, file in sorted(origins.items())]).decode()


def _origins(settings: Mapping[str, str]) -> dict[Identity, str]:
    return {Identity(*row[:3]): row[3] for row in orjson.loads(settings.get(FLEET_ORIGINS, "[]"))}


def encode_leaving(leaving: Mapping[Ref, Leaving]) -> str:
    """What becomes of the objects of each application that does not simply delete them."""
    default = Leaving()
    rows = [
        [*ref, each.application_removed, each.cluster_left]
        for ref, each in sorted(leaving.items())
        if each != default
    ]
    return orjson.dumps(rows).decode()


def _leaving(settings: Mapping[str, str]) -> dict[Ref, Leaving]:
    return {
        Ref(namespace, name): Leaving(LeavingPolicy(removed), LeavingPolicy(left))
        for namespace, name, removed, left in orjson.loads(settings.get(FLEET_LEAVING, "[]"))
    }


def encode_let_go(let_go: Mapping[Gone, LetGo]) -> str:
    """What went lately, and counts together with what goes next."""
    rows = [
        [*gone, each.at.isoformat(), each.is_agreed, each.file]
        for gone, each in sorted(let_go.items())
    ]
    return orjson.dumps(rows).decode()


def _let_go(settings: Mapping[str, str]) -> dict[Gone, LetGo]:
    return {
        Gone(Sort(sort), name): LetGo(datetime.fromisoformat(at), is_agreed, file)
        for sort, name, at, is_agreed, file in orjson.loads(settings.get(FLEET_LET_GO, "[]"))
    }


def recall(settings: Mapping[str, str], fleet: FleetState) -> None:
    """Read all of it back."""
    fleet.name = settings.get(FLEET_NAME, "")
    fleet.remembered = _origins(settings)
    fleet.leaving, fleet.let_go = _leaving(settings), _let_go(settings)
