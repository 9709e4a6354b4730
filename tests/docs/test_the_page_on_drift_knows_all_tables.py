"""The page on drift names everything that the tables of the code hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from shoal.model.sightings import DriftKind
from shoal_clusters.kubernetes.adding import KEPT_ANNOTATIONS, KEPT_FIELDS
from shoal_clusters.kubernetes.ignoring import BUILT_IN
from shoal_clusters.kubernetes.scaling import SCALERS
from shoal_clusters.kubernetes.takeover import BY_HAND, NOT_BY_HAND

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "drift.md").read_text()


@pytest.mark.parametrize("name", [*BY_HAND, *NOT_BY_HAND, *KEPT_ANNOTATIONS])
def test_clients_and_annotations_are_named(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("kind", [kind for rule in BUILT_IN for kind in rule.kinds] + [*SCALERS])
def test_kinds_that_are_treated_otherwise_are_named(kind: tuple[str, str]) -> None:
    words = {
        "ValidatingWebhookConfiguration": "webhook configurations",
        "MutatingWebhookConfiguration": "webhook configurations",
        "CustomResourceDefinition": "conversion of a CRD",
    }

    assert words.get(kind[1], kind[1]) in PAGE


@pytest.mark.parametrize("path", list(KEPT_FIELDS))
def test_fields_that_stay_are_named(path: tuple[str, ...]) -> None:
    assert ".".join(step[2:] for step in path) in PAGE


@pytest.mark.parametrize("kind", list(DriftKind))
def test_every_kind_of_drift_has_its_line(kind: DriftKind) -> None:
    assert f"| {kind} |" in PAGE
