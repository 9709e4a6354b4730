"""Images of containers: where they stand in an object, and how one gets another name or tag.

The rules are those of kustomize's images transformer (its LegacyFilter and imageTagUpdater in
sigs.k8s.io/kustomize/api/filters/imagetag), except that a name is a name and no regular expression,
that ephemeral containers count too, and image volumes wherever containers would. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from shoal.model.choice import nearest
from shoal.model.identity import GroupKind, ObjectKey
from shoal.model.manifests import Manifest
from shoal.model.overrides import ImageOverride
from shoal.model.pointers import pointer

_CONTAINERS = frozenset({"containers", "initContainers", "ephemeralContainers"})
_DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
# The characters are kustomize's: braces stand in tags that Bazel fills in. A tag holds no slash,
# so the colon before a registry's port begins none.
_REFERENCE = re.compile(r"(?s)(.+?)(?::([\w.{}-]*))?(?:@([\w.+-]+:[\w.{}-]*))?", re.ASCII)


class ImageReference(NamedTuple):
    """An image as written: `registry:5000/app:1.2@sha256:…` in its three parts."""

    name: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Its parts; what is no reference is a name that nothing has."""
        found = _REFERENCE.fullmatch(text)
        return cls(found[1], found[2] or "", found[3] or "") if found else cls(text)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return self.name + tag + (f"@{self.digest}" if self.digest else "")


class ImageChange(NamedTuple):
    """One image of an object: JSON Pointer, what stood there, what stands there now."""

    path: str
    before: str
    after: str


def with_image(
    manifest: Manifest, image: ImageOverride
) -> tuple[Manifest, tuple[ImageChange, ...]]:
    """The object with the image replaced, and each place that has it, also where it fits already.

    The very same object when nothing in it changes.
    """
    if manifest.key.group_kind == _DEFINITION or image.name.encode() not in manifest.text:
        return manifest, ()
    body = manifest.body  # a tree of its own
    changes: list[ImageChange] = []
    for path, holder, field in _places(body, ""):
        text = holder[field]
        reference = ImageReference.parse(text)
        if reference.name == image.name:
            holder[field] = str(_replaced(reference, image))
            changes.append(ImageChange(path, text, holder[field]))
    if all(each.before == each.after for each in changes):
        return manifest, tuple(changes)
    return Manifest(body, manifest.origin), tuple(changes)


def images_of(manifests: Iterable[Manifest]) -> frozenset[str]:
    """The names of all images, without tag and digest."""
    return frozenset(
        ImageReference.parse(holder[field]).name
        for manifest in manifests
        if manifest.key.group_kind != _DEFINITION
        for _, holder, field in _places(manifest.body, "")
    )


def references_of(manifests: Iterable[Manifest]) -> dict[ObjectKey, tuple[str, ...]]:
    """The images of each object that has any, as written, sorted."""
    found = {}
    for manifest in manifests:
        if manifest.key.group_kind == _DEFINITION or b'"image"' not in manifest.text:
            continue
        images = {holder[field] for _, holder, field in _places(manifest.body, "")}
        if images:
            found[manifest.key] = tuple(sorted(images))
    return found


def meant_image(name: str, known: frozenset[str]) -> str | None:
    """The image that was probably meant: of the same last part, else of a near name."""
    last = name.rpartition("/")[2]
    same = sorted(each for each in known if each.rpartition("/")[2] == last)
    return same[0] if same else nearest(name, sorted(known))


def _replaced(reference: ImageReference, image: ImageOverride) -> ImageReference:
    name = image.new_name or reference.name
    if image.new_tag is None and image.digest is None:
        return reference._replace(name=name)
    return ImageReference(name, image.new_tag or "", image.digest or "")


def _places(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Pointer, mapping and key of every image below a value."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, f"{path}/{index}")
    elif isinstance(value, Mapping):
        for key, child in value.items():
            below = path + pointer((key,))
            yield from _places(child, below)
            if isinstance(child, list):
                yield from _held(key, child, below)


def _held(key: str, items: list[Any], path: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The images of a list of containers, or of volumes."""
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            continue
        if key in _CONTAINERS and isinstance(item.get("image"), str):
            yield f"{path}/{index}/image", item, "image"
        volume = item.get("image") if key == "volumes" else None
        if isinstance(volume, dict) and isinstance(volume.get("reference"), str):
            yield f"{path}/{index}/image/reference", volume, "reference"
