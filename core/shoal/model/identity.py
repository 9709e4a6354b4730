"""How things are named: documents, objects in a cluster, and targets.

Named tuples, because these are the keys of every mapping on the hot path: they hash and compare in
C, sort naturally and print as the text a person would type.
"""

from __future__ import annotations

from typing import NamedTuple


class Ref(NamedTuple):
    """A namespaced document: an Application or a Source. Text form: `namespace/name`."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str, default_namespace: str = "default") -> Ref:
        """Read `namespace/name`, or `name` in the default namespace."""
        namespace, slash, name = text.partition("/")
        return cls(namespace, name) if slash else cls(default_namespace, text)


class GroupKind(NamedTuple):
    """A kind without its version, as Kubernetes identifies it. Text form: `Deployment.apps`."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


class ObjectKey(NamedTuple):
    """One object of one cluster; `namespace` is empty for cluster-scoped kinds.

    The version is left out on purpose: `apps/v1` and `apps/v1beta1` name the same object.
    """

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def group_kind(self) -> GroupKind:
        """The kind of the object."""
        return GroupKind(self.group, self.kind)

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.group_kind} {where}"

    @property
    def text(self) -> str:
        """The form that is stored and sorted: `group/Kind/namespace/name`."""
        return "/".join(self)

    @classmethod
    def parse(cls, text: str) -> ObjectKey:
        """Read the stored form back."""
        group, kind, namespace, name = text.split("/", 3)
        return cls(group, kind, namespace, name)


class TargetKey(NamedTuple):
    """One application at one cluster: the unit of planning, applying and reporting."""

    application: Ref
    cluster: str

    def __str__(self) -> str:
        return f"{self.application}@{self.cluster}"

    @classmethod
    def parse(cls, text: str) -> TargetKey:
        """Read `namespace/name@cluster` back."""
        application, _, cluster = text.rpartition("@")
        return cls(Ref.parse(application), cluster)
