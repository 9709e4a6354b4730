"""What is valid and probably not meant: combinations that a careful operator would ask about.

Warnings, never problems: a document with doubts is used as it is. Each says why, and what to write
instead. Only what can be known of the documents themselves is judged here, and only what is wrong
more often than right: a warning that people learn to skip hides the next one. Called by `loading`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from shoal.documents.problems import Problem
from shoal.documents.relating import Identity, LineOf, Located
from shoal.documents.walking import show
from shoal.model.choice import Spec
from shoal.model.documents import Application, Cluster
from shoal.model.identity import Ref
from shoal.model.policies import (
    PRESETS,
    AddedFieldsPolicy,
    DriftPolicy,
    ExistingPolicy,
    FailurePolicy,
    PrunePolicy,
    SyncMode,
    SyncPolicy,
    ValidationPolicy,
)
from shoal.model.yaml import Path

# All that an object says stands at or below one of these.
_WHOLE = frozenset({"/spec", "/data", "/stringData", "/binaryData", "/rules", "/webhooks", "/*"})
# What a mode that writes nothing still obeys.
_OBSERVED = frozenset({"preset", "mode", "ignore"})


class _Doubt(NamedTuple):
    """Where in the spec, what, and what to do."""

    path: Path
    message: str
    next_step: str


def find_doubts(documents: Mapping[Identity, Located], line_of: LineOf) -> Iterator[Problem]:
    """Every doubt about every document, in no order."""
    clusters = {
        each.document.metadata.name: each.document.metadata.labels
        for each in documents.values()
        if isinstance(each.document, Cluster)
    }
    applications = {
        each.document.ref: each.document
        for each in documents.values()
        if isinstance(each.document, Application)
    }
    placed = {ref: _placed(each, clusters) for ref, each in applications.items()}
    for identity, each in documents.items():
        if not isinstance(each.document, Application):
            continue
        doubts = (
            *_of_policy(each.document.spec.sync),
            *_of_placement(each.document, placed, has_clusters=bool(clusters)),
            *_of_dependencies(each.document, applications, placed),
        )
        for doubt in doubts:
            yield Problem(
                each.file,
                line_of(identity, doubt.path),
                show(doubt.path),
                doubt.message,
                next_step=doubt.next_step,
            )


def _placed(document: Application, clusters: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
    selector = document.spec.placement.cluster_selector
    return frozenset(name for name, labels in clusters.items() if selector.matches(labels))


def _of_policy(policy: SyncPolicy) -> Iterator[_Doubt]:
    written = _written(policy)
    yield from _of_preset(policy)
    yield from _of_ignored(policy)
    if policy.mode is SyncMode.OBSERVE:
        vain = sorted(written - _OBSERVED)
        if vain:
            names = ", ".join(_alias(policy, name) for name in vain)
            yield _doubt(
                policy,
                vain[0],
                f"{names}: of no effect, for with mode Observe nothing is ever written",
                "take it out, or set mode: Apply",
            )
        return
    if policy.failure is FailurePolicy.ALL_OR_NOTHING and policy.validation is (
        ValidationPolicy.NEVER
    ):
        yield _doubt(
            policy,
            "validation",
            "validation Never is of no effect: failure AllOrNothing tries everything out first",
            "take it out, or set failure: BestEffort",
        )
    if policy.when_drifted is DriftPolicy.REPORT and not (
        policy.when_fields_added is not AddedFieldsPolicy.REMOVE or "when_fields_added" in written
    ):
        yield _doubt(
            policy,
            "when_drifted",
            "edits are only reported, but fields that somebody adds by hand are still removed, "
            "for that is the default of whenFieldsAdded",
            "set whenFieldsAdded: Report too, or Remove to say that it is meant",
        )
    if policy.when_already_exists is ExistingPolicy.ADOPT and policy.prune is not PrunePolicy.NEVER:
        yield _doubt(
            policy,
            "when_already_exists",
            "Adopt overwrites whatever is there under these names, and prune deletes it once it "
            "leaves Git: a name that is taken by mistake is lost",
            "set AdoptIfNoDiff, or prune: Never until all is adopted; see shoal diff",
        )


def _of_preset(policy: SyncPolicy) -> Iterator[_Doubt]:
    if policy.preset is None:
        return
    said = PRESETS[policy.preset]
    if all(_said(policy, alias) != value for alias, value in said.items()):
        yield _doubt(
            policy,
            "preset",
            f"preset {policy.preset.value} says nothing: all of it is written otherwise",
            "take it out",
        )


def _of_ignored(policy: SyncPolicy) -> Iterator[_Doubt]:
    for index, rule in enumerate(policy.ignore):
        if rule.path in _WHOLE:
            yield _Doubt(
                ("spec", "sync", "ignore", index, "path"),
                f"{rule.path} is all that such an object says: none of it is written any more",
                "name the fields that are somebody else's; an object that is not to be touched "
                "takes the annotation shoal.dev/apply: Ignore",
            )


def _of_placement(
    document: Application, placed: Mapping[Ref, frozenset[str]], *, has_clusters: bool
) -> Iterator[_Doubt]:
    if has_clusters and not placed[document.ref]:
        yield _Doubt(
            ("spec", "placement", "clusterSelector"),
            "no cluster of this fleet has these labels, so it is placed nowhere",
            "compare it with metadata.labels of the Cluster documents",
        )


def _of_dependencies(
    document: Application,
    applications: Mapping[Ref, Application],
    placed: Mapping[Ref, frozenset[str]],
) -> Iterator[_Doubt]:
    here = placed[document.ref]
    for index, ref in enumerate(document.dependencies):
        other = applications.get(ref)
        path: Path = ("spec", "dependsOn", index)
        if other is None or not here or not placed[ref]:
            continue  # said elsewhere: the one is no document, the other is placed nowhere
        if not here & placed[ref]:
            yield _Doubt(
                path,
                f"of no effect: {ref} is on none of the clusters that this application is on",
                "place it there too, or take it out",
            )
        elif other.spec.sync.mode is SyncMode.OBSERVE:
            yield _Doubt(
                path,
                f"{ref} is only observed (mode Observe), so this waits until somebody else has "
                "made it equal to Git",
                "set its mode: Apply, or take it out",
            )


def _written(policy: SyncPolicy) -> frozenset[str]:
    """The fields that stand in the document; a preset's own words are not."""
    said: Iterable[str] = PRESETS[policy.preset] if policy.preset is not None else ()
    names = {_alias(policy, name): name for name in type(policy).model_fields}
    by_preset = {
        names[alias]
        for alias in said
        if policy.preset is not None and _said(policy, alias) == PRESETS[policy.preset][alias]
    }
    return frozenset(policy.model_fields_set - by_preset)


def _said(policy: SyncPolicy, alias: str) -> str:
    names = {_alias(policy, name): name for name in type(policy).model_fields}
    return str(getattr(policy, names[alias]))


def _alias(spec: Spec, name: str) -> str:
    return type(spec).model_fields[name].alias or name


def _doubt(policy: SyncPolicy, name: str, message: str, next_step: str) -> _Doubt:
    return _Doubt(("spec", "sync", _alias(policy, name)), message, next_step)
