"""What an update changes: what a target should hold now, against what it should hold before.

Told to the ledger and to gates. A patch costs milliseconds, so each one is made when it is asked
for. What was applied before a restart is not at hand until something is applied again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shoal.model.differences import recorded_difference
from shoal.model.identity import ObjectKey
from shoal.model.manifests import Manifest
from shoal.model.plans import Desired


class Differences:
    """The masked patches between two states of one target."""

    def __init__(self, before: Desired | None, after: Desired) -> None:
        self._before, self._after = _by_key(before), _by_key(after)

    def of(self, key: ObjectKey) -> Sequence[Mapping[str, Any]] | None:
        """The masked patch of one object; None when one of the two is not known."""
        before, after = _found(self._before, key), _found(self._after, key)
        if before is None or after is None:
            return None
        return recorded_difference(key, before, after)


def _by_key(desired: Desired | None) -> Mapping[ObjectKey, Manifest]:
    return {} if desired is None else {each.key: each for each in desired.content.manifests}


def _found(manifests: Mapping[ObjectKey, Manifest], key: ObjectKey) -> Manifest | None:
    """The manifest of an object; it may have been written without the default namespace."""
    return manifests.get(key) or manifests.get(key._replace(namespace=""))
