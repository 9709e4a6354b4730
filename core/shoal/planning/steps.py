"""The overrides of one cluster, carried out one part after the other.

Each part of an override is a step: it takes the objects that the steps before it left, gives those
that it leaves, and says what it touched and what does not fit. `overriding` wants the end of it,
`shoal render --explain` every step: both walk through the same function, so that what is explained
is what happens. Pure; no object is changed in place, and what a step leaves alone stays the very
same object.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from shoal.model.facts import Look
from shoal.model.manifests import Manifest
from shoal.model.overrides import ImageOverride, JsonPatch, MergePatch, ObjectSelector, Override
from shoal.planning.grounding import grounded, grounded_each, grounded_spec
from shoal.planning.images import ImageChange, images_of, meant_image, with_image
from shoal.planning.patching import PatchFailed, apply_operation, merge_patch
from shoal.planning.selecting import described, meant, selects


class Touched(NamedTuple):
    """One object that a step selected. `after` is None when it was excluded."""

    before: Manifest
    after: Manifest | None
    images: tuple[ImageChange, ...] = ()


class Excluded(NamedTuple):
    """An object that was taken away, and the step that did it."""

    manifest: Manifest
    where: str


@dataclass(frozen=True, slots=True)
class Objects:
    """What there is after a step: the objects in their order, and those that are gone."""

    present: tuple[Manifest, ...]
    excluded: tuple[Excluded, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One part of an override: `overrides[2].patches[0]`. With errors, the whole of it is void."""

    where: str
    objects: Objects
    touched: tuple[Touched, ...] = ()
    errors: tuple[str, ...] = ()


def steps(
    manifests: Sequence[Manifest],
    overrides: Sequence[Override],
    *,
    indexes: Sequence[int],
    look: Look,
) -> Iterator[Step]:
    """Every step for one cluster, in order; a step that fails leaves the objects as they were.

    `indexes` are the places of the overrides that are for this cluster, `look` knows its facts.
    """
    objects = Objects(tuple(manifests))
    for index in indexes:
        for where, part in _parts(overrides[index], f"overrides[{index}]"):
            try:
                step = _taken(objects, part, look, where)
            except PatchFailed as error:
                step = Step(where, objects, errors=(f"{where}{error.where}: {error.reason}",))
            yield step
            objects = step.objects


_Part = MergePatch | JsonPatch | ImageOverride | ObjectSelector


def _parts(override: Override, where: str) -> Iterator[tuple[str, _Part]]:
    lists: Sequence[tuple[str, Sequence[_Part]]] = (
        ("merge", override.merge),
        ("patches", override.patches),
        ("images", override.images),
        ("exclude", override.exclude),
    )
    for name, parts in lists:
        for number, part in enumerate(parts):
            yield f"{where}.{name}[{number}]", part


def _taken(objects: Objects, part: _Part, look: Look, where: str) -> Step:
    match part:
        case MergePatch():
            merge = grounded(part.patch, look)
            target = grounded_spec(part.target, look, where=".target")
            return _patched(objects, target, lambda body: merge_patch(body, merge), where)
        case JsonPatch():
            target = grounded_spec(part.target, look, where=".target")
            return _patched(objects, target, _operating(part, look), where)
        case ImageOverride():
            return _with_image(objects, grounded_spec(part, look), where)
        case ObjectSelector():
            return _without(objects, grounded_spec(part, look), where)


def _operating(patch: JsonPatch, look: Look) -> Callable[[Any], Any]:
    """What carries out the operations of a patch; PatchFailed for a missing fact comes at once."""
    written = [operation.as_json() for operation in patch.operations]
    operations = grounded_each(written, look, where=".operations")

    def operate(body: Any) -> Any:
        for number, operation in enumerate(operations):
            try:
                body = apply_operation(body, copy.deepcopy(operation))
            except PatchFailed as error:
                raise PatchFailed(error.reason, where=f".operations[{number}]") from error
        return body

    return operate


def _patched(
    objects: Objects, target: ObjectSelector, change: Callable[[Any], Any], where: str
) -> Step:
    present, touched, errors = list(objects.present), list[Touched](), list[str]()
    for index, manifest in enumerate(present):
        if not selects(target, manifest):
            continue
        try:
            present[index] = _checked(manifest, change(manifest.body))
        except PatchFailed as error:
            errors.append(f"{where}{error.where}: {manifest.key}: {error.reason}")
        touched.append(Touched(manifest, present[index]))
    if not touched:
        errors.append(_unmatched(objects, target, where, "its target "))
    return _step(objects, replace(objects, present=tuple(present)), where, touched, errors)


def _checked(manifest: Manifest, body: Any) -> Manifest:
    """A patch may change everything but what makes an object this object."""
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        raise PatchFailed("what is left is not an object with metadata")
    if not isinstance(body["metadata"].get("labels") or {}, dict):
        raise PatchFailed("/metadata/labels is no longer a mapping")
    patched = Manifest(body, manifest.origin)
    if patched.key != manifest.key:
        raise PatchFailed("a patch may not change the group, kind, namespace or name of an object")
    return manifest if patched.text == manifest.text else patched


def _with_image(objects: Objects, image: ImageOverride, where: str) -> Step:
    present, touched = list(objects.present), list[Touched]()
    for index, manifest in enumerate(present):
        present[index], changes = with_image(manifest, image)
        if changes:
            touched.append(Touched(manifest, present[index], changes))
    errors = [] if touched else [_unknown_image(objects, image.name, where)]
    return _step(objects, replace(objects, present=tuple(present)), where, touched, errors)


def _without(objects: Objects, selector: ObjectSelector, where: str) -> Step:
    gone = tuple(each for each in objects.present if selects(selector, each))
    left = tuple(each for each in objects.present if not selects(selector, each))
    errors: list[str] = []
    if gone and not left:
        errors.append(
            f"{where}: it leaves no object at all "
            "(what a cluster gets nothing of is not placed on it: see placement.clusterSelector)"
        )
    elif not gone and not any(selects(selector, each.manifest) for each in objects.excluded):
        errors.append(_unmatched(objects, selector, where, ""))
    excluded = (*objects.excluded, *(Excluded(each, where) for each in gone))
    touched = [Touched(each, None) for each in gone]
    return _step(objects, Objects(left, excluded), where, touched, errors)


def _step(
    before: Objects, after: Objects, where: str, touched: Sequence[Touched], errors: Sequence[str]
) -> Step:
    if errors:
        return Step(where, before, errors=tuple(errors))
    return Step(where, after, tuple(touched))


def _unmatched(objects: Objects, selector: ObjectSelector, where: str, what: str) -> str:
    text = described(selector)
    for each in objects.excluded:
        if selects(selector, each.manifest):
            return f"{where}: what matches {what}{text} was excluded by {each.where}"
    return f"{where}: no object matches {what}{text}{meant(selector, objects.present)}"


def _unknown_image(objects: Objects, name: str, where: str) -> str:
    for each in objects.excluded:
        if name in images_of([each.manifest]):
            return f"{where}: what has the image {name} was excluded by {each.where}"
    near = meant_image(name, images_of(objects.present))
    hint = f", did you mean {near}?" if near else ""
    return f"{where}: no container has the image {name}{hint}"
