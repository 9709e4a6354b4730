"""The documents people write: Fleet, Cluster, Source, Application, Alert.

Kubernetes-shaped, the same in a folder or in Git. Policies are enums or read
`when<Situation>: <Action>`; there are no booleans. A field or value that has no behaviour is not in
these models. `shoal.documents` reads YAML into them; nothing else makes them from outside input.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from shoal.model.alert_policies import AlertSpec
from shoal.model.choice import CHOSEN, Choice, Chooser, Seam, Spec, WholeNumber
from shoal.model.duration_fields import Duration
from shoal.model.facts import DocumentFacts
from shoal.model.health_rules import HealthRule
from shoal.model.identity import GroupKind, Ref
from shoal.model.overrides import Override
from shoal.model.policies import SyncPolicy
from shoal.model.selectors import LabelSelector

API_VERSION = "shoal.dev/v1alpha1"

_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
INLINE_SOURCE = "application/"
"""So begins the name of a source that is written inline: after its application."""


def _within_a_month(value: timedelta) -> timedelta:
    if value > timedelta(days=30):
        raise ValueError("expected at most 30d")
    return value


def _inside(value: str) -> str:
    """Only what is wrong whatever the source holds; where `a/..` leads, links decide."""
    steps = [step for step in value.split("/") if step not in ("", ".")]
    if value.startswith("/") or steps[:1] == [".."]:
        raise ValueError("expected a folder inside the source, such as apps/web")
    return value


Name = Annotated[str, Field(pattern=_NAME, max_length=63)]


class Metadata(Spec):
    """Identity and labels of a document that has no namespace."""

    name: Name = Field(description="The name: lower-case letters, digits and hyphens, at most 63.")
    labels: dict[str, str] = Field(
        default_factory=dict, description="Labels, read by selectors; set by operators only."
    )
    annotations: dict[str, str] = Field(
        default_factory=dict, description="Free text for people and tools; never read by Shoal."
    )


class NamespacedMetadata(Metadata):
    """Identity and labels of a document that lives in a namespace of the fleet."""

    namespace: Name = Field(default="default", description="The namespace of the document.")


class Document(Spec):
    """What every kind has in common."""

    api_version: Literal["shoal.dev/v1alpha1"] = Field(description="Always shoal.dev/v1alpha1.")


class FleetSpec(Spec):
    """What counts for the whole fleet."""

    removal_grace_period: Annotated[Duration, AfterValidator(_within_a_month)] = Field(
        default=timedelta(minutes=10),
        description="How long an application that was removed, or left a cluster, keeps its "
        "objects there; putting it back before undoes the removal. At most 30d.",
    )


class Fleet(Document):
    """Gives the fleet its name, which marks every object that the fleet owns; there is one."""

    kind: Literal["Fleet"] = Field(description="Always Fleet.")
    metadata: Metadata = Field(description="The fleet's name; do not change it later.")
    spec: FleetSpec = Field(default=FleetSpec(), description="What counts for the whole fleet.")


class ClusterLimits(Spec):
    """How hard one cluster may be worked."""

    requests_in_flight: WholeNumber = Field(
        default=16, ge=1, le=256, description="Requests to this API server at one time."
    )
    timeout: Duration = Field(
        default=timedelta(seconds=30), description="Deadline of one request to this API server."
    )


class ClusterSpec(Spec):
    """How a cluster is reached."""

    access: Annotated[Choice, Seam("access")] = Field(
        description="How to reach the API server; one key, the name of an access plugin."
    )
    limits: ClusterLimits = Field(
        default_factory=ClusterLimits, description="How hard this cluster may be worked."
    )
    values: dict[str, Any] = Field(
        default_factory=dict,
        description="Facts about this cluster, for renderers and overrides: "
        "`${cluster.values.zone}` stands for `zone` here.",
    )


class Cluster(Document):
    """One Kubernetes API server that applications can be placed on."""

    kind: Literal["Cluster"] = Field(description="Always Cluster.")
    metadata: Metadata = Field(description="Name, and the labels that selectors read.")
    spec: ClusterSpec = Field(description="How the cluster is reached.")

    @property
    def facts(self) -> DocumentFacts:
        """What rendering and overrides may refer to."""
        return DocumentFacts(self.metadata.name, self.metadata.labels, self.spec.values)


class SourceSpec(Chooser):
    """Where manifests come from: one key names a source plugin, beside it the interval."""

    choice: Annotated[Choice, Seam("source")] = Field(
        description="The source: one key, the name of a source plugin."
    )
    interval: Duration = Field(
        default=timedelta(minutes=1),
        ge=timedelta(seconds=1),
        description="How often to look when nothing announces a change; jittered.",
    )


class Source(Document):
    """A place that manifests come from, shared by the applications that refer to it."""

    kind: Literal["Source"] = Field(description="Always Source.")
    metadata: NamespacedMetadata = Field(description="Name, namespace and labels.")
    spec: SourceSpec = Field(description="The source plugin's part, and the interval.")

    @property
    def ref(self) -> Ref:
        """The identity of this document."""
        return Ref(self.metadata.namespace, self.metadata.name)


class ApplicationSource(Chooser):
    """Which source, and which folder of it: either `ref`, or a source plugin's part inline."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["ref"]}, {**CHOSEN}]})

    ref: Name | None = Field(
        default=None, description="The name of a Source in the application's namespace."
    )
    choice: Annotated[Choice, Seam("source")] | None = Field(
        default=None, description="A source written inline: one key, the name of a source plugin."
    )
    path: Annotated[str, AfterValidator(_inside)] = Field(
        default=".", description="The folder inside the source, relative to its root."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ref is None) == (self.choice is None):
            raise ValueError("give either ref, the name of a Source, or one source plugin's part")
        return self


