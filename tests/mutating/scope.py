"""Which modules are mutated, which pure ones are not and why, and where the tests live."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

TESTS = ("tests/planning", "tests/documents", "tests/model", "tests/kubernetes")
"""Of these folders, the tests that start no API server."""

_PLANNING = "core/shoal/planning"
_KUBERNETES = "clusters/shoal_clusters/kubernetes"
FOLDERS = {_PLANNING: "shoal.planning", _KUBERNETES: "shoal_clusters.kubernetes"}

MUTATED = {
    _PLANNING: (
        "backing_off",
        "circuits",
        "credentials",
        "granting",
        "grounding",
        "holding",
        "images",
        "merging",
        "overriding",
        "patching",
        "placing",
        "pruning",
        "selecting",
        "steps",
    ),
    _KUBERNETES: (
        "answers",
        "baselines",
        "checking",
        "claiming",
        "comparing",
        "health",
        "marks",
        "masking",
        "messages",
        "planning",
        "preparing",
        "projecting",
        "register",
        "staging",
    ),
}

LEFT_OUT = {
    "shoal.planning.__init__": "a docstring",
    "shoal_clusters.kubernetes.__init__": "a docstring and the plugin's registration",
    "shoal_clusters.kubernetes.memo": "what it forgets shows in time and memory alone",
}
"""Modules that are as pure as the others, and the reason why no mutant of them is made."""


def modules() -> Mapping[str, Path]:
    """The dotted name and the file of every module that is mutated."""
    return {
        f"{FOLDERS[folder]}.{name}": ROOT / folder / f"{name}.py"
        for folder, names in MUTATED.items()
        for name in names
    }
