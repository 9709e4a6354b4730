"""The gate `cel` keeps every promise of a gate."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from shoal.testing.gate_conformance import GateConformance
from shoal_plugins.cel import CelGate


class TestCelGate(GateConformance):
    """By rules over the plan."""

    @pytest.fixture
    def gate(self) -> CelGate:
        return CelGate()

    @pytest.fixture
    def passing(self) -> Mapping[str, str]:
        return {"allow": "counts.delete == 1 && cluster.labels.env == 'prod'"}

    @pytest.fixture
    def refusing(self) -> Mapping[str, str]:
        return {"allow": "counts.delete == 0", "message": "nothing may go"}
