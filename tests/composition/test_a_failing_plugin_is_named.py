"""What is said of a failing plugin names the distribution and version that it came from."""

from __future__ import annotations

import pytest

from shoal import __version__
from shoal.composition.bordering import guard_of
from shoal.composition.loading import load_plugins


@pytest.mark.parametrize(
    ("seam", "asked", "named"),
    [
        ("source", "git", f"git (shoal {__version__})"),
        ("renderer", "helm", f"helm (shoal {__version__})"),
        ("access", "kubeconfig", f"kubeconfig (shoal {__version__})"),
        ("gate", "cel", f"cel (shoal {__version__})"),
        ("target", "plan", f"kubernetes (shoal {__version__}) at plan"),
        ("health", "unknown", "unknown"),
    ],
)
def test_a_plugin_is_described_by_name_distribution_and_version(
    seam: str, asked: str, named: str
) -> None:
    assert guard_of(load_plugins()).describe(seam, asked) == named
