"""The Kubernetes target, against a real API server, keeps every promise of a target."""

from __future__ import annotations

import pytest

from shoal.testing.target_conformance import TargetConformance

pytestmark = pytest.mark.real


class TestKubernetesTarget(TargetConformance):
    """`subject` comes from conftest."""
