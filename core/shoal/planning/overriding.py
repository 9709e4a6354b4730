"""What differs on some clusters: values before rendering, then patches, images and exclusion.

The rendered manifests are shared by all clusters, so nothing is changed in place and what no
override touches stays the very same object. All errors are told at once, in one OverrideFailed:
which override, which object, which path and why, and never what stands at the path. How each part
is carried out stands in `steps`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shoal.errors import OverrideFailed
from shoal.model.digests import Digester, digest_parts, digest_value
from shoal.model.facts import Look, references
from shoal.model.health_rules import HealthRule
from shoal.model.manifests import Manifest
from shoal.model.overrides import Override
from shoal.model.plans import Content
from shoal.model.policies import SyncPolicy
from shoal.planning.grounding import grounded
from shoal.planning.merging import merged_values
from shoal.planning.patching import PatchFailed
from shoal.planning.steps import steps


def applicable_indexes(overrides: Sequence[Override], labels: Mapping[str, str]) -> tuple[int, ...]:
    """The places of the overrides that are for a cluster with these labels, in order."""
    return tuple(
        index for index, each in enumerate(overrides) if each.cluster_selector.matches(labels)
    )


def facts_of(overrides: Sequence[Override], indexes: Sequence[int]) -> frozenset[str]:
    """The facts of a cluster that the chosen overrides refer to, values included."""
    return frozenset().union(*(_references(overrides[index]) for index in indexes))


def values_of(overrides: Sequence[Override], indexes: Sequence[int], look: Look) -> dict[str, Any]:
    """The values of the chosen overrides as one, the later ones over the earlier.

    Raises OverrideFailed with every fact that they refer to and the cluster does not have.
    """
    merged: dict[str, Any] = {}
    errors: list[str] = []
    for index in indexes:
        try:
            merged = merged_values(merged, grounded(overrides[index].values, look))
        except PatchFailed as error:
            errors.append(f"overrides[{index}].values: {error.reason}")
    if errors:
        raise failed(errors)
    return merged


def override(
    manifests: Sequence[Manifest],
    overrides: Sequence[Override],
    *,
    indexes: Sequence[int],
    look: Look,
) -> Sequence[Manifest]:
    """The manifests as one cluster gets them, in the same order; inputs are left as they are.

    `indexes` are the places of the overrides that are for this cluster, `look` knows its facts.
    Raises OverrideFailed with every error of every step: a patch that does not fit, a selector or
    an image that matches nothing, a patch that would make another object of the one it patches.
    """
    result, errors = manifests, list[str]()
    for step in steps(manifests, overrides, indexes=indexes, look=look):
        result = step.objects.present
        errors.extend(step.errors)
    if errors:
        raise failed(errors)
    return result


def failed(errors: Sequence[str]) -> OverrideFailed:
    """The one error for everything that did not fit."""
    return OverrideFailed(
        "; ".join(errors),
        next_step="correct the override in the Application, or what it speaks of",
    )


def content(manifests: Sequence[Manifest], digester: Digester) -> Content:
    """The manifests with their digest, which does not depend on order; Secrets count keyed."""
    digested: list[tuple[str, str, Manifest]] = []
    for manifest in manifests:
        key = manifest.key
        digest = digester.digest_content(key.group, key.kind, manifest.counted)
        digested.append((key.text, digest, manifest))
    digested.sort(key=lambda each: each[:2])
    parts = (part for text, digest, _ in digested for part in (text, digest))
    return Content(digest_parts(parts), tuple(manifest for *_, manifest in digested))


def desired_digest(content: Content, policy: SyncPolicy, health: Sequence[HealthRule] = ()) -> str:
    """The digest of what a target should hold: content, policy, and when it is healthy.

    Defaults are left out, so that a field which a later Shoal adds changes no digest; what becomes
    of the objects when the application leaves says nothing about what they should be.
    """
    written = policy.model_dump(mode="json", exclude_defaults=True, exclude=_ON_LEAVING)
    rules = [digest_value(rule.model_dump(mode="json", exclude_defaults=True)) for rule in health]
    return digest_parts((content.digest, digest_value(written), *rules))


_ON_LEAVING = {"when_application_removed", "when_cluster_left"}


def _references(override: Override) -> frozenset[str]:
    return references(override.model_dump(mode="json", exclude={"cluster_selector"}))
