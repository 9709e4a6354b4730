"""What differs on some clusters: merge patches (RFC 7386), then JSON Patches (RFC 6902), in order.

The rendered manifests are shared by all clusters, so nothing is changed in place and what no
override touches stays the very same object. All errors are told at once, in one OverrideFailed:
which override, which object, which path and why, and never what stands at the path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shoal.errors import MissingFact, OverrideFailed
from shoal.model.digests import Digester, digest_parts, digest_value
from shoal.model.documents import SyncPolicy
from shoal.model.facts import Look, references, substituted
from shoal.model.manifests import Manifest
from shoal.model.overrides import JsonPatch, MergePatch, ObjectSelector, Override
from shoal.model.plans import Content
from shoal.planning.merging import merged_values
from shoal.planning.patching import PatchFailed, apply_operation, merge_patch


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

    Raises OverrideFailed where one refers to a fact that the cluster does not have.
    """
    merged: dict[str, Any] = {}
    for index in indexes:
        where = f"overrides[{index}].values"
        merged = merged_values(merged, _with_facts(overrides[index].values, look, where))
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
    Raises OverrideFailed with every error: a patch that does not fit, that names no object, or
    that would make another object of the one it patches.
    """
    result = list(manifests)
    errors: list[str] = []
    for place in indexes:
        each = overrides[place]
        for number, merge in enumerate(each.merge):
            errors.extend(_patch(result, merge, look, f"overrides[{place}].merge[{number}]"))
        for number, patch in enumerate(each.patches):
            errors.extend(_patch(result, patch, look, f"overrides[{place}].patches[{number}]"))
    if errors:
        raise OverrideFailed(
            "; ".join(errors),
            next_step="correct the override in the Application, or the manifests it patches",
        )
    return result if indexes else manifests


def content(manifests: Sequence[Manifest], digester: Digester) -> Content:
    """The manifests with their digest, which does not depend on order; Secrets count keyed."""
    digested: list[tuple[str, str, Manifest]] = []
    for manifest in manifests:
        key = manifest.key
        digest = digester.digest_content(key.group, key.kind, manifest.text)
        digested.append((key.text, digest, manifest))
    digested.sort(key=lambda each: each[:2])
    parts = (part for text, digest, _ in digested for part in (text, digest))
    return Content(digest_parts(parts), tuple(manifest for *_, manifest in digested))


def desired_digest(content: Content, policy: SyncPolicy) -> str:
    """The digest of what a target should hold: content and policy.

    Defaults are left out, so that a field which a later Shoal adds changes no digest.
    """
    written = policy.model_dump(mode="json", exclude_defaults=True)
    return digest_parts((content.digest, digest_value(written)))


def selects(selector: ObjectSelector, manifest: Manifest) -> bool:
    """Whether all given parts of the selector hold for an object."""
    key = manifest.key
    wanted = (selector.group, selector.kind, selector.namespace, selector.name)
    if any(part is not None and part != found for part, found in zip(wanted, key, strict=True)):
        return False
    labels = selector.label_selector
    return labels is None or labels.matches(manifest.labels)


def _references(override: Override) -> frozenset[str]:
    return references(override.model_dump(mode="json", exclude={"cluster_selector"}))


def _with_facts(value: Any, look: Look, where: str) -> Any:
    try:
        return substituted(value, look)
    except MissingFact as error:
        raise OverrideFailed(f"{where}: {error.message}", next_step=error.next_step) from error


def _patch(
    manifests: list[Manifest], patch: MergePatch | JsonPatch, look: Look, where: str
) -> Iterator[str]:
    """Replace what the patch selects in the list; yields an error for each that it does not fit."""
    selected = [index for index, each in enumerate(manifests) if selects(patch.target, each)]
    if not selected:
        yield f"{where}: no object matches its target {_describe(patch.target)}"
    for index in selected:
        manifest = manifests[index]
        try:
            manifests[index] = _patched(manifest, patch, look)
        except PatchFailed as error:
            yield f"{where}{error.where}: {manifest.key}: {error.reason}"


def _patched(manifest: Manifest, patch: MergePatch | JsonPatch, look: Look) -> Manifest:
    body: Any
    if isinstance(patch, MergePatch):
        body = merge_patch(manifest.body, _known(patch.patch, look, ""))
    else:
        body = manifest.body
        for number, operation in enumerate(patch.operations):
            where = f".operations[{number}]"
            try:
                body = apply_operation(body, _known(operation.as_json(), look, where))
            except PatchFailed as error:
                raise PatchFailed(error.reason, where=where) from error
    return _checked(manifest, body)


def _known(value: Any, look: Look, where: str) -> Any:
    try:
        return substituted(value, look)
    except MissingFact as error:
        raise PatchFailed(str(error), where=where) from error


def _checked(manifest: Manifest, body: Any) -> Manifest:
    """A patch may change everything but what makes an object this object."""
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        raise PatchFailed("what is left is not an object with metadata")
    if not isinstance(body["metadata"].get("labels") or {}, dict):
        raise PatchFailed("/metadata/labels is no longer a mapping")
    patched = Manifest(body, manifest.origin)
    if patched.key != manifest.key:
        raise PatchFailed("a patch may not change the group, kind, namespace or name of an object")
    return patched


def _describe(selector: ObjectSelector) -> str:
    """Names only; the values of labels are left out."""
    given = selector.model_dump(mode="json", exclude_none=True, exclude={"label_selector"})
    parts = [f"{key} {value or 'core'}" for key, value in given.items()]
    if selector.label_selector is not None:
        parts.append("labelSelector")
    return f"({', '.join(parts)})" if parts else "(any object)"
