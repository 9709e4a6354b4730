"""What an application says about clusters that get something else: its overrides.

Part of the Application document, in a module of its own because there is much to say. Each part of
an override speaks of rendered objects by a selector; `shoal.planning.overriding` carries it out.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from shoal.model.choice import Spec
from shoal.model.selectors import LabelSelector


class ObjectSelector(Spec):
    """Which rendered objects an override speaks of: all given parts must hold."""

    group: str | None = Field(default=None, description="The API group; empty for the core group.")
    kind: str | None = Field(default=None, description="The kind, such as Deployment.")
    namespace: str | None = Field(default=None, description="The namespace of the object.")
    name: str | None = Field(default=None, description="The name of the object.")
    label_selector: LabelSelector | None = Field(
        default=None, description="Labels of the object itself."
    )


class MergePatch(Spec):
    """A JSON merge patch (RFC 7386): null removes, mappings merge, everything else replaces."""

    target: ObjectSelector = Field(description="The objects it applies to.")
    patch: dict[str, Any] = Field(description="The patch, shaped like the object.")


class Operation(Spec):
    """One operation of RFC 6902."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"] = Field(
        description="What to do."
    )
    path: str = Field(pattern=r"^(/.*)?$", description="JSON Pointer (RFC 6901) to the place.")
    from_: str | None = Field(
        default=None, alias="from", description="For move and copy: JSON Pointer to the origin."
    )
    value: Any = Field(default=None, description="For add, replace and test: the value.")

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


class Override(Spec):
    """What differs on some clusters; overrides apply in order, the later one wins."""

    cluster_selector: LabelSelector = Field(description="The clusters this override is for.")
    values: dict[str, Any] = Field(
        default_factory=dict,
        description="Values for the renderer, merged into those of `render` before rendering: "
        "mappings merge, everything else replaces. Only renderers that take values allow them.",
    )
    merge: tuple[MergePatch, ...] = Field(default=(), description="Merge patches, applied first.")
    patches: tuple[JsonPatch, ...] = Field(default=(), description="JSON Patches, applied second.")
