"""What makes one cluster's objects of an application, step by step: for a person who asks why.

The same calls as `desiring` makes for the loop, and the same steps as `overriding` takes, kept
instead of thrown away: what is explained is what happens. Nothing in an explanation is a value of a
Secret or of a values file; patches are masked as those of the ledger are. Called by `shoal render`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shoal.documents import Catalog
from shoal.engine.desiring import Desiring, Own, Renders
from shoal.engine.remembering import Rendered
from shoal.engine.wishes import Wishes
from shoal.errors import MissingFact, ShoalError
from shoal.hooks.renderers import ValuedSpec
from shoal.model.artifacts import Artifact
from shoal.model.choice import Spec
from shoal.model.differences import recorded_difference
from shoal.model.documents import Application
from shoal.model.facts import APPLICATION, KUBERNETES_VERSION
from shoal.model.manifests import Manifest
from shoal.model.overrides import Override
from shoal.planning.images import ImageChange
from shoal.planning.overriding import content, failed
from shoal.planning.steps import Step, Touched, steps

SKIPPED = "Skipped"
APPLIED = "Applied"
FAILED = "Failed"
CHANGED = "Changed"
UNCHANGED = "Unchanged"
EXCLUDED = "Excluded"


@dataclass(frozen=True, slots=True)
class RenderStep:
    """How the objects were rendered.

    `facts` are those that the renderer looked at, with their values where these are no secret of
    anybody (`None` elsewhere); `values` says where values for the templates came from, and which
    they are, without saying what they are.
    """

    renderer: str
    version: str
    folder: str
    parameters: Mapping[str, Any]
    values: Mapping[str, Sequence[str]]
    facts: Mapping[str, str | None]
    files: Sequence[str]
    objects: int


@dataclass(frozen=True, slots=True)
class ObjectStep:
    """What one step did to one object: a masked patch, images, or that it was excluded."""

    object: str
    origin: str
    change: str
    patch: Sequence[Mapping[str, Any]]
    images: Sequence[ImageChange]


@dataclass(frozen=True, slots=True)
class OverrideStep:
    """One part of an override, or a whole override that is not for this cluster."""

    where: str
    outcome: str
    objects: Sequence[ObjectStep] = ()
    errors: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """All steps for one cluster. `error` is what keeps the cluster from getting the objects."""

    application: str
    cluster: str
    revision: str
    render: RenderStep
    overrides: Sequence[OverrideStep]
    manifests: Sequence[Manifest] = field(repr=False)
    digest: str
    error: ShoalError | None = None


async def explain(
    desiring: Desiring,
    catalog: Catalog,
    document: Application,
    artifact: Artifact,
    cluster: str,
) -> Explanation:
    """Every step for one cluster; raises whatever keeps it from being rendered."""
    renders = await desiring.render(catalog, document, artifact, (cluster,))
    if cluster in renders.failures:
        raise _named(cluster, renders.failures[cluster])
    own, outcome = renders.owns[cluster], renders.outcomes[cluster]
    if isinstance(outcome.result, ShoalError):
        raise _named(cluster, outcome.result)
    overrides, manifests = document.spec.overrides, outcome.result.manifests
    taken = list(steps(manifests, overrides, indexes=own.indexes, look=own.document.look))
    errors = [error for step in taken for error in step.errors]
    left = taken[-1].objects.present if taken else manifests
    made = content(left, desiring.digester)
    return Explanation(
        application=str(document.ref),
        cluster=cluster,
        revision=artifact.revision,
        render=await _render_step(renders, own, outcome.result, document),
        overrides=tuple(_told(overrides, own.indexes, taken)),
        manifests=made.manifests,
        digest=made.digest,
        error=_named(cluster, failed(errors)) if errors else None,
    )


def _named(cluster: str, error: ShoalError) -> ShoalError:
    """The error as the loop of applications would tell it."""
    wishes = Wishes()
    wishes.failed(cluster, error)
    return wishes.error() or error


async def _render_step(
    renders: Renders, own: Own, rendered: Rendered, document: Application
) -> RenderStep:
    facts = sorted(rendered.facts.keys() - {APPLICATION})
    files = sorted(path for path, seen in rendered.looks.items() if seen.startswith("file "))
    return RenderStep(
        renderer=renders.renderer.name,
        version=renders.renderer.version,
        folder=rendered.root or ".",
        parameters=_without_values(renders.parameters),
        values=dict(_values(renders.parameters, document.spec.overrides, own.indexes)),
        facts={name: await _shown(own, name) for name in facts},
        files=files,
        objects=len(rendered.manifests),
    )


def _without_values(parameters: Spec) -> dict[str, Any]:
    hidden = {"values"} if isinstance(parameters, ValuedSpec) else set[str]()
    return parameters.model_dump(mode="json", exclude_defaults=True, exclude=hidden)


def _values(
    parameters: Spec, overrides: Sequence[Override], indexes: Sequence[int]
) -> Iterator[tuple[str, Sequence[str]]]:
    """Where values come from, in the order in which they win, and the names of what they set."""
    if isinstance(parameters, ValuedSpec) and parameters.values:
        yield "render", tuple(_names(parameters.values))
    for index in indexes:
        if overrides[index].values:
            yield f"overrides[{index}].values", tuple(_names(overrides[index].values))


def _names(values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _names(value, f"{above}{name}.")
        else:
            yield f"{above}{name}"


async def _shown(own: Own, name: str) -> str | None:
    """The value of a fact that everybody may see; what stands in `values` is its owner's own."""
    is_open = name in ("name", KUBERNETES_VERSION) or name.startswith("labels.")
    if not is_open:
        return None
    try:
        return str(await own.render.facts.look(name))
    except MissingFact:
        return None


def _told(
    overrides: Sequence[Override], indexes: Sequence[int], taken: Sequence[Step]
) -> Iterator[OverrideStep]:
    """The steps in the order of the document, those for other clusters named as skipped."""
    for index in range(len(overrides)):
        where = f"overrides[{index}]"
        if index not in indexes:
            yield OverrideStep(where, SKIPPED)
        for step in taken:
            if step.where.startswith(f"{where}."):
                touched = [_object_step(each) for each in step.touched]
                outcome = FAILED if step.errors else APPLIED
                yield OverrideStep(step.where, outcome, touched, step.errors)


def _object_step(touched: Touched) -> ObjectStep:
    before, after = touched.before, touched.after
    return ObjectStep(
        object=str(before.key),
        origin=before.origin,
        change=EXCLUDED if after is None else UNCHANGED if after is before else CHANGED,
        patch=recorded_difference(before.key, before, after),
        images=touched.images,
    )
