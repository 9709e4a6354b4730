"""What of the fleet's documents outlives a restart: where each stood, and how applications leave.

Settings of the store, written in one transaction with the record that the fleet was read. The
documents themselves are not kept: they are read again, and what cannot be read is known by name.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from shoal.documents import Identity
from shoal.model.identity import Ref
from shoal.model.policies import LeavingPolicy
from shoal.planning.leaving import Leaving

FLEET_NAME = "fleet.name"
FLEET_ORIGINS = "fleet.origins"
FLEET_LEAVING = "fleet.leaving"


def encode_origins(origins: Mapping[Identity, str]) -> str:
    """Which document came from which file."""
    return orjson.dumps([[*identity, file] for identity, file in sorted(origins.items())]).decode()


def decode_origins(settings: Mapping[str, str]) -> dict[Identity, str]:
    """Read it back."""
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


def decode_leaving(settings: Mapping[str, str]) -> dict[Ref, Leaving]:
    """Read it back."""
    return {
        Ref(namespace, name): Leaving(LeavingPolicy(removed), LeavingPolicy(left))
        for namespace, name, removed, left in orjson.loads(settings.get(FLEET_LEAVING, "[]"))
    }
