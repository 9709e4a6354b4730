"""What every target type must do, as tests: subclass `TargetConformance` and give it a `subject`.

    class TestMine(TargetConformance):
        @pytest.fixture
        def subject(self, shoal_host):
            return Subject(MyTarget(), "dev", endpoint, shoal_host(), world)

The suite speaks to the target through the seam alone, and to the cluster behind it through a
`World` (see `target_bench`): what a stranger with rights of their own could do there. Objects are
ConfigMaps, and Jobs where something ends, in the world's namespace, under names that no two tests
share.
"""

from __future__ import annotations

from shoal.testing.conformance_of_drift import DriftConformance
from shoal.testing.conformance_of_owners import OwnersConformance
from shoal.testing.conformance_of_restarts import RestartConformance
from shoal.testing.conformance_of_sweeps import SweepConformance
from shoal.testing.conformance_of_syncs import SyncConformance


class TargetConformance(
    SyncConformance, OwnersConformance, DriftConformance, RestartConformance, SweepConformance
):
    """The suite; every test is a promise of `TargetType` and `Session`."""
