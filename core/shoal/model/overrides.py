"""What an application says about clusters that get something else: its overrides.

Part of the Application document, in a module of its own because there is much to say. Each part of
an override speaks of rendered objects by a selector, or by an image; a reference to a fact of the
cluster may stand in all of them. `shoal.planning.overriding` carries them out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from shoal.model.choice import Spec
from shoal.model.facts import known_families, references
from shoal.model.identity import ObjectKey
from shoal.model.selectors import LabelSelector

# As github.com/distribution/reference has them, but for the case of letters: placeholders such as
# API_IMAGE are common in manifests whose images are always replaced.
_IMAGE_NAME = re.compile(
    r"(?:(?:[\w.-]+|\[[0-9a-fA-F:]+\])(?::\d+)?/)?[\w.-]+(?:/[\w.-]+)*", re.ASCII
)
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z0-9]+)*:[0-9a-fA-F]{32,}")

_IMAGE_CHANGES = ("newName", "newTag", "digest")


def _of_form(form: re.Pattern[str], expected: str) -> AfterValidator:
    """Text of this form; what refers to facts is checked when they are known."""

    def check(value: str) -> str:
        if not references(value) and not form.fullmatch(value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


_Name = Annotated[
    str,
    AfterValidator(known_families),
    _of_form(_IMAGE_NAME, "the name of an image, without tag and digest"),
]
_Tag = Annotated[str, AfterValidator(known_families), _of_form(_TAG, "the tag of an image")]
_Digest = Annotated[
    str,
    AfterValidator(known_families),
    _of_form(_DIGEST, "the digest of an image, such as sha256: and 64 hexadecimal digits"),
]
_Text = Annotated[str, AfterValidator(known_families)]
_Values = Annotated[dict[str, Any], AfterValidator(known_families)]


class ObjectSelector(Spec):
    """Which rendered objects an override speaks of: all given parts must hold."""

    group: _Text | None = Field(
        default=None, description="The API group; empty for the core group."
    )
    kind: _Text | None = Field(default=None, description="The kind, such as Deployment.")
    namespace: _Text | None = Field(default=None, description="The namespace of the object.")
    name: _Text | None = Field(default=None, description="The name of the object.")
    label_selector: LabelSelector | None = Field(
        default=None, description="Labels of the object itself."
    )

    def speaks_of(self, key: ObjectKey, labels: Callable[[], Mapping[str, str]]) -> bool:
        """Whether all given parts hold for an object; its labels are asked for only when needed."""
        wanted = (self.group, self.kind, self.namespace, self.name)
        if any(part is not None and part != found for part, found in zip(wanted, key, strict=True)):
            return False
        return self.label_selector is None or self.label_selector.matches(labels())


class MergePatch(Spec):
    """A JSON merge patch (RFC 7386): null removes, mappings merge, everything else replaces."""

    target: ObjectSelector = Field(description="The objects it applies to.")
    patch: _Values = Field(description="The patch, shaped like the object.")


class Operation(Spec):
    """One operation of RFC 6902."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": {"properties": {"op": {"enum": ["add", "replace", "test"]}}},
                    "then": {"required": ["value"]},
                },
                {
                    "if": {"properties": {"op": {"enum": ["move", "copy"]}}},
                    "then": {"required": ["from"]},
                },
            ]
        }
    )

    op: Literal["add", "remove", "replace", "move", "copy", "test"] = Field(
        description="What to do."
    )
    path: _Text = Field(pattern=r"^(/.*)?$", description="JSON Pointer (RFC 6901) to the place.")
    from_: _Text | None = Field(
        default=None, alias="from", description="For move and copy: JSON Pointer to the origin."
    )
    value: Annotated[Any, AfterValidator(known_families)] = Field(
        default=None, description="For add, replace and test: the value."
    )

    @model_validator(mode="after")
    def _has_its_members(self) -> Self:
        if self.op in ("add", "replace", "test") and "value" not in self.model_fields_set:
            raise ValueError(f"operation {self.op} needs a value")
        if self.op in ("move", "copy") and self.from_ is None:
            raise ValueError(f"operation {self.op} needs from")
        return self

    def as_json(self) -> dict[str, Any]:
        """The operation as RFC 6902 writes it."""
        return self.model_dump(mode="json", exclude_unset=True)


class JsonPatch(Spec):
    """A JSON Patch (RFC 6902), applied whole or not at all."""

    target: ObjectSelector = Field(description="The objects it applies to.")
    operations: tuple[Operation, ...] = Field(min_length=1, description="In order.")


class ImageOverride(Spec):
    """Another name, tag or digest for an image, in the terms of kustomize and by its rules.

    It changes `image` of every entry of a list named `containers`, `initContainers` or
    `ephemeralContainers`, wherever that list stands in an object (so in every pod template, of a
    CronJob and of a custom resource too), and `image.reference` of every entry of a list named
    `volumes`. A CustomResourceDefinition is left alone.
    """

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [name]} for name in _IMAGE_CHANGES]}
    )

    name: _Name = Field(
        description="The image as it is rendered, without tag and digest, and with its registry "
        "where one is written: `nginx` does not stand for `docker.io/library/nginx`."
    )
    new_name: _Name | None = Field(
        default=None, description="The name instead; tag and digest stay unless they are given."
    )
    new_tag: _Tag | None = Field(
        default=None, description="The tag instead; a digest that was there goes."
    )
    digest: _Digest | None = Field(
        default=None,
        description="The digest instead; a tag that was there goes, unless newTag is given too.",
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.new_name is None and self.new_tag is None and self.digest is None:
            raise ValueError("this changes nothing: give newName, newTag or digest")
        if self.new_name == self.name and self.new_tag is None and self.digest is None:
            raise ValueError("this changes nothing: newName is the name that is there already")
        return self


class Override(Spec):
    """What differs on some clusters.

    The `values` of all overrides that are for a cluster, the later over the earlier, make its
    render. Then override by override, in the order of the document: `merge`, `patches`, `images`,
    `exclude`, each list in its own order; each sees what the ones before it left. Whatever matches
    no object, or does not fit, is an error of that cluster, and of no other. `${cluster.name}`,
    `${cluster.labels.KEY}` and `${cluster.values.PATH}` stand for facts of the cluster in all of
    it but `clusterSelector`.
    """

    cluster_selector: LabelSelector = Field(description="The clusters this override is for.")
    values: _Values = Field(
        default_factory=dict,
        description="Values for the renderer, merged into those of `render` before rendering: "
        "mappings merge, everything else replaces. Only renderers that take values allow them.",
    )
    merge: tuple[MergePatch, ...] = Field(default=(), description="Merge patches, applied first.")
    patches: tuple[JsonPatch, ...] = Field(default=(), description="JSON Patches, applied second.")
    images: tuple[ImageOverride, ...] = Field(
        default=(), description="Other names, tags and digests of images, applied third."
    )
    exclude: tuple[ObjectSelector, ...] = Field(
        default=(),
        description="Objects that these clusters do not get, taken away last. At least one object "
        "must be left: `placement` is for clusters that get nothing at all.",
    )
