"""What an Application says about how it is kept equal to Git: its sync policy.

Part of the Application document, in a module of its own because there is much to say. Every policy
is an enum or reads `when<Situation>: <Action>`; a preset names a usual set of them, and what stands
beside it wins. Target types read the policy of the `Desired` that they are handed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from shoal.model.choice import Spec
from shoal.model.facts import references
from shoal.model.overrides import ObjectSelector


class SyncMode(StrEnum):
    """Whether anything is written at all."""

    APPLY = "Apply"
    OBSERVE = "Observe"


class PrunePolicy(StrEnum):
    """What happens to an owned object that is no longer in Git."""

    AFTER_HEALTHY = "AfterHealthy"
    AFTER_APPLY = "AfterApply"
    NEVER = "Never"


class FailurePolicy(StrEnum):
    """What happens to the other objects when one cannot be applied."""

    BEST_EFFORT = "BestEffort"
    ALL_OR_NOTHING = "AllOrNothing"


class ValidationPolicy(StrEnum):
    """When an update is tried out on an API server before it is written."""

    NEVER = "Never"
    ONCE_PER_VERSION = "OncePerVersion"
    ALWAYS = "Always"


class DriftPolicy(StrEnum):
    """What happens when a live object no longer equals Git."""

    CORRECT = "Correct"
    REPORT = "Report"


class AddedFieldsPolicy(StrEnum):
    """What happens to fields that somebody added to a live object by hand."""

    REMOVE = "Remove"
    REPORT = "Report"
    KEEP = "Keep"


class ExistingPolicy(StrEnum):
    """What happens when an object is there already and is not ours."""

    FAIL = "Fail"
    ADOPT_IF_NO_DIFF = "AdoptIfNoDiff"
    ADOPT = "Adopt"


class LeavingPolicy(StrEnum):
    """What happens to the objects of an application that leaves a cluster."""

    DELETE = "Delete"
    ORPHAN = "Orphan"


class Preset(StrEnum):
    """A usual set of policies under one name."""

    CAREFUL = "careful"
    AUTOMATIC = "automatic"


PRESETS: Mapping[Preset, Mapping[str, str]] = {
    Preset.CAREFUL: {
        "failure": FailurePolicy.ALL_OR_NOTHING,
        "validation": ValidationPolicy.ALWAYS,
        "whenDrifted": DriftPolicy.REPORT,
        "whenFieldsAdded": AddedFieldsPolicy.REPORT,
    },
    Preset.AUTOMATIC: {
        "whenDrifted": DriftPolicy.CORRECT,
        "whenFieldsAdded": AddedFieldsPolicy.REMOVE,
        "whenAlreadyExists": ExistingPolicy.ADOPT_IF_NO_DIFF,
    },
}
"""What each preset says, by the names people write; all else keeps its default."""


def _pointer(value: str) -> str:
    steps = value.split("/")[1:]
    if not value.startswith("/") or not all(steps):
        raise ValueError("expected a path such as /spec/replicas")
    if steps[0] in ("apiVersion", "kind") or value in ("/metadata", "/metadata/name"):
        raise ValueError("this says which object it is, so it cannot be ignored")
    return value


class IgnoreRule(Spec):
    """Fields of objects that are somebody else's business, in every diff and in every apply."""

    target: ObjectSelector = Field(description="The objects it speaks of.")
    path: Annotated[str, AfterValidator(_pointer)] = Field(
        json_schema_extra={"pattern": "^/."},
        description="Where the field stands: a JSON Pointer in which `*` stands for every item or "
        "member, and `name=app` for the item of a list whose `name` is `app`, such as "
        "`/spec/template/spec/containers/name=app/resources`.",
    )

    @model_validator(mode="after")
    def _refers_to_no_fact(self) -> Self:
        if references(self.target.model_dump_json()):
            raise ValueError("a rule is the same for all clusters, so it cannot refer to facts")
        return self


class ByHand(Spec):
    """Which clients count as a person's, besides those that Shoal knows, and which do not."""

    also: tuple[str, ...] = Field(
        default=(),
        description="Names of field managers, or patterns with `*`, whose fields were added by "
        "hand, such as an in-house console.",
    )
    never: tuple[str, ...] = Field(
        default=(),
        description="Names or patterns whose fields are kept although Shoal's list has them, such "
        "as `kubectl-annotate` where a script of yours writes annotations.",
    )


class SyncPolicy(Spec):
    """How the application is kept equal to Git."""

    preset: Preset | None = Field(
        default=None,
        description="A usual set of policies: `careful` (everything is tried out first, drift is "
        "reported) or `automatic` (drift is undone, equal objects are adopted). What is written "
        "beside it wins.",
    )
    mode: SyncMode = Field(
        default=SyncMode.APPLY,
        description="Apply, or Observe: what would change is shown, and nothing is written.",
    )
    prune: PrunePolicy = Field(
        default=PrunePolicy.AFTER_HEALTHY,
        description="When objects that left Git are deleted: AfterHealthy (a workload only once "
        "the new set is healthy), AfterApply, or Never.",
    )
    failure: FailurePolicy = Field(
        default=FailurePolicy.BEST_EFFORT,
        description="BestEffort: every object is tried, and all failures are told. AllOrNothing: "
        "nothing is written before everything was tried out; no transaction, for what happens "
        "between the two is not undone.",
    )
    validation: ValidationPolicy = Field(
        default=ValidationPolicy.ONCE_PER_VERSION,
        description="When an update of more than one object is tried out by a dry run first: "
        "OncePerVersion (on one cluster of each Kubernetes version), Always (on every cluster), "
        "or Never.",
    )
    when_drifted: DriftPolicy = Field(
        default=DriftPolicy.CORRECT,
        description="When somebody changed a live object: Correct it at once, or only Report it.",
    )
    when_fields_added: AddedFieldsPolicy = Field(
        default=AddedFieldsPolicy.REMOVE,
        description="When somebody added fields by hand that Git does not have: Remove them, "
        "Report them, or Keep them in silence. Fields of controllers are always kept.",
    )
    by_hand: ByHand = Field(
        default=ByHand(), description="Whose fields count as added by hand, beyond Shoal's list."
    )
    when_already_exists: ExistingPolicy = Field(
        default=ExistingPolicy.FAIL,
        description="When an object is there that is not ours: Fail with both names, AdoptIfNoDiff "
        "(take it over when only marks would change), or Adopt.",
    )
    when_application_removed: LeavingPolicy = Field(
        default=LeavingPolicy.DELETE,
        description="When this document was removed, once the grace period of the fleet is over: "
        "Delete its objects, or Orphan them: they stay as they are, without Shoal's marks.",
    )
    when_cluster_left: LeavingPolicy = Field(
        default=LeavingPolicy.DELETE,
        description="When a cluster of the fleet is not selected any more, once the grace period "
        "is over: Delete the objects there, or Orphan them. A cluster whose document was removed "
        "is let go, whatever stands here: nothing is deleted in it.",
    )
    ignore: tuple[IgnoreRule, ...] = Field(
        default=(), description="Fields that are neither compared nor written."
    )

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, value: Any) -> Any:
        """Put what the preset says below what is written beside it."""
        if not isinstance(value, Mapping) or value.get("preset") not in tuple(Preset):
            return value
        names = {field.alias: name for name, field in cls.model_fields.items()}
        said = PRESETS[Preset(value["preset"])]
        missing = {key: said[key] for key in said if not {key, names[key]} & value.keys()}
        return {**value, **missing}
