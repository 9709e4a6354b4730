"""What made a cluster's objects, for a person: the steps in order, and what each of them did."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from shoal.api.answers import envelope
from shoal.cli.options import Output
from shoal.cli.phrasing import clean, colored, short_revision
from shoal.cli.printing import print_one, write
from shoal.composition.grouping import Group
from shoal.engine.explaining import (
    FAILED,
    SKIPPED,
    Explanation,
    ObjectStep,
    OverrideStep,
    RenderStep,
)
from shoal.model.phrases import counted

_KIND = "Explanation"
_SHOWN = 5
_LONGEST = 120


def print_explanations(output: Output, group: Group) -> None:
    """One explanation for each application; several are a list in `json` and `yaml`."""
    explanations = group.explanations
    if output.format in ("json", "yaml") and len(explanations) != 1:
        write(output.format, envelope(_KIND, [_fields(each) for each in explanations]))
        return
    for each in explanations:
        name = f"explanation/{each.application}@{each.cluster}"
        lines = [clean(line) for line in _lines(each, group.clusters)]
        shown = [colored(line, "Failed", color=output.color and _fails(line)) for line in lines]
        print_one(output, _KIND, name, _fields(each), partial(list, shown))


def _fails(line: str) -> bool:
    return line.startswith("overrides") and line.endswith(": failed")


def _fields(each: Explanation) -> Mapping[str, Any]:
    render = each.render
    return {
        "application": each.application,
        "cluster": each.cluster,
        "revision": each.revision,
        "render": {
            "renderer": render.renderer,
            "version": render.version,
            "folder": render.folder,
            "parameters": dict(render.parameters),
            "values": [{"from": name, "sets": list(sets)} for name, sets in render.values.items()],
            "facts": dict(render.facts),
            "files": list(render.files),
            "objects": render.objects,
        },
        "overrides": [_step_fields(step) for step in each.overrides],
        "objects": len(each.manifests),
        "digest": each.digest,
    }


def _step_fields(step: OverrideStep) -> Mapping[str, Any]:
    return {
        "step": step.where,
        "outcome": step.outcome,
        "objects": [
            {
                "object": each.object,
                "origin": each.origin,
                "change": each.change,
                "patch": [dict(operation) for operation in each.patch],
                "images": [image._asdict() for image in each.images],
            }
            for each in step.objects
        ],
        "errors": list(step.errors),
    }


def _lines(each: Explanation, clusters: Sequence[str]) -> Iterator[str]:
    others = f" (and {len(clusters) - 1} more that get the same)" if len(clusters) > 1 else ""
    yield f"{each.application} on {each.cluster}{others}, at {short_revision(each.revision)}"
    yield from _render_lines(each.render)
    for step in each.overrides:
        yield from _step_lines(step)
    if each.error is None:
        yield f"result: {counted(len(each.manifests), 'object')}, digest {each.digest[:12]}"


def _render_lines(render: RenderStep) -> Iterator[str]:
    yield f"render: {render.renderer} {render.version}, folder {render.folder}"
    yield f"  {counted(render.objects, 'object')} from {_some(render.files, 'file')}"
    if render.parameters:
        yield f"  parameters: {_short(render.parameters)}"
    for origin, names in render.values.items():
        yield f"  values of {origin}: {', '.join(names)}"
    if render.facts:
        looked = ", ".join(f"{name} {value or ''}".rstrip() for name, value in render.facts.items())
        yield f"  facts of the cluster that were looked at: {looked}"


def _step_lines(step: OverrideStep) -> Iterator[str]:
    if step.outcome == SKIPPED:
        yield f"{step.where}: skipped, its clusterSelector does not match"
        return
    if step.outcome == FAILED:
        yield f"{step.where}: failed"
        yield from (f"  {error}" for error in step.errors)
        return
    nothing = "" if step.objects else " nothing more, an earlier override excluded it"
    yield f"{step.where}:{nothing}"
    for each in step.objects:
        yield from _object_lines(each)


def _object_lines(each: ObjectStep) -> Iterator[str]:
    yield f"  {each.object} ({each.origin}): {each.change.lower()}"
    for image in each.images:
        yield f"    {image.path}: {image.before} → {image.after}"
    for operation in () if each.images else each.patch:
        origin = f" from {operation['from']}" if "from" in operation else ""
        value = f": {_short(operation['value'])}" if "value" in operation else ""
        yield f"    {operation['op']} {operation['path']}{origin}{value}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _some(names: Sequence[str], noun: str) -> str:
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"{counted(len(names), noun)}: {shown}"
