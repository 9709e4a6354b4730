"""What is wrong between documents: the same identity twice, a name that nothing has, no fleet.

Called by `loading` once every document has been read alone. Broken documents count as being there:
an Application is not told that its Source is missing when the Source is only misspelt inside.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shoal.documents.problems import Problem
from shoal.model.choice import nearest
from shoal.model.documents import KINDS, AnyDocument, Application, NamespacedMetadata
from shoal.model.yaml import Path


class Identity(NamedTuple):
    """What a document is found by; `namespace` is empty for Fleet and Cluster."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}".replace(" /", " ")


def is_namespaced(kind: str) -> bool:
    """Whether documents of a kind live in a namespace; what is no kind of ours counts as if."""
    model = KINDS.get(kind)
    return model is None or model.model_fields["metadata"].annotation is NamespacedMetadata


@dataclass(frozen=True, slots=True)
class Located:
    """A valid document, and where it stands."""

    document: AnyDocument
    file: str
    line: int

    @property
    def where(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"


LineOf = Callable[[Identity, Path], int]
"""The line at which a part of a document stands, or the nearest part above it."""


def find_duplicates(
    found: Mapping[Identity, Sequence[Located]],
) -> dict[Identity, tuple[Problem, ...]]:
    """Identities that stand in several places; each place is told of another one."""
    return {
        identity: tuple(
            Problem(
                each.file,
                each.line,
                "metadata.name",
                f"{identity} stands here and at {places[0 if index else 1].where}",
                next_step="rename one of them, or remove it",
            )
            for index, each in enumerate(places)
        )
        for identity, places in found.items()
        if len(places) > 1
    }


def find_rival_fleets(
    documents: Mapping[Identity, Located],
) -> dict[Identity, tuple[Problem, ...]]:
    """More than one Fleet: none of them counts."""
    fleets = {identity: each for identity, each in documents.items() if identity.kind == "Fleet"}
    if len(fleets) < 2:
        return {}
    first, second, *_ = fleets
    problems: dict[Identity, tuple[Problem, ...]] = {}
    for identity, each in fleets.items():
        other = fleets[second if identity == first else first]
        problem = Problem(
            each.file,
            each.line,
            "kind",
            f"a second Fleet; the other one is at {other.where}",
            expected="exactly one document of kind Fleet",
            next_step="remove one of them",
        )
        problems[identity] = (problem,)
    return problems


def find_missing_fleet(*, has_fleet: bool, has_documents: bool) -> list[Problem]:
    """The Fleet is mandatory: its name marks everything that is owned."""
    if has_fleet:
        return []
    message = "there is no document of kind Fleet" if has_documents else "there are no documents"
    return [
        Problem(
            "",
            0,
            "",
            message if has_documents else f"{message} of shoal.dev",
            next_step="add fleet.yaml with apiVersion: shoal.dev/v1alpha1, kind: Fleet and "
            "metadata.name",
        )
    ]


def find_dangling_sources(
    documents: Mapping[Identity, Located],
    broken: Collection[Identity],
    line_of: LineOf,
) -> list[Problem]:
    """Applications that refer to a Source that nobody wrote."""
    problems = []
    for identity, each in documents.items():
        if not isinstance(each.document, Application) or each.document.spec.source.ref is None:
            continue
        wanted = Identity("Source", identity.namespace, each.document.spec.source.ref)
        if wanted in documents or wanted in broken:
            continue
        known = [
            other.name
            for other in (*documents, *broken)
            if other.kind == "Source" and other.namespace == identity.namespace
        ]
        problems.append(
            Problem(
                each.file,
                line_of(identity, ("spec", "source", "ref")),
                "spec.source.ref",
                f"there is no Source {wanted.name} in namespace {wanted.namespace}",
                suggestion=nearest(wanted.name, known) or "",
            )
        )
    return problems