class Placement(Spec):
    """Which clusters an application belongs on."""

    cluster_selector: LabelSelector = Field(
        description="Clusters whose labels match; `{}` selects every cluster."
    )


class Dependency(Spec):
    """Another application that must be there first, on the same cluster."""

    application: Name = Field(description="The name of the other Application.")
    namespace: Name | None = Field(
        default=None, description="Its namespace; the one of this application when left out."
    )


class ApplicationSpec(Spec):
    """From where, rendered how, to which clusters, with which differences."""

    source: ApplicationSource = Field(description="Where the manifests come from.")
    render: Annotated[Choice, Seam("renderer")] | None = Field(
        default=None,
        description="The renderer; when left out, it is chosen by the files in the folder.",
    )
    placement: Placement = Field(description="Which clusters the application belongs on.")
    overrides: tuple[Override, ...] = Field(
        default=(), description="What differs on some clusters, in order."
    )
    sync: SyncPolicy = Field(
        default_factory=SyncPolicy, description="How the application is kept equal to Git."
    )
    health: tuple[HealthRule, ...] = Field(
        default=(),
        description="When single objects are healthy, for kinds whose conditions do not say it; "
        "the first rule that speaks of an object counts.",
    )
    gates: tuple[Annotated[Choice, Seam("gate")], ...] = Field(
        default=(),
        description="What a plan must pass before anything is written, on each cluster; each with "
        "one key, the name of a gate plugin. All of them must agree.",
    )
    depends_on: tuple[Dependency, ...] = Field(
        default=(),
        description="Applications that must be synced and healthy on a cluster before this one is "
        "written there; one that is not placed there is not waited for.",
    )


class Application(Document):
    """A set of manifests that belongs on a set of clusters."""

    kind: Literal["Application"] = Field(description="Always Application.")
    metadata: NamespacedMetadata = Field(description="Name, namespace and labels.")
    spec: ApplicationSpec = Field(description="From where, rendered how, to which clusters.")

    @property
    def ref(self) -> Ref:
        """The identity of this document."""
        return Ref(self.metadata.namespace, self.metadata.name)

    @property
    def dependencies(self) -> tuple[Ref, ...]:
        """The applications that must be there first, in the order of the document."""
        return tuple(
            Ref(each.namespace or self.metadata.namespace, each.application)
            for each in self.spec.depends_on
        )

    @property
    def source_ref(self) -> Ref:
        """The source it reads: the Source it refers to, or the one written inline.

        An inline source is named after its application; the slash keeps it apart from every Source
        document, whose name cannot hold one.
        """
        name = self.spec.source.ref or f"{INLINE_SOURCE}{self.metadata.name}"
        return Ref(self.metadata.namespace, name)


class Alert(Document):
    """Who is told of what: troubles and their end, or what happens, in a chat or by a webhook."""

    kind: Literal["Alert"] = Field(description="Always Alert.")
    metadata: NamespacedMetadata = Field(description="Name, namespace and labels.")
    spec: AlertSpec = Field(description="Which events go where, and how many at once.")

    @property
    def ref(self) -> Ref:
        """The identity of this document."""
        return Ref(self.metadata.namespace, self.metadata.name)


AnyDocument = Fleet | Cluster | Source | Application | Alert
KINDS: Mapping[str, type[Document]] = {
    "Fleet": Fleet,
    "Cluster": Cluster,
    "Source": Source,
    "Application": Application,
    "Alert": Alert,
}


WORKLOAD_KINDS = frozenset(
    {
        GroupKind("apps", "Deployment"),
        GroupKind("apps", "StatefulSet"),
        GroupKind("apps", "DaemonSet"),
        GroupKind("apps", "ReplicaSet"),
        GroupKind("batch", "Job"),
        GroupKind("batch", "CronJob"),
        GroupKind("", "Pod"),
    }
)
"""Kinds that run something: pruned last, and only when the new set is healthy."""
