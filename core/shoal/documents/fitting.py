"""What is wrong between the parts of one Application: each valid alone, and of no use together.

Called by `loading` for documents that were read. What can only be known once something is rendered
(a patch that fits no object, a cluster without a label) is found then, for the cluster it concerns.
"""

from __future__ import annotations

from collections.abc import Iterator

from shoal.documents.problems import Problem
from shoal.documents.relating import Identity, LineOf, Located
from shoal.hooks.renderers import ValuedSpec
from shoal.model.choice import nearest
from shoal.model.documents import Application
from shoal.model.facts import ASKED_FOR, FACTS, is_fact, references


def find_unfit_parts(identity: Identity, each: Located, line_of: LineOf) -> Iterator[Problem]:
    """Every problem of one document; none when it is no Application."""
    if isinstance(each.document, Application):
        yield from _vain_values(identity, each, each.document, line_of)
        yield from _unknown_facts(identity, each, each.document, line_of)


def _vain_values(
    identity: Identity, each: Located, document: Application, line_of: LineOf
) -> Iterator[Problem]:
    """Values for a renderer that is named and takes none."""
    render = document.spec.render
    if render is None or isinstance(render.spec, ValuedSpec):
        return
    for index, override in enumerate(document.spec.overrides):
        if override.values:
            yield Problem(
                each.file,
                line_of(identity, ("spec", "overrides", index, "values")),
                f"spec.overrides[{index}].values",
                f"the renderer {render.name} takes no values",
                next_step="use merge or patches, or another renderer",
            )


def _unknown_facts(
    identity: Identity, each: Located, document: Application, line_of: LineOf
) -> Iterator[Problem]:
    """References in the renderer's part to what no cluster can have."""
    render = document.spec.render
    if render is None:
        return
    for name in sorted(references(render.spec.model_dump(mode="json"))):
        if not is_fact(name) and name not in ASKED_FOR:
            yield Problem(
                each.file,
                line_of(identity, ("spec", "render", render.name)),
                f"spec.render.{render.name}",
                f"there is no fact cluster.{name}",
                suggestion=_meant(name),
                next_step=FACTS,
            )


def _meant(name: str) -> str:
    family, dot, rest = name.partition(".")
    near = nearest(family, ("labels", "values") if dot else ("name", *sorted(ASKED_FOR)))
    return f"cluster.{near}{dot}{rest}" if near else ""
